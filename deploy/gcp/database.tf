locals {
  max_connections = 200
  # Most at once: a pool of 5 with 2 over, and those that listen or hold a lock, by process.
  connections = 9 * var.predictor_instances.max + 12 * 2 + 9 * (var.worker_instances + var.trainer_instances + 2) + 8 * (1 + var.night_tasks)
  # Services that log in as their service account, each with a role of its own. Such a role's name is
  # the account's address without the end that all have.
  logins = toset(["predictor", "drift", "worker", "trigger", "trainer"])
  roles  = { for name in local.logins : name => trimsuffix(google_service_account.service[name].email, ".gserviceaccount.com") }

  # Through Cloud Run's socket, which encrypts and asks IAM; no password is anywhere.
  socket = "@/${google_sql_database.main.name}?host=/cloudsql/${google_sql_database_instance.main.connection_name}"
  login = { for name, role in local.roles : name => {
    MYCOVIGIL_DATABASE_URL   = "postgresql://${urlencode(role)}${local.socket}"
    MYCOVIGIL_DATABASE_LOGIN = "google"
  } }
  # libpq reads the owner's password from PGPASSWORD, so the URL has none.
  owner_login = { MYCOVIGIL_DATABASE_URL = "postgresql://${google_sql_user.owner.name}${local.socket}" }
  owner_password = { PGPASSWORD = {
    secret  = google_secret_manager_secret.secret["database-password"].id
    version = google_secret_manager_secret_version.database_password.version
  } }
}

resource "google_sql_database_instance" "main" {
  #checkov:skip=CKV_GCP_6: every connection is encrypted; it asks for client certificates, see ssl_mode
  #checkov:skip=CKV_GCP_110: who changed what is in the table of the audit; pgaudit would log every photo's row
  #checkov:skip=CKV2_GCP_13: a duration a statement is a log line a photo; Query Insights has them
  name                = local.name
  region              = var.region
  database_version    = "POSTGRES_18"
  deletion_protection = true

  settings {
    tier                        = var.database_tier
    edition                     = "ENTERPRISE"
    availability_type           = "REGIONAL"
    disk_type                   = "PD_SSD"
    disk_autoresize             = true
    deletion_protection_enabled = true # at Google too, for whoever comes by the console

    ip_configuration {
      ipv4_enabled    = false
      private_network = google_compute_network.main.id
      # Sockets of Cloud Run bring a client certificate, a training job on Vertex AI has none: it comes
      # to the private address with sslmode=require and logs in by a token of its account.
      ssl_mode = "ENCRYPTED_ONLY"
    }

    backup_configuration {
      enabled                        = true
      start_time                     = "02:00" # after the night is judged (MYCOVIGIL_DRIFT_GRACE_SECONDS)
      point_in_time_recovery_enabled = true
      transaction_log_retention_days = 7
      backup_retention_settings {
        retained_backups = 30
      }
    }

    maintenance_window {
      day  = 7
      hour = 4
    }

    insights_config {
      query_insights_enabled = true
    }

    dynamic "database_flags" {
      for_each = {
        "cloudsql.iam_authentication" = "on"
        "max_connections"             = local.max_connections
        "log_checkpoints"             = "on"
        "log_connections"             = "on"
        "log_disconnections"          = "on"
        "log_lock_waits"              = "on"
        "log_min_error_statement"     = "error"
        "log_hostname"                = "on"
        "log_duration"                = "off"
        "log_statement"               = "ddl"
      }
      content {
        name  = database_flags.key
        value = database_flags.value
      }
    }
  }

  lifecycle {
    prevent_destroy = true
  }
  depends_on = [google_service_networking_connection.services]
}

resource "google_sql_database" "main" {
  name     = local.name
  instance = google_sql_database_instance.main.name
  lifecycle {
    prevent_destroy = true
  }
}

# Owner of the tables: runs migrations (CREATE EXTENSION vector is among them), and is nobody else.
resource "google_sql_user" "owner" {
  name                = local.name
  instance            = google_sql_database_instance.main.name
  deletion_policy     = "ABANDON" # Postgres drops no role that owns tables
  password_wo         = var.database_password
  password_wo_version = var.database_password_version
}

# A service account as a user has no rights but those that `mycovigil migrate --grant` gives it. One
# with a password would get cloudsqlsuperuser.
resource "google_sql_user" "service" {
  for_each        = local.roles
  name            = each.value
  instance        = google_sql_database_instance.main.name
  type            = "CLOUD_IAM_SERVICE_ACCOUNT"
  deletion_policy = "ABANDON"
}

check "connections" {
  assert {
    condition     = local.connections <= local.max_connections
    error_message = "All instances together may want ${local.connections} connections, Postgres has ${local.max_connections}: raise max_connections, or put fewer."
  }
}
