# terraform plan -var-file=example.tfvars, with ids and digests of your own.
project = "fungi"
github  = { owner_id = "1", repository_id = "2" }
images = {
  predictor = "europe-west1-docker.pkg.dev/fungi/mycovigil/predictor@sha256:0000000000000000000000000000000000000000000000000000000000000001"
  drift     = "europe-west1-docker.pkg.dev/fungi/mycovigil/drift@sha256:0000000000000000000000000000000000000000000000000000000000000002"
  worker    = "europe-west1-docker.pkg.dev/fungi/mycovigil/worker@sha256:0000000000000000000000000000000000000000000000000000000000000003"
  trainer   = "europe-west1-docker.pkg.dev/fungi/mycovigil/trainer@sha256:0000000000000000000000000000000000000000000000000000000000000004"
}
