locals {
  jobs = {
    # The drift service's image, by the same digest; release.sh runs it before any new revision starts.
    # The one login as the tables' owner; each run gives the services' roles their rights anew.
    migrate = {
      account = "migrate", image = var.images.drift, tasks = 1, timeout = 3600, memory = "1Gi"
      command = concat(["python", "-m", "mycovigil", "migrate"], flatten([for name, role in local.roles : ["--grant", "${name}=${role}"]]))
      login   = local.owner_login, secret_env = local.owner_password
    }
    # The night's fan-out: as many tasks as models that are judged at once. Each passes over a model
    # whose lock another holds, and beat's own tick too, so one too many does nothing.
    night = {
      account = "worker", image = var.images.worker, tasks = var.night_tasks, timeout = 21600, memory = "4Gi"
      command = ["python", "-m", "mycovigil", "drift", "run"]
      login   = local.login["worker"], secret_env = {}
    }
  }
}

module "job" {
  for_each    = local.jobs
  source      = "./modules/service"
  kind        = "job"
  name        = "${local.name}-${each.key}"
  region      = var.region
  image       = each.value.image
  command     = each.value.command
  account     = google_service_account.service[each.value.account].email
  environment = merge(local.environment, each.value.login)
  secret_env  = each.value.secret_env
  memory      = each.value.memory
  tasks       = each.value.tasks
  timeout     = each.value.timeout
  cloud_sql   = local.cloud_sql
  network     = local.network
  assets      = local.assets
  depends_on = [
    google_project_iam_member.service, google_storage_bucket_iam_member.service,
    google_secret_manager_secret_iam_member.database_password,
  ]
}

resource "google_cloud_run_v2_job_iam_member" "scheduler" {
  name     = module.job["night"].name
  location = var.region
  role     = "roles/run.invoker"
  member   = local.member["scheduler"]
}

resource "google_cloud_scheduler_job" "night" {
  name             = "${local.name}-night"
  region           = var.region
  schedule         = "16 0 * * *" # a minute after MYCOVIGIL_DRIFT_GRACE_SECONDS
  time_zone        = var.zone
  attempt_deadline = "60s"
  retry_config {
    retry_count = 3
  }
  http_target {
    http_method = "POST"
    uri         = "https://run.googleapis.com/v2/projects/${var.project}/locations/${var.region}/jobs/${module.job["night"].name}:run"
    oauth_token {
      service_account_email = google_service_account.service["scheduler"].email
    }
  }
}
