variable "project" {
  description = "Google Cloud project; one for each environment."
  type        = string
}

variable "environment" {
  description = "Label of everything: production, staging, …"
  type        = string
  default     = "production"
}

variable "region" {
  type    = string
  default = "europe-west1"
}

variable "images" {
  description = "Image of each service by digest, as deploy/gcp/release.sh pushes them. Terraform uses them to create; afterwards release.sh rolls them out."
  type = object({
    predictor = string
    drift     = string
    worker    = string
    trainer   = string
  })
  validation {
    condition     = alltrue([for image in values(var.images) : can(regex("@sha256:[0-9a-f]{64}$", image))])
    error_message = "Name images by digest (…@sha256:…): a tag can be moved."
  }
}

variable "database_password" {
  description = "Password of the tables' owner. Every plan asks for one; it is sent only with a new database_password_version, and never written to the state."
  type        = string
  ephemeral   = true
}

variable "database_password_version" {
  description = "Raise it with each new database_password."
  type        = number
  default     = 1
}

variable "database_tier" {
  type    = string
  default = "db-custom-2-7680"
}

variable "predictor_instances" {
  description = "min: always ready, since a cold start loads an encoder; max: bounded by the database's connections."
  type        = object({ min = number, max = number })
  default     = { min = 1, max = 10 }
}

variable "worker_instances" {
  description = "Celery workers of the nights. Pools scale by hand only: this number is the scaling."
  type        = number
  default     = 1
}

variable "trainer_instances" {
  description = "Celery workers of the retrain queue; each trains, or follows a job on Vertex AI."
  type        = number
  default     = 1
}

variable "training_launcher" {
  description = "Where the trainer's pool trains: process (beside the worker, without a GPU) or vertex (a custom job each)."
  type        = string
  default     = "process"
  validation {
    condition     = contains(["process", "vertex"], var.training_launcher)
    error_message = "training_launcher is process or vertex (MYCOVIGIL_TRAINING_LAUNCHER)."
  }
}

variable "night_tasks" {
  description = "Tasks of the job that judges the nights; each takes a model that no other has."
  type        = number
  default     = 1
}

variable "zone" {
  description = "Time zone of the nights, by its IANA name."
  type        = string
  default     = "UTC"
}

variable "public_url" {
  description = "Address at which people reach the dashboard; links in alerts. Known after the first apply (output drift_url)."
  type        = string
  default     = "https://drift.invalid"
}

variable "invokers" {
  description = "Who may call the services, as IAM members; allUsers makes them public (the API keys stay)."
  type        = set(string)
  default     = []
}

variable "keep_photos" {
  description = "Keep uploaded photos for galleries and labels."
  type        = bool
  default     = false
}

variable "alert_emails" {
  type    = set(string)
  default = []
}

variable "github" {
  description = "The repository that may deploy, by numeric ids: names can be registered again by others. With owner and name, Cloud Build builds its main branch (the GitHub app must be installed there)."
  type = object({
    owner_id      = string
    repository_id = string
    owner         = optional(string)
    name          = optional(string)
    ref           = optional(string, "refs/heads/main")
    events        = optional(list(string), ["push", "workflow_dispatch", "repository_dispatch"])
  })
  validation {
    condition     = can(regex("^[0-9]+$", var.github.owner_id)) && can(regex("^[0-9]+$", var.github.repository_id))
    error_message = "Numeric ids: gh api repos/OWNER/NAME --jq '.owner.id, .id'."
  }
}

variable "billing_account" {
  description = "For the budget; none is made without it (it needs a right on the billing account)."
  type        = string
  default     = null
}

variable "monthly_budget" {
  type    = object({ amount = number, currency = string })
  default = { amount = 500, currency = "EUR" }
}

variable "encoder" {
  description = "MYCOVIGIL_ENCODER_URI: a packaged name, or a folder below /assets/encoders."
  type        = string
  default     = "lite/int8-weights"
}

variable "sidecars" {
  description = "Google's image beside ours: the collector for Managed Prometheus."
  type        = object({ collector = string })
  default = {
    collector = "us-docker.pkg.dev/cloud-ops-agents-artifacts/cloud-run-gmp-sidecar/cloud-run-gmp-sidecar:1.2.0"
  }
}
