#!/usr/bin/env bash
# Roll out images by digest. The database is migrated first, by the very image of the drift service that
# follows; should that fail, nothing else is touched. A new revision of a service gets requests only
# once its startup probe, which asks the database, has passed.
#
#   deploy/gcp/release.sh PROJECT REGION predictor=IMAGE@sha256:… drift=… worker=… trainer=…
set -euo pipefail

usage="usage: deploy/gcp/release.sh PROJECT REGION predictor=IMAGE drift=IMAGE worker=IMAGE trainer=IMAGE"
[ $# -eq 6 ] || { echo "$usage" >&2; exit 2; }
run=(gcloud run --project="$1" --region="$2" --quiet)
shift 2

declare -A image
for pair in "$@"; do
    [[ $pair =~ ^(predictor|drift|worker|trainer)=.+@sha256:[0-9a-f]{64}$ ]] ||
        { echo "not a service and an image by digest: $pair" >&2; exit 2; }
    image[${pair%%=*}]=${pair#*=}
done
[ ${#image[@]} -eq 4 ] || { echo "$usage" >&2; exit 2; }

"${run[@]}" jobs update mycovigil-migrate --image="${image[drift]}"
"${run[@]}" jobs execute mycovigil-migrate --wait

for service in predictor drift; do
    "${run[@]}" services update "mycovigil-$service" --no-traffic --container=main --image="${image[$service]}"
    "${run[@]}" services update-traffic "mycovigil-$service" --to-latest
done
"${run[@]}" jobs update mycovigil-night --image="${image[worker]}"
for pool in worker beat trigger; do
    "${run[@]}" worker-pools update "mycovigil-$pool" --image="${image[worker]}"
done
"${run[@]}" worker-pools update mycovigil-trainer --image="${image[trainer]}" \
    --update-env-vars="MYCOVIGIL_VERTEX_IMAGE=${image[trainer]}" # of trainings on Vertex AI
echo "released"
