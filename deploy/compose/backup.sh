#!/usr/bin/env bash
# Backs what docker-compose.yml runs up into one file, while it runs: backup.sh FILE
#
# No key is in it: copy-keys.sh copies those, for another place.
# COMPOSE_PROJECT_NAME and COMPOSE_FILE name another installation, as for compose itself.
set -euo pipefail
umask 077
[[ $# -eq 1 ]] || { echo "usage: backup.sh FILE" >&2 && exit 2; }
target=$(realpath -- "$1")
cd "$(dirname "$0")/../.."
. deploy/compose/compose.sh

[[ ! -e $target ]] || fail "$target is there already; name a new file"
work=$(mktemp --directory "$target.XXXXXXXX")
trap 'rm --recursive --force "$work"' EXIT

# In this order: no head may speak of what the dump has not, and calls that only the spool
# has are counted after a restore.
in_vault heads | tar --extract --directory "$work"
as_superuser pg_dump --format=custom --compress=none --dbname=ag2trust \
    >"$work/database.dump"
tar --create --directory "$work" audit database.dump | in_vault back-up >"$work/backup"
mv --no-clobber "$work/backup" "$target"
