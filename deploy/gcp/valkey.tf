# Celery's broker and the counters of rate limits. What is lost with it is sent again from Postgres by
# the worker's tick. One shard without cluster mode: Celery cannot speak to a cluster.
resource "google_memorystore_instance" "valkey" {
  instance_id                 = local.name
  location                    = var.region
  mode                        = "CLUSTER_DISABLED"
  shard_count                 = 1
  replica_count               = 1
  node_type                   = "STANDARD_SMALL"
  engine_version              = "VALKEY_8_0"
  transit_encryption_mode     = "TRANSIT_ENCRYPTION_DISABLED" # ids of jobs and counters only, inside our network
  authorization_mode          = "AUTH_DISABLED"               # IAM tokens expire within the hour; the network is the fence
  deletion_protection_enabled = true
  engine_configs = {
    maxmemory-policy = "noeviction" # a broker that evicts loses jobs
  }
  persistence_config {
    mode = "AOF"
    aof_config {
      append_fsync = "EVERY_SEC"
    }
  }
  desired_auto_created_endpoints {
    project_id = var.project
    network    = google_compute_network.main.id
  }
  depends_on = [google_network_connectivity_service_connection_policy.valkey]
}

locals {
  valkey_address = google_memorystore_instance.valkey.endpoints[0].connections[0].psc_auto_connection[0].ip_address
}
