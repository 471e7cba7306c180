output "predictor_url" { value = module.predictor.uri }
output "drift_url" { value = module.drift.uri }
output "registry" { value = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.repository_id}" }
output "dvc_remote" { value = "gs://${google_storage_bucket.bucket["dvc"].name}" }
output "workload_identity_provider" { value = google_iam_workload_identity_pool_provider.github.name }
output "deployer" { value = google_service_account.service["deployer"].email }
output "reader_identity_provider" { value = google_iam_workload_identity_pool_provider.pull_requests.name }
output "reader" { value = google_service_account.service["reader"].email }
