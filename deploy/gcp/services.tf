locals {
  predictor_port = 8000
  drift_port     = 8001

  # What all services share, beside their login (database.tf); docker-compose.yml has the same names.
  environment = {
    MYCOVIGIL_REDIS_URL           = "redis://${local.valkey_address}:6379/0"
    MYCOVIGIL_PUBSUB_PROJECT      = var.project
    MYCOVIGIL_STORAGE_URL         = "gs://${google_storage_bucket.bucket["storage"].name}"
    MYCOVIGIL_STORAGE_KEEP_PHOTOS = tostring(var.keep_photos)
    MYCOVIGIL_TRAINING_DATASET    = "/assets/dataset"
    MYCOVIGIL_TRAINING_RUNS       = "/data/runs" # beside the data set nothing can be written
    MYCOVIGIL_ENCODER_URI         = var.encoder
    MYCOVIGIL_DRIFT_ZONE          = var.zone
    MYCOVIGIL_DRIFT_PUBLIC_URL    = var.public_url
  }
  # Google's front end, as an instance sees it: its headers tell the caller's address.
  front_end = "169.254.0.0/16"

  cloud_sql = [google_sql_database_instance.main.connection_name]
  network   = { network = google_compute_network.main.id, subnetwork = google_compute_subnetwork.run.id }
  assets    = google_storage_bucket.bucket["assets"].name

  # Reads /metrics of the service beside it into Cloud Monitoring, where rules.yml asks for it.
  collector = { for name, version in google_secret_manager_secret_version.metrics : name => {
    image = var.sidecars.collector
    files = { "/etc/rungmp" = {
      secret  = google_secret_manager_secret.secret["metrics-${name}"].id
      version = version.version
      name    = "config.yaml"
    } }
  } }
}

module "predictor" {
  source      = "./modules/service"
  kind        = "service"
  name        = "${local.name}-predictor"
  region      = var.region
  image       = var.images.predictor
  command     = ["python", "-m", "mycovigil_predictor"]
  account     = google_service_account.service["predictor"].email
  environment = merge(local.environment, local.login["predictor"])
  env = {
    MYCOVIGIL_PREDICTOR_HOST           = "0.0.0.0"
    MYCOVIGIL_PREDICTOR_PORT           = tostring(local.predictor_port)
    MYCOVIGIL_PREDICTOR_SPOOL_PATH     = "/data/spool.sqlite" # in the instance's memory, and gone with it
    MYCOVIGIL_PREDICTOR_SPOOL_MAX_ROWS = "20000"
    MYCOVIGIL_WEB_TRUSTED_PROXIES      = local.front_end
  }
  sidecars = { collector = local.collector["predictor"] }
  http = {
    port        = local.predictor_port
    startup     = "/readyz"
    liveness    = "/healthz"
    timeout     = 40 # as compose's stop_grace_period: DEADLINE_SECONDS (30), 5 to write the row, and 5
    concurrency = 64
  }
  cpu       = "2"
  memory    = "4Gi"
  instances = var.predictor_instances
  cloud_sql = local.cloud_sql
  network   = local.network
  assets    = local.assets
  # A revision that may not read its secret, its bucket or its database fails for good.
  depends_on = [
    google_project_iam_member.service, google_storage_bucket_iam_member.service,
    google_sql_user.service, google_secret_manager_secret_iam_member.metrics,
  ]
}

module "drift" {
  source      = "./modules/service"
  kind        = "service"
  name        = "${local.name}-drift"
  region      = var.region
  image       = var.images.drift
  command     = ["python", "-m", "mycovigil_drift"]
  account     = google_service_account.service["drift"].email
  environment = merge(local.environment, local.login["drift"])
  env = {
    MYCOVIGIL_DRIFT_HOST          = "0.0.0.0"
    MYCOVIGIL_DRIFT_PORT          = tostring(local.drift_port)
    MYCOVIGIL_WEB_TRUSTED_PROXIES = local.front_end
  }
  sidecars = { collector = local.collector["drift"] }
  http = {
    port        = local.drift_port
    startup     = "/readyz"
    liveness    = "/healthz"
    timeout     = 60
    concurrency = 80
  }
  instances = { min = 1, max = 2 } # one relay leads, a second stands by
  cloud_sql = local.cloud_sql
  network   = local.network
  assets    = local.assets
  depends_on = [
    google_project_iam_member.service, google_storage_bucket_iam_member.service,
    google_sql_user.service, google_secret_manager_secret_iam_member.metrics,
  ]
}

resource "google_cloud_run_v2_service_iam_member" "invoker" {
  for_each = { for pair in setproduct([module.predictor.name, module.drift.name], setunion(var.invokers, [local.monitoring_agent])) : join("/", pair) => pair }
  name     = each.value[0]
  location = var.region
  role     = "roles/run.invoker"
  member   = each.value[1]
}
