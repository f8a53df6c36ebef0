#!/usr/bin/env bash
# Makes an installation of docker-compose.yml, where none is, of a backup and of the keys
# that were kept apart: restore.sh FILE KEYS
#
# Then `docker-compose up --detach` goes on from when the backup was made. A wrong file or
# wrong keys change nothing; after any other failure remove what was begun
# (`docker-compose down --volumes`) and try again.
# COMPOSE_PROJECT_NAME and COMPOSE_FILE name another installation, as for compose itself.
set -euo pipefail
umask 077
[[ $# -eq 2 ]] || { echo "usage: restore.sh FILE KEYS" >&2 && exit 2; }
backup=$(realpath --canonicalize-existing -- "$1")
keys=$(realpath --canonicalize-existing -- "$2")
cd "$(dirname "$0")/../.."
. deploy/compose/compose.sh

work=$(mktemp --directory "$backup.XXXXXXXX")
trap 'rm --recursive --force "$work"' EXIT

ln --symbolic "$backup" "$work/backup"
ln --symbolic "$keys" "$work/keys.tar"
tar --create --dereference --directory "$work" backup keys.tar | in_vault restore >"$work/dump"
compose run --rm -T database python3 -m ag2trust.provision roles
as_superuser pg_restore --create --exit-on-error --dbname=postgres \
    <"$work/dump"
