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

output "vertex" {
  description = "What a custom job names: account, image, working files, network attachment."
  value = {
    service_account    = google_service_account.service["trainer"].email
    image              = var.images.trainer
    staging            = "gs://${google_storage_bucket.bucket["staging"].name}"
    network_attachment = google_compute_network_attachment.training.id
  }
}
