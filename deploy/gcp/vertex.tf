# Custom training on the trainer's image. A job is no resource of Terraform: the worker starts it. Here
# is what it needs besides its account (iam.tf): the image, working files, an address in our network.
resource "google_artifact_registry_repository_iam_member" "vertex" {
  repository = google_artifact_registry_repository.images.name
  location   = var.region
  role       = "roles/artifactregistry.reader"
  member     = "serviceAccount:service-${local.number}@gcp-sa-aiplatform-cc.iam.gserviceaccount.com"
}

# Vertex AI's agent puts the job's interface into our subnet.
resource "google_project_iam_custom_role" "network_attachment" {
  role_id     = "mycovigilNetworkAttachment"
  title       = "Use a network attachment"
  permissions = ["compute.networkAttachments.get", "compute.networkAttachments.update", "compute.regionOperations.get"]
}

resource "google_project_iam_member" "vertex_network" {
  project = var.project
  role    = google_project_iam_custom_role.network_attachment.id
  member  = "serviceAccount:service-${local.number}@gcp-sa-aiplatform.iam.gserviceaccount.com"
}

# Of the trainer's pool, which starts the jobs where training_launcher is "vertex". A job sees no
# socket: it comes to the private address, and buckets are folders below /gcs.
locals {
  vertex = {
    MYCOVIGIL_TRAINING_LAUNCHER         = var.training_launcher
    MYCOVIGIL_VERTEX_PROJECT            = var.project
    MYCOVIGIL_VERTEX_REGION             = var.region
    MYCOVIGIL_VERTEX_IMAGE              = var.images.trainer
    MYCOVIGIL_VERTEX_SERVICE_ACCOUNT    = google_service_account.service["trainer"].email
    MYCOVIGIL_VERTEX_STAGING            = "gs://${google_storage_bucket.bucket["staging"].name}"
    MYCOVIGIL_VERTEX_NETWORK_ATTACHMENT = google_compute_network_attachment.training.id
    MYCOVIGIL_VERTEX_ENVIRONMENT = jsonencode({
      MYCOVIGIL_DATABASE_URL     = "postgresql://${urlencode(local.roles["trainer"])}@${google_sql_database_instance.main.private_ip_address}/${google_sql_database.main.name}?sslmode=require"
      MYCOVIGIL_TRAINING_DATASET = "/gcs/${google_storage_bucket.bucket["assets"].name}/dataset"
    })
  }
}
