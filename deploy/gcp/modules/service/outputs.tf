output "name" { value = var.name }
output "uri" { value = one(google_cloud_run_v2_service.this[*].uri) }
