# Names are those that the publisher makes where it may (mycovigil.events.publisher.pubsub); here its
# accounts may only publish or subscribe, and take them to exist.
locals {
  topics = {
    alerts      = "alerts"
    models      = "models"
    dead_letter = "dead-letter"
  }
  pubsub_agent = "serviceAccount:service-${local.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

# An event that does not fit is refused when it is published, and waits in the outbox (EventsStuck).
# So a new field comes here first: tests/deploy compares with mycovigil/events/schemas.
resource "google_pubsub_schema" "topic" {
  for_each   = toset(["alerts", "models"])
  name       = "${local.name}.${each.key}"
  type       = "PROTOCOL_BUFFER" # JSON Schema is not to be had, and Avro's JSON has no plain nulls
  definition = file("${path.module}/schemas/${each.key}.proto")
  depends_on = [google_project_service.api]
}

resource "google_pubsub_topic" "topic" {
  #checkov:skip=CKV_GCP_83: events carry ids and figures, no photo and nobody's name; Google's keys encrypt
  for_each                   = local.topics
  name                       = "${local.name}.${each.value}"
  message_retention_duration = "604800s" # a week, to seek back in
  dynamic "schema_settings" {
    for_each = contains(keys(google_pubsub_schema.topic), each.key) ? [google_pubsub_schema.topic[each.key].id] : []
    content {
      schema   = schema_settings.value
      encoding = "JSON"
    }
  }
  depends_on = [google_project_service.api]
}

# Ordered delivery is off: consumers are idempotent, and one bad event must not hold up the rest.
resource "google_pubsub_subscription" "retrain_trigger" {
  name                 = "${local.name}.alerts.retrain-trigger"
  topic                = google_pubsub_topic.topic["alerts"].id
  ack_deadline_seconds = 60 # MYCOVIGIL_PUBSUB_ACK_DEADLINE
  retry_policy {
    minimum_backoff = "10s"  # MYCOVIGIL_PUBSUB_BACKOFF_MIN
    maximum_backoff = "600s" # MYCOVIGIL_PUBSUB_BACKOFF_MAX
  }
  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.topic["dead_letter"].id
    max_delivery_attempts = 5 # MYCOVIGIL_PUBSUB_MAX_DELIVERY_ATTEMPTS
  }
  expiration_policy {
    ttl = "" # never, however quiet the alerts are
  }
}

resource "google_pubsub_subscription" "inspection" {
  name                       = "${local.name}.dead-letter.inspection"
  topic                      = google_pubsub_topic.topic["dead_letter"].id
  ack_deadline_seconds       = 60
  message_retention_duration = "2678400s" # 31 days
  retain_acked_messages      = true
  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }
  expiration_policy {
    ttl = ""
  }
}

# Without these two, messages that fail for good are neither forwarded nor dropped.
resource "google_pubsub_topic_iam_member" "dead_letter_forward" {
  topic  = google_pubsub_topic.topic["dead_letter"].id
  role   = "roles/pubsub.publisher"
  member = local.pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "dead_letter_take" {
  subscription = google_pubsub_subscription.retrain_trigger.id
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}
