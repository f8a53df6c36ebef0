#!/bin/sh
# Build the image of this example; its packages are the wheels that requirements.lock names.
# PYTHON_IMAGE is what it is built on, IMAGE its name, PYTHON the Python whose pip loads wheels.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT

architecture=$(docker info --format '{{.Architecture}}')
"${PYTHON:-python3}" -m pip install --quiet --disable-pip-version-check --no-compile --no-deps \
    --target "$context/site-packages" --require-hashes --only-binary :all: \
    --platform "manylinux2014_$architecture" --implementation cp --python-version 3.11 \
    --requirement "$here/requirements.lock"
cp "$here/Dockerfile" "$here/agent.py" "$context/"
docker build --quiet --force-rm --tag "${IMAGE:-ag2trust/example-ag2}" \
    --build-arg "PYTHON_IMAGE=${PYTHON_IMAGE:-python:3.11-slim-bookworm}" "$context"
