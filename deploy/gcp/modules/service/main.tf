locals {
  env   = merge(var.environment, var.env)
  files = merge([for name, one in var.sidecars : { for path, file in one.files : "${name}-${index(keys(one.files), path)}" => merge(file, { path = path, sidecar = name }) }]...)
}

resource "google_cloud_run_v2_service" "this" {
  count               = var.kind == "service" ? 1 : 0
  name                = var.name
  location            = var.region
  ingress             = "INGRESS_TRAFFIC_ALL" # IAM lets in, and our own keys after it
  deletion_protection = true

  template {
    service_account                  = var.account
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2" # mounts buckets
    timeout                          = "${var.http.timeout}s"
    max_instance_request_concurrency = var.http.concurrency
    scaling {
      min_instance_count = var.instances.min
      max_instance_count = var.instances.max
    }
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
      ports {
        container_port = var.http.port
      }
      resources {
        limits            = { cpu = var.cpu, memory = var.memory }
        cpu_idle          = false # the relay, reloads and the collector work between requests
        startup_cpu_boost = true
      }
      # It asks the database and the model: for 20 to 80 s after its start an instance may have no
      # network (estuary/flow#3109), and a TCP probe would let requests in.
      startup_probe {
        period_seconds    = 10
        timeout_seconds   = 5
        failure_threshold = 24
        http_get {
          path = var.http.startup
          port = var.http.port
        }
      }
      # It asks the process alone: a predictor whose database is away still answers, and spools.
      liveness_probe {
        period_seconds    = 15
        timeout_seconds   = 5
        failure_threshold = 4
        http_get {
          path = var.http.liveness
          port = var.http.port
        }
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
      dynamic "volume_mounts" {
        for_each = length(var.cloud_sql) > 0 ? ["/cloudsql"] : []
        content {
          name       = "cloudsql"
          mount_path = volume_mounts.value
        }
      }
      volume_mounts {
        name       = "assets"
        mount_path = "/assets"
      }
    }
    dynamic "containers" {
      for_each = var.sidecars
      content {
        name       = containers.key
        image      = containers.value.image
        args       = containers.value.args
        depends_on = ["main"]
        resources {
          limits   = { cpu = "1", memory = containers.value.memory }
          cpu_idle = false
        }
        dynamic "volume_mounts" {
          for_each = { for volume, file in local.files : volume => file if file.sidecar == containers.key }
          content {
            name       = volume_mounts.key
            mount_path = volume_mounts.value.path
          }
        }
      }
    }
    volumes {
      name = "assets"
      gcs {
        bucket    = var.assets
        read_only = true
      }
    }
    dynamic "volumes" {
      for_each = local.files
      content {
        name = volumes.key
        secret {
          secret = volumes.value.secret
          items {
            path    = volumes.value.name
            version = volumes.value.version
          }
        }
      }
    }
    dynamic "volumes" {
      for_each = length(var.cloud_sql) > 0 ? [var.cloud_sql] : []
      content {
        name = "cloudsql"
        cloud_sql_instance {
          instances = volumes.value
        }
      }
    }
  }

  lifecycle {
    ignore_changes = [template[0].containers[0].image, client, client_version, traffic] # release.sh's
  }
}
