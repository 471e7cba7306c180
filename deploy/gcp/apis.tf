resource "google_project_service" "api" {
  for_each = toset([
    "aiplatform", "artifactregistry", "billingbudgets", "cloudbuild", "cloudresourcemanager",
    "cloudscheduler", "compute", "iam", "iamcredentials", "logging", "memorystore", "monitoring", "networkconnectivity",
    "pubsub", "run", "secretmanager", "servicenetworking", "sqladmin", "storage", "sts",
  ])
  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false
}
