# The rules of deploy/prometheus, and those that only Google's own metrics can tell.
locals {
  rules = { for rule in concat(
    yamldecode(file("${path.module}/../prometheus/rules.yml")).groups[0].rules,
    yamldecode(file("${path.module}/rules.yml")).groups[0].rules,
  ) : rule.alert => rule }
  channels = [for channel in google_monitoring_notification_channel.email : channel.id]
}

resource "google_monitoring_alert_policy" "rule" {
  for_each              = local.rules
  display_name          = "${local.name} ${each.key}"
  combiner              = "OR"
  severity              = upper(each.value.labels.severity)
  notification_channels = local.channels
  conditions {
    display_name = each.key
    condition_prometheus_query_language {
      query                     = each.value.expr
      duration                  = "${60 * tonumber(trimsuffix(try(each.value.for, "0m"), "m"))}s"
      evaluation_interval       = "60s"
      alert_rule                = each.key
      rule_group                = local.name
      disable_metric_validation = true # most metrics exist only once a service has run
    }
  }
  documentation {
    # Of an annotation for Prometheus only the path counts: the address is known here.
    content   = "${each.value.annotations.summary}\n\n${var.public_url}${element(reverse(split("}}", try(each.value.annotations.dashboard, "/"))), 0)}\n\n${each.value.annotations.runbook}"
    mime_type = "text/markdown"
  }
}

resource "google_monitoring_alert_policy" "uptime" {
  for_each              = google_monitoring_uptime_check_config.service
  display_name          = "${local.name} ${each.key} does not answer from outside"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels
  conditions {
    display_name = "uptime check fails in two regions"
    condition_threshold {
      filter          = "metric.type=\"monitoring.googleapis.com/uptime_check/check_passed\" AND resource.type=\"uptime_url\" AND metric.labels.check_id=\"${each.value.uptime_check_id}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 1
      duration        = "300s"
      aggregations {
        alignment_period     = "120s"
        per_series_aligner   = "ALIGN_NEXT_OLDER"
        cross_series_reducer = "REDUCE_COUNT_FALSE"
      }
    }
  }
}
