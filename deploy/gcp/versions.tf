terraform {
  required_version = ">= 1.11" # write-only arguments: no secret in the state

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50" # what would need 7: README.md
    }
  }

  # terraform init -backend-config=bucket=PROJECT-terraform
  backend "gcs" {
    prefix = "mycovigil"
  }
}

provider "google" {
  project = var.project
  region  = var.region
  default_labels = {
    system      = "mycovigil"
    environment = var.environment
  }
}

data "google_project" "this" {
  project_id = var.project
}

locals {
  name   = "mycovigil"
  number = data.google_project.this.number
}
