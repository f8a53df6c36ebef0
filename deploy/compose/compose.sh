# Which compose there is; sourced by the scripts beside it.

compose() {
    if docker compose version >/dev/null 2>&1; then
        docker compose "$@"
    else
        docker-compose "$@"
    fi
}

fail() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    exit 1
}

# Runs a command of PostgreSQL's as its superuser; the password is no argument.
as_superuser() {
    # shellcheck disable=SC2016  # the container's shell reads it
    compose exec -T postgres sh -c 'export PGHOST=/var/run/postgresql PGUSER=postgres
        PGPASSWORD=$(cat /run/ag2trust/password) exec "$@"' - "$@"
}

in_vault() {
    compose run --rm -T keys python3 -m ag2trust.composed_backup "$@"
}
