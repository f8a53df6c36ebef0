# Makes the cluster on the first start, then becomes the server.
set -eu

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    # POSTGRES_INITDB_ARGS is a list of words, as in the official image.
    # shellcheck disable=SC2086
    initdb --pgdata="$PGDATA" --username=postgres --pwfile="$POSTGRES_PASSWORD_FILE" \
        --no-instructions ${POSTGRES_INITDB_ARGS-}
fi
exec "$@" --unix_socket_directories=/var/run/postgresql
