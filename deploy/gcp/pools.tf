# Processes without a port. Between SIGTERM and SIGKILL lie ten seconds: training is stopped and its job
# put back within five (mycovigil_worker.retrain.training_process), a night that is cut off leaves
# nothing half done and is judged at the next tick.
locals {
  celery = ["celery", "-A", "mycovigil_worker.app"]
  worker = concat(local.celery, ["worker", "--concurrency", "1", "-P", "solo", "-Q"])
  pools = {
    worker = {
      account = "worker", image = var.images.worker, instances = var.worker_instances, memory = "4Gi"
      command = concat(local.worker, ["nights"])
    }
    beat = {
      account = "worker", image = var.images.worker, instances = 1, memory = "512Mi"
      command = concat(local.celery, ["beat"])
    }
    trigger = {
      account = "trigger", image = var.images.worker, instances = 1, memory = "512Mi"
      command = ["python", "-m", "mycovigil_worker", "trigger"]
    }
    trainer = {
      account = "trainer", image = var.images.trainer, instances = var.trainer_instances, memory = "8Gi"
      command = concat(local.worker, ["retrain"])
    }
  }
}

module "pool" {
  for_each    = local.pools
  source      = "./modules/service"
  kind        = "pool"
  name        = "${local.name}-${each.key}"
  region      = var.region
  image       = each.value.image
  command     = each.value.command
  account     = google_service_account.service[each.value.account].email
  environment = merge(local.environment, local.login[each.value.account], each.key == "trainer" ? local.vertex : {})
  cpu         = each.key == "trainer" ? "4" : "1"
  memory      = each.value.memory
  instances   = { min = each.value.instances }
  cloud_sql   = local.cloud_sql
  network     = local.network
  assets      = local.assets
  depends_on  = [google_project_iam_member.service, google_storage_bucket_iam_member.service, google_sql_user.service]
}
