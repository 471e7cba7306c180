# Cloud Run reaches Postgres and Valkey by Direct VPC egress: worker pools refuse serverless
# connectors (terraform-provider-google#24282).
resource "google_compute_network" "main" {
  #checkov:skip=CKV2_GCP_18: nothing listens in it, and the implied rule denies what comes in
  name                    = local.name
  auto_create_subnetworks = false
  depends_on              = [google_project_service.api]
}

resource "google_compute_subnetwork" "run" {
  name                     = "${local.name}-run"
  network                  = google_compute_network.main.id
  region                   = var.region
  ip_cidr_range            = "10.20.0.0/22" # an address an instance, and as many again while revisions change
  private_ip_google_access = true
  log_config {
    flow_sampling = 0.1
  }
}

# Cloud SQL's private addresses.
resource "google_compute_global_address" "services" {
  name          = "${local.name}-services"
  network       = google_compute_network.main.id
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  prefix_length = 20
}

resource "google_service_networking_connection" "services" {
  network                 = google_compute_network.main.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.services.name]
}

# Memorystore for Valkey comes in by Private Service Connect.
resource "google_network_connectivity_service_connection_policy" "valkey" {
  name          = "${local.name}-valkey"
  location      = var.region
  network       = google_compute_network.main.id
  service_class = "gcp-memorystore"
  psc_config {
    subnetworks = [google_compute_subnetwork.run.id]
  }
}

# Training jobs of Vertex AI get an address in our subnet; over a peering they could not reach
# Cloud SQL, which is behind a peering itself.
resource "google_compute_network_attachment" "training" {
  name                  = "${local.name}-training"
  region                = var.region
  subnetworks           = [google_compute_subnetwork.run.id]
  connection_preference = "ACCEPT_MANUAL"
  producer_accept_lists = [var.project]
  lifecycle {
    ignore_changes = [producer_accept_lists] # Vertex AI's agent adds the project of its machines
  }
}
