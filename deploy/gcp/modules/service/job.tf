resource "google_cloud_run_v2_job" "this" {
  count               = var.kind == "job" ? 1 : 0
  name                = var.name
  location            = var.region
  deletion_protection = true

  template {
    task_count  = var.tasks
    parallelism = var.tasks
    template {
      service_account = var.account
      timeout         = "${var.timeout}s"
      max_retries     = 0 # whoever starts it decides: release.sh, or the schedule's next run
      vpc_access {
        egress = "PRIVATE_RANGES_ONLY"
        network_interfaces {
          network    = var.network.network
          subnetwork = var.network.subnetwork
        }
      }
      containers {
        name    = "main"
        image   = var.image
        command = [var.command[0]]
        args    = slice(var.command, 1, length(var.command))
        resources {
          limits = { cpu = var.cpu, memory = var.memory }
        }
        dynamic "env" {
          for_each = local.env
          content {
            name  = env.key
            value = env.value
          }
        }
        dynamic "env" {
          for_each = var.secret_env
          content {
            name = env.key
            value_source {
              secret_key_ref {
                secret  = env.value.secret
                version = env.value.version
              }
            }
          }
        }
        volume_mounts {
          name       = "cloudsql"
          mount_path = "/cloudsql"
        }
        volume_mounts {
          name       = "assets"
          mount_path = "/assets"
        }
      }
      volumes {
        name = "assets"
        gcs {
          bucket    = var.assets
          read_only = true
        }
      }
      volumes {
        name = "cloudsql"
        cloud_sql_instance {
          instances = var.cloud_sql
        }
      }
    }
  }

  lifecycle {
    ignore_changes = [template[0].template[0].containers[0].image, client, client_version]
  }
}
