# Of the resource, not of the variable: whoever names it waits until it is there.
output "name" {
  value = one(concat(
    google_cloud_run_v2_service.this[*].name,
    google_cloud_run_v2_worker_pool.this[*].name,
    google_cloud_run_v2_job.this[*].name,
  ))
}

output "uri" { value = one(google_cloud_run_v2_service.this[*].uri) }
