variable "kind" {
  description = "service (HTTP, scales by itself), pool (no port, scales by hand) or job (ends)."
  type        = string
  validation {
    condition     = contains(["service", "pool", "job"], var.kind)
    error_message = "kind is service, pool or job."
  }
}

variable "name" { type = string }
variable "region" { type = string }
variable "image" { type = string }

variable "command" {
  description = "The whole command line; all but its first word are arguments, which one run of a job may replace."
  type        = list(string)
}

variable "account" { type = string }

variable "environment" {
  description = "Variables that all services share; env adds to them and goes before them."
  type        = map(string)
}

variable "env" {
  type    = map(string)
  default = {}
}

variable "secret_env" {
  description = "Variables from Secret Manager, each by secret and number of the version."
  type        = map(object({ secret = string, version = string }))
  default     = {}
}

variable "network" {
  type = object({ network = string, subnetwork = string })
}

variable "assets" {
  description = "Bucket that is mounted read-only at /assets."
  type        = string
}

variable "cloud_sql" {
  description = "Connection names of Cloud SQL instances whose sockets lie below /cloudsql."
  type        = list(string)
  default     = []
}

variable "sidecars" {
  description = "More containers, which start after ours: image, arguments, secret files."
  type = map(object({
    image  = string
    args   = optional(list(string), [])
    memory = optional(string, "512Mi")
    files  = optional(map(object({ secret = string, version = string, name = string })), {})
  }))
  default = {}
}

variable "cpu" {
  type    = string
  default = "1"
}

variable "memory" {
  type    = string
  default = "1Gi"
}

variable "instances" {
  description = "min and max of a service; a pool has min."
  type        = object({ min = number, max = optional(number) })
  default     = { min = 1, max = 1 }
}

variable "http" {
  description = "Of a service: its port, the probes' paths, seconds a request may take, requests at once."
  type = object({
    port        = number
    startup     = string
    liveness    = string
    timeout     = number
    concurrency = number
  })
  default = null
  validation {
    condition     = (var.kind == "service") == (var.http != null)
    error_message = "A service has http, and nothing else has."
  }
}

variable "tasks" {
  type    = number
  default = 1
}

variable "timeout" {
  description = "Seconds that a job's task may take."
  type        = number
  default     = 3600
}
