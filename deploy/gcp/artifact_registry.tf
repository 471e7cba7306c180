resource "google_artifact_registry_repository" "images" {
  #checkov:skip=CKV_GCP_84: Google's keys encrypt; a key of our own protects images of open source from nobody
  repository_id = local.name
  location      = var.region
  format        = "DOCKER"
  description   = "Images of the services, by digest."
  docker_config {
    immutable_tags = true
  }
  vulnerability_scanning_config {
    enablement_config = "INHERITED"
  }
  cleanup_policies {
    id     = "keep-recent"
    action = "KEEP"
    most_recent_versions {
      keep_count = 20
    }
  }
  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      older_than = "7776000s" # 90 days
    }
  }
  depends_on = [google_project_service.api]
}
