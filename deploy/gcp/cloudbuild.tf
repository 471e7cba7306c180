# Builds the images of each push to main, by cloudbuild.yaml. Google's GitHub app must be installed in the
# repository by hand, so there is no trigger where the repository has no name here.
resource "google_cloudbuild_trigger" "images" {
  count           = var.github.owner == null || var.github.name == null ? 0 : 1
  name            = "${local.name}-images"
  description     = "Images of a push to main."
  location        = var.region
  service_account = google_service_account.service["builder"].id
  filename        = "deploy/gcp/cloudbuild.yaml"
  substitutions   = { _REGION = var.region }
  github {
    owner = var.github.owner
    name  = var.github.name
    push {
      branch = "^main$"
    }
  }
  depends_on = [google_artifact_registry_repository_iam_member.push, google_project_iam_member.service]
}
