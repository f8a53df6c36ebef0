#!/usr/bin/env bash
# Puts what `ag2trust.provision keys` has made below FOLDER into Secrets: secrets.sh FOLDER
#
# Each service's are its own: let nobody read them but it. `master-key` opens all stored
# credentials, `vault` (which no pod has) is all of it: keep FOLDER apart, or not at all.
set -euo pipefail
[[ $# -eq 1 ]] || { echo "usage: secrets.sh FOLDER" >&2 && exit 2; }

for each in credentials master-key gateway agent_runner metrics database nats postgres; do
    # By the server: else a copy of all of it stays in an annotation.
    kubectl --namespace ag2trust create secret generic "ag2trust-${each//_/-}" \
        --from-file="$1/$each" --dry-run=client --output yaml |
        kubectl apply --server-side --filename -
done
