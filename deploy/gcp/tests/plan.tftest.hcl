mock_provider "google" {
  override_during = plan
}

variables {
  project           = "fungi"
  database_password = "secret"
  images = {
    predictor = "r/predictor@sha256:0000000000000000000000000000000000000000000000000000000000000001"
    drift     = "r/drift@sha256:0000000000000000000000000000000000000000000000000000000000000002"
    worker    = "r/worker@sha256:0000000000000000000000000000000000000000000000000000000000000003"
    trainer   = "r/trainer@sha256:0000000000000000000000000000000000000000000000000000000000000004"
  }
  github = { owner_id = "1", repository_id = "2" }
}

run "plan" {
  command = plan
  assert {
    condition     = length(google_monitoring_alert_policy.rule) == 29
    error_message = "rules"
  }
}
