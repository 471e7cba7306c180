# GitHub Actions becomes the deployer without a key. By numeric ids, because names can be registered
# again; and only for this branch and these events, so no pull request can.
resource "google_iam_workload_identity_pool" "github" {
  workload_identity_pool_id = "github"
  display_name              = "GitHub Actions"
  depends_on                = [google_project_service.api]
}

resource "google_iam_workload_identity_pool_provider" "github" {
  #checkov:skip=CKV_GCP_125: it wants the repository's name in the subject; numeric ids are stricter
  workload_identity_pool_id          = google_iam_workload_identity_pool.github.workload_identity_pool_id
  workload_identity_pool_provider_id = "github"
  attribute_mapping = {
    "google.subject"                = "assertion.sub"
    "attribute.repository_id"       = "assertion.repository_id"
    "attribute.repository_owner_id" = "assertion.repository_owner_id"
    "attribute.ref"                 = "assertion.ref"
    "attribute.event_name"          = "assertion.event_name"
  }
  attribute_condition = join(" && ", [
    "assertion.repository_owner_id == '${var.github.owner_id}'",
    "assertion.repository_id == '${var.github.repository_id}'",
    "assertion.ref == '${var.github.ref}'",
    "assertion.event_name in ['${join("', '", var.github.events)}']",
  ])
  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

resource "google_service_account_iam_member" "github" {
  service_account_id = google_service_account.service["deployer"].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.github.name}/attribute.repository_id/${var.github.repository_id}"
}

# Pull requests of the repository itself (those of forks get no token) validate changes of the data. In a
# pool of their own: whoever is in the one above may become the deployer.
resource "google_iam_workload_identity_pool" "pull_requests" {
  workload_identity_pool_id = "pull-requests"
  display_name              = "Pull requests"
  depends_on                = [google_project_service.api]
}

resource "google_iam_workload_identity_pool_provider" "pull_requests" {
  #checkov:skip=CKV_GCP_125: it wants the repository's name in the subject; numeric ids are stricter
  workload_identity_pool_id          = google_iam_workload_identity_pool.pull_requests.workload_identity_pool_id
  workload_identity_pool_provider_id = "github"
  attribute_mapping                  = google_iam_workload_identity_pool_provider.github.attribute_mapping
  attribute_condition = join(" && ", [
    "assertion.repository_owner_id == '${var.github.owner_id}'",
    "assertion.repository_id == '${var.github.repository_id}'",
    "assertion.event_name == 'pull_request'",
  ])
  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

resource "google_service_account_iam_member" "pull_requests" {
  service_account_id = google_service_account.service["reader"].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.pull_requests.name}/attribute.repository_id/${var.github.repository_id}"
}
