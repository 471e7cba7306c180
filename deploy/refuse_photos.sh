#!/usr/bin/env bash
# Fail if one of the given files is a photo, or larger than 8 MiB: photos never enter the repository.
set -euo pipefail
bad=0
for file in "$@"; do
    case "$file" in
        docs/images/*) ;;
        *.jpg | *.jpeg | *.JPG | *.JPEG | *.heic | *.HEIC) echo "$file: photos never enter the repository"; bad=1 ;;
    esac
    [ ! -f "$file" ] || [ "$(wc -c <"$file")" -le 8388608 ] || { echo "$file: larger than 8 MiB"; bad=1; }
done
exit "$bad"
