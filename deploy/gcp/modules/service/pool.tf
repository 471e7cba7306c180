# A worker pool: no port, no probe in provider 6.50 (README.md says what would need 7), and no scaling
# but by hand. Ten seconds lie between SIGTERM and SIGKILL.
resource "google_cloud_run_v2_worker_pool" "this" {
  count               = var.kind == "pool" ? 1 : 0
  name                = var.name
  location            = var.region
  deletion_protection = true

  scaling {
    scaling_mode          = "MANUAL"
    manual_instance_count = var.instances.min
  }

  template {
    service_account = var.account
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

  lifecycle {
    # scaling_mode: shown as changed at each plan (terraform-provider-google#25580)
    ignore_changes = [template[0].containers[0].image, client, client_version, scaling[0].scaling_mode]
  }
}
