# Services name a version by its number: a new one reaches them with a new revision, never by itself.
resource "google_secret_manager_secret" "secret" {
  for_each  = toset(["database-password", "metrics-predictor", "metrics-drift"])
  secret_id = "${local.name}-${each.key}"
  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }
  depends_on = [google_project_service.api]
}

resource "google_secret_manager_secret_version" "database_password" {
  secret                 = google_secret_manager_secret.secret["database-password"].id
  secret_data_wo         = var.database_password
  secret_data_wo_version = var.database_password_version
}

# Which port the collector beside each service reads /metrics from.
resource "google_secret_manager_secret_version" "metrics" {
  for_each = { predictor = local.predictor_port, drift = local.drift_port }
  secret   = google_secret_manager_secret.secret["metrics-${each.key}"].id
  secret_data = yamlencode({
    apiVersion = "monitoring.googleapis.com/v1beta"
    kind       = "RunMonitoring"
    metadata   = { name = "${local.name}-${each.key}" }
    spec       = { endpoints = [{ port = each.value, path = "/metrics", interval = "30s" }] }
  })
}
