locals {
  monitoring_agent = "serviceAccount:service-${local.number}@gcp-sa-monitoring-notification.iam.gserviceaccount.com"
  watched          = { predictor = module.predictor.uri, drift = module.drift.uri }

  # Events of our JSON logs; resource: the kind of Cloud Run that writes them.
  log_metrics = {
    errors       = { resource = "cloud_run_revision", filter = "jsonPayload.level=(\"error\" OR \"critical\")" }
    steps_failed = { resource = "cloud_run_worker_pool", filter = "jsonPayload.event=\"a step of the tick failed, the next one tries again\"" }
    no_heartbeat = { resource = "cloud_run_worker_pool", filter = "jsonPayload.event=\"no heartbeat: Postgres does not answer\"" }
  }
}

resource "google_monitoring_notification_channel" "email" {
  for_each     = var.alert_emails
  display_name = each.key
  type         = "email"
  labels       = { email_address = each.key }
}

# From outside, through IAM. Not /readyz: Google's front end keeps paths that end in z for itself, so
# readiness is asked by the startup probe, and afterwards by the rules.
resource "google_monitoring_uptime_check_config" "service" {
  for_each     = local.watched
  display_name = "${local.name} ${each.key}"
  timeout      = "10s"
  period       = "60s"
  http_check {
    path         = "/problems"
    use_ssl      = true
    validate_ssl = true
    service_agent_authentication {
      type = "OIDC_TOKEN"
    }
  }
  monitored_resource {
    type   = "uptime_url"
    labels = { project_id = var.project, host = trimprefix(each.value, "https://") }
  }
}

resource "google_logging_metric" "log" {
  for_each = local.log_metrics
  name     = "${local.name}/${each.key}"
  filter   = "resource.type=\"${each.value.resource}\" AND ${each.value.filter}"
  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    labels {
      key = "service"
    }
  }
  label_extractors = { service = "EXTRACT(jsonPayload.service)" }
}

# The board of deploy/grafana, once more: its panels, drawn by Cloud Monitoring.
locals {
  panels = jsondecode(file("${path.module}/../grafana/dashboards/mycovigil.json")).panels
}

resource "google_monitoring_dashboard" "main" {
  dashboard_json = jsonencode({
    displayName = "Mycovigil"
    mosaicLayout = {
      columns = 24
      tiles = [for panel in local.panels : {
        xPos = panel.gridPos.x, yPos = panel.gridPos.y, width = panel.gridPos.w, height = panel.gridPos.h
        widget = {
          title = panel.title
          xyChart = { dataSets = [for target in panel.targets : {
            plotType        = "LINE"
            timeSeriesQuery = { prometheusQuery = target.expr }
          }] }
        }
      }]
    }
  })
}
