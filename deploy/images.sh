#!/usr/bin/env bash
# Build every image, or those named as arguments, by docker, or by buildah without an engine.
# buildah needs the base image in its store; BASE=1 makes one by debootstrap (Debian, root) and
# gives it the name that the Dockerfiles ask for. Format docker, because OCI has no health checks.
set -euo pipefail
cd "$(dirname "$0")/.."

base=python:3.11-slim-bookworm
images=()
for image in predictor:services/predictor drift:services/drift worker:services/worker trainer:training; do
    [ $# -gt 0 ] && [[ " $* " != *" ${image%%:*} "* ]] || images+=("$image")
done
store=(--storage-driver=vfs)

build_with_buildah() {
    # shellcheck disable=SC2086 # EXTRA_VOLUMES is several words
    buildah "${store[@]}" bud --format docker --isolation=chroot --network=host --pull=never \
        -v /etc/ssl/certs:/etc/ssl/certs:ro ${EXTRA_VOLUMES:-} -f "$2/Dockerfile" -t "mycovigil/$1" .
}

make_base() {
    local root
    root=$(mktemp -d)
    debootstrap --variant=minbase --include=python3,python3-venv,python3-pip,ca-certificates \
        bookworm "$root" >/dev/null
    ln -sf python3 "$root/usr/bin/python"
    tar -C "$root" -c . | buildah_import
    rm -rf "$root"
}

buildah_import() {
    local container mount
    container=$(buildah "${store[@]}" from scratch)
    mount=$(buildah "${store[@]}" mount "$container")
    tar -C "$mount" -x
    buildah "${store[@]}" config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
    buildah "${store[@]}" commit "$container" "docker.io/library/$base" >/dev/null
    buildah "${store[@]}" rm "$container" >/dev/null
}

if docker info >/dev/null 2>&1; then
    for image in "${images[@]}"; do
        docker build -f "${image#*:}/Dockerfile" -t "mycovigil/${image%%:*}" .
    done
    docker images 'mycovigil/*'
elif command -v buildah >/dev/null; then
    [ -z "${BASE:-}" ] || make_base
    for image in "${images[@]}"; do
        build_with_buildah "${image%%:*}" "${image#*:}"
    done
    buildah "${store[@]}" images
else
    echo "make images needs a Docker engine, or Debian's buildah (apt-get install buildah debootstrap)" >&2
    exit 1
fi
