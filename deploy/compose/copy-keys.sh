#!/usr/bin/env bash
# Copies the keys of what docker-compose.yml runs, the master key among them, into a file
# for another place than the backup: copy-keys.sh FILE
#
# COMPOSE_PROJECT_NAME and COMPOSE_FILE name another installation, as for compose itself.
set -euo pipefail
umask 077
[[ $# -eq 1 ]] || { echo "usage: copy-keys.sh FILE" >&2 && exit 2; }
target=$(realpath -- "$1")
cd "$(dirname "$0")/../.."
. deploy/compose/compose.sh

[[ ! -e $target ]] || fail "$target is there already; name a new file"
trap 'rm --force "$target.unfinished"' EXIT
in_vault keys >"$target.unfinished"
mv --no-clobber "$target.unfinished" "$target"
