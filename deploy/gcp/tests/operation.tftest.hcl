# What must stay, what starts, and who is told. Runs with the real provider or with none.
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

run "what_is_kept_cannot_be_lost_by_accident" {
  command = plan

  assert {
    condition     = google_sql_database_instance.main.deletion_protection && google_sql_database_instance.main.settings[0].deletion_protection_enabled
    error_message = "Postgres cannot be deleted by a slip."
  }
  assert {
    condition     = google_sql_database_instance.main.settings[0].backup_configuration[0].point_in_time_recovery_enabled
    error_message = "Postgres can be brought back to any second of the last days."
  }
  assert {
    condition     = alltrue([for one in google_storage_bucket.bucket : one.versioning[0].enabled])
    error_message = "Buckets keep old versions."
  }
}

run "postgres_has_connections_for_all" {
  command = plan

  assert {
    condition     = local.connections <= local.max_connections
    error_message = "Postgres has connections for as many instances."
  }
}

run "too_many_instances_are_told" {
  command = plan
  variables {
    predictor_instances = { min = 1, max = 100 }
  }
  expect_failures = [check.connections]
}

run "events_find_their_way" {
  command = plan

  assert {
    condition     = google_pubsub_subscription.retrain_trigger.dead_letter_policy[0].max_delivery_attempts == 5
    error_message = "An event that fails for good is put aside."
  }
  assert {
    condition     = google_pubsub_topic_iam_member.dead_letter_forward.member == local.pubsub_agent && google_pubsub_subscription_iam_member.dead_letter_take.member == local.pubsub_agent
    error_message = "Pub/Sub itself needs both rights, or dead letters stay."
  }
  assert {
    condition     = length(google_pubsub_topic.topic["dead_letter"].schema_settings) == 0 && length(google_pubsub_topic.topic["alerts"].schema_settings) == 1
    error_message = "Events have schemas; dead letters are taken as they are."
  }
}

run "somebody_is_told" {
  command = plan
  variables {
    alert_emails    = ["night@fungi.example"]
    billing_account = "000000-000000-000000"
  }
  assert {
    condition     = alltrue([for name in ["NightNotJudged", "NobodyWatches", "EventsStuck", "DeadLetters", "ServerErrors", "SlowAnswers", "SpoolFilling", "CertificateVoid"] : contains(keys(google_monitoring_alert_policy.rule), name)])
    error_message = "An alert is missing."
  }
  assert {
    condition     = alltrue([for one in google_monitoring_alert_policy.rule : length(one.notification_channels) == 1])
    error_message = "Each alert reaches somebody."
  }
  assert {
    condition     = google_monitoring_alert_policy.rule["PredictionsSpooled"].conditions[0].condition_prometheus_query_language[0].duration == "600s"
    error_message = "Rules wait as long as in Prometheus."
  }
  assert {
    condition     = endswith(google_monitoring_alert_policy.rule["IncidentOpen"].documentation[0].content, "\n\nhttps://drift.invalid/incidents\n\ndocs/runbooks/README.md#incidentopen")
    error_message = "An alert links to its page and its runbook."
  }
  assert {
    condition     = length(google_billing_budget.monthly) == 1
    error_message = "Money is watched where a billing account is named."
  }
}
