# Who may do what. Runs with the real provider or with none: terraform test.
mock_provider "google" {
  override_during = plan
  mock_resource "google_service_account" {
    defaults = {
      name  = "projects/fungi/serviceAccounts/x@fungi.iam.gserviceaccount.com"
      email = "x@fungi.iam.gserviceaccount.com"
    }
  }
  mock_resource "google_memorystore_instance" {
    defaults = { endpoints = [{ connections = [{ psc_auto_connection = [{ ip_address = "10.20.0.9" }] }] }] }
  }
}

variables {
  project           = "fungi"
  database_password = "secret"
  github            = { owner_id = "1", repository_id = "2" }
  images = {
    predictor = "r/predictor@sha256:0000000000000000000000000000000000000000000000000000000000000001"
    drift     = "r/drift@sha256:0000000000000000000000000000000000000000000000000000000000000002"
    worker    = "r/worker@sha256:0000000000000000000000000000000000000000000000000000000000000003"
    trainer   = "r/trainer@sha256:0000000000000000000000000000000000000000000000000000000000000004"
  }
}

run "a_service_has_its_own_rights_and_no_others" {
  command = plan

  assert {
    condition     = length(google_service_account.service) == length(toset([for one in google_service_account.service : one.account_id]))
    error_message = "A service account a service."
  }
  assert {
    condition     = toset([for one in google_pubsub_topic_iam_member.relay : one.role]) == toset(["roles/pubsub.publisher"])
    error_message = "The relay publishes, and no more."
  }
  assert {
    condition     = google_pubsub_subscription_iam_member.trigger.role == "roles/pubsub.subscriber"
    error_message = "The trigger subscribes, and no more."
  }
  assert {
    condition     = google_secret_manager_secret_iam_member.database_password.member == local.member["migrate"]
    error_message = "Nobody but the migrations logs in as the tables' owner."
  }
  assert {
    condition     = toset(keys(google_sql_user.service)) == toset(["predictor", "drift", "worker", "trigger", "trainer"]) && alltrue([for one in google_sql_user.service : one.type == "CLOUD_IAM_SERVICE_ACCOUNT"])
    error_message = "A database user with a password gets cloudsqlsuperuser."
  }
  assert {
    condition     = alltrue([for name, user in google_sql_user.service : contains(local.jobs.migrate.command, "${name}=${user.name}")])
    error_message = "Each migration gives every service's role its rights, and takes all others."
  }
  assert {
    condition     = toset([for key in keys(local.project_roles) : key if endswith(key, "/builder")]) == toset(["logging.logWriter/builder"]) && google_artifact_registry_repository_iam_member.push["builder"].role == "roles/artifactregistry.writer"
    error_message = "Cloud Build writes images and its log, and no more."
  }
  assert {
    condition     = alltrue([for one in google_project_iam_member.service : !contains(["roles/owner", "roles/editor", "roles/run.admin"], one.role)])
    error_message = "No broad role."
  }
  assert {
    condition     = toset([for one in google_storage_bucket_iam_member.service : one.role]) == toset(["roles/storage.objectViewer", "roles/storage.objectUser"])
    error_message = "Nobody administers a bucket."
  }
  assert {
    condition     = google_storage_bucket_iam_member.reader_data.role == "roles/storage.objectViewer" && !anytrue([for key in keys(local.project_roles) : endswith(key, "/reader")])
    error_message = "A pull request reads versions of the data, and nothing else."
  }
  assert {
    condition     = google_iam_workload_identity_pool_provider.pull_requests.workload_identity_pool_id != google_iam_workload_identity_pool_provider.github.workload_identity_pool_id
    error_message = "A pull request must not become the deployer."
  }
}

run "nobody_is_let_in_unasked" {
  command = plan

  assert {
    condition     = toset([for one in google_cloud_run_v2_service_iam_member.invoker : one.member]) == toset([local.monitoring_agent])
    error_message = "Only the uptime check may call until somebody says who else."
  }
  assert {
    condition     = google_sql_database_instance.main.settings[0].ip_configuration[0].ipv4_enabled == false
    error_message = "Postgres has no public address."
  }
  assert {
    condition     = alltrue([for one in google_storage_bucket.bucket : one.public_access_prevention == "enforced" && one.uniform_bucket_level_access])
    error_message = "Buckets are private."
  }
}

run "callers_are_let_in_by_name" {
  command = plan
  variables {
    invokers = ["allUsers"]
  }
  assert {
    condition     = length(google_cloud_run_v2_service_iam_member.invoker) == 4
    error_message = "Both services, the uptime check and everybody."
  }
}

run "github_is_known_by_numbers_ref_and_event" {
  command = plan

  assert {
    condition     = google_iam_workload_identity_pool_provider.github.attribute_condition == "assertion.repository_owner_id == '1' && assertion.repository_id == '2' && assertion.ref == 'refs/heads/main' && assertion.event_name in ['push', 'workflow_dispatch', 'repository_dispatch']"
    error_message = "No pull request and no other repository becomes the deployer."
  }
}

run "names_of_a_repository_are_refused" {
  command = plan
  variables {
    github = { owner_id = "fungi", repository_id = "mycovigil" }
  }
  expect_failures = [var.github]
}

run "tags_are_refused" {
  command = plan
  variables {
    images = { predictor = "r/predictor:latest", drift = "r/drift:latest", worker = "r/worker:latest", trainer = "r/trainer:latest" }
  }
  expect_failures = [var.images]
}

run "cloud_build_builds_where_the_repository_has_a_name" {
  command = plan
  variables {
    github = { owner_id = "1", repository_id = "2", owner = "fungi", name = "mycovigil" }
  }
  assert {
    condition     = google_cloudbuild_trigger.images[0].service_account == google_service_account.service["builder"].id && google_cloudbuild_trigger.images[0].github[0].push[0].branch == "^main$"
    error_message = "A push to main builds the images, as an account that may push them."
  }
}

run "an_unknown_launcher_is_refused" {
  command = plan
  variables {
    training_launcher = "gpu"
  }
  expect_failures = [var.training_launcher]
}
