locals {
  buckets = {
    # MYCOVIGIL_STORAGE_URL: models, reports, photos. The service deletes photos when their time is up;
    # a deleted one must not stay as an old version, so those go after a day.
    storage = { old_versions = 90, brief = ["photos/"] }
    # Remote of DVC: what a version of the data set names must stay.
    dvc = { old_versions = 365, brief = [] }
    # Curated photos (dataset/) and exported encoders (encoders/), mounted read-only at /assets.
    assets = { old_versions = 90, brief = [] }
    # Vertex AI's working files.
    staging = { old_versions = 7, brief = [] }
  }
}

resource "google_storage_bucket" "bucket" {
  #checkov:skip=CKV_GCP_62: Cloud Audit Logs tell who read what; switch on data access there
  #checkov:skip=CKV_GCP_63: see above, there is no log bucket
  for_each                    = local.buckets
  name                        = "${var.project}-${local.name}-${each.key}"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false

  versioning {
    enabled = true
  }
  soft_delete_policy {
    retention_duration_seconds = 0 # versions do it, and photos must really go
  }
  lifecycle_rule {
    condition {
      days_since_noncurrent_time = each.value.old_versions
    }
    action {
      type = "Delete"
    }
  }
  dynamic "lifecycle_rule" {
    for_each = length(each.value.brief) > 0 ? [each.value.brief] : []
    content {
      condition {
        days_since_noncurrent_time = 1
        matches_prefix             = lifecycle_rule.value
      }
      action {
        type = "Delete"
      }
    }
  }
  dynamic "lifecycle_rule" {
    for_each = each.key == "staging" ? [30] : []
    content {
      condition {
        age = lifecycle_rule.value
      }
      action {
        type = "Delete"
      }
    }
  }
  lifecycle {
    prevent_destroy = true
  }
  depends_on = [google_project_service.api]
}
