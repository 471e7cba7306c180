# A service account a service, each with its own rights and no others.
locals {
  accounts = {
    predictor = "Answers photos."
    drift     = "Drift API, dashboard and outbox relay."
    worker    = "Judges nights; beat."
    trigger   = "Turns alerts into retrain jobs."
    trainer   = "Trains, here or on Vertex AI."
    migrate   = "Runs migrations."
    scheduler = "Starts the job of the nights."
    deployer  = "What GitHub Actions becomes."
    reader    = "What a pull request becomes: it reads versions of the data."
    builder   = "What Cloud Build runs as: it pushes images."
  }
  deployed = setunion(local.logins, ["migrate"]) # what release.sh rolls out

  project_roles = merge(
    { for name in local.deployed : "cloudsql.client/${name}" => true },
    { for name in local.logins : "cloudsql.instanceUser/${name}" => true }, # log in without a password
    { for name in ["predictor", "drift"] : "monitoring.metricWriter/${name}" => true },
    {
      "aiplatform.user/trainer"   = true # starts and follows custom jobs
      "run.developer/deployer"    = true # rolls revisions out, changes no IAM
      "logging.logWriter/builder" = true
    },
  )

  bucket_roles = merge({ for name in local.deployed : "storage.objectViewer/${name}/assets" => "assets" }, {
    "storage.objectViewer/predictor" = "storage"
    "storage.objectViewer/drift"     = "storage"
    "storage.objectUser/worker"      = "storage"
    "storage.objectViewer/trigger"   = "storage"
    "storage.objectUser/trainer"     = "storage"
    "storage.objectUser/migrate"     = "storage" # registers the demo model
  })
}

resource "google_service_account" "service" {
  for_each     = local.accounts
  account_id   = "${local.name}-${each.key}"
  display_name = "Mycovigil ${each.key}"
  description  = each.value
  depends_on   = [google_project_service.api]
}

locals {
  member = { for name, account in google_service_account.service : name => "serviceAccount:${account.email}" }
}

resource "google_project_iam_member" "service" {
  for_each = local.project_roles
  project  = var.project
  role     = "roles/${split("/", each.key)[0]}"
  member   = local.member[split("/", each.key)[1]]
}

resource "google_storage_bucket_iam_member" "service" {
  for_each = local.bucket_roles
  bucket   = google_storage_bucket.bucket[each.value].name
  role     = "roles/${split("/", each.key)[0]}"
  member   = local.member[split("/", each.key)[1]]
}

# Photos that are kept; the same photo may come twice, so it needs the right to write over.
resource "google_storage_bucket_iam_member" "predictor_photos" {
  bucket = google_storage_bucket.bucket["storage"].name
  role   = "roles/storage.objectUser"
  member = local.member["predictor"]
  condition {
    title      = "photos"
    expression = "resource.name.startsWith('projects/_/buckets/${google_storage_bucket.bucket["storage"].name}/objects/photos/')"
  }
}

resource "google_storage_bucket_iam_member" "trainer_files" {
  for_each = { dvc = "roles/storage.objectViewer", staging = "roles/storage.objectUser" }
  bucket   = google_storage_bucket.bucket[each.key].name
  role     = each.value
  member   = local.member["trainer"]
}

resource "google_storage_bucket_iam_member" "reader_data" {
  bucket = google_storage_bucket.bucket["dvc"].name
  role   = "roles/storage.objectViewer"
  member = local.member["reader"]
}

# The relay, in the drift API, is the only publisher; the trigger the only subscriber.
resource "google_pubsub_topic_iam_member" "relay" {
  for_each = toset(["alerts", "models"])
  topic    = google_pubsub_topic.topic[each.key].id
  role     = "roles/pubsub.publisher"
  member   = local.member["drift"]
}

resource "google_pubsub_subscription_iam_member" "trigger" {
  subscription = google_pubsub_subscription.retrain_trigger.id
  role         = "roles/pubsub.subscriber"
  member       = local.member["trigger"]
}

resource "google_secret_manager_secret_iam_member" "database_password" {
  secret_id = google_secret_manager_secret.secret["database-password"].id
  role      = "roles/secretmanager.secretAccessor"
  member    = local.member["migrate"]
}

resource "google_secret_manager_secret_iam_member" "metrics" {
  for_each  = toset(["predictor", "drift"])
  secret_id = google_secret_manager_secret.secret["metrics-${each.key}"].id
  role      = "roles/secretmanager.secretAccessor"
  member    = local.member[each.key]
}

resource "google_artifact_registry_repository_iam_member" "push" {
  for_each   = toset(["deployer", "builder"])
  repository = google_artifact_registry_repository.images.name
  location   = var.region
  role       = "roles/artifactregistry.writer"
  member     = local.member[each.key]
}

# A new revision runs as the service's account, so whoever deploys it must be allowed to act as it;
# so must the trainer, which starts jobs that run as itself.
resource "google_service_account_iam_member" "act_as" {
  for_each           = merge({ for name in local.deployed : name => "deployer" }, { "trainer/itself" = "trainer" })
  service_account_id = google_service_account.service[split("/", each.key)[0]].name
  role               = "roles/iam.serviceAccountUser"
  member             = local.member[each.value]
}
