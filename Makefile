# make run, make test, make check: each complete on a machine with Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

MEMBERS := shared client services/credentials services/gateway services/agent-runner \
	services/agent-runner/agent services/metrics deploy/local deploy/sandbox

DASHBOARD := services/gateway/dashboard
NPM := $(CURDIR)/$(BIN)/npm --no-update-notifier --prefix $(DASHBOARD)
API_TYPES := $(DASHBOARD)/tools/openapi

.PHONY: help install dashboard run demo images sbom test torture bench-proxy bench-metrics check fix generate pictures lock clean

help:
	@echo "make run      start everything on this machine"
	@echo "make dashboard  build the dashboard"
	@echo "make demo     start everything and take a scripted tour"
	@echo "make images   build docker-compose.yml's images without a registry or a network"
	@echo "make sbom     say what is in each image, in CycloneDX (build/sbom)"
	@echo "make test     every test, on real NATS, PostgreSQL and, where one answers, Docker"
	@echo "make torture  the tests that take longer"
	@echo "make bench-proxy  what the proxy costs, beside nginx and other gateways"
	@echo "make bench-metrics  counting calls, and reading ten million (BENCH='--calls 200000': fewer)"
	@echo "make check    format, lint, types, boundaries"
	@echo "make fix      format and mend what can be mended"
	@echo "make generate  write anew what is made from the API: its description, the clients, docs/cli.md"
	@echo "make pictures  draw the dashboard anew, as README.md shows it (docs/pictures)"
	@echo "make lock     resolve requirements.lock anew, and the images' from it"
	@echo "make clean    remove the virtual environment (never the state)"

install: $(VENV)/.installed

# The stamp is the last step, so an interrupted install is simply done again.
# PostgreSQL may run as another account than the installing one, hence the umask.
$(VENV)/.installed: requirements.lock $(addsuffix /pyproject.toml,$(MEMBERS))
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Ag2Trust needs Python 3.11 or newer; name one with PYTHON=python3.12 make run"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "This Python cannot make virtual environments; install its venv package (Debian: python3-venv)"; exit 1; }
	umask 022 && $(PYTHON) -m venv $(VENV)
	umask 022 && $(PIP_INSTALL) --require-hashes -r requirements.lock
	umask 022 && $(PIP_INSTALL) --no-deps --no-build-isolation $(addprefix -e ./,$(MEMBERS))
	@touch $@

dashboard: $(DASHBOARD)/dist/index.html

# Packages run no scripts of their own when they are installed.
%/node_modules/.installed: $(VENV)/.installed %/package-lock.json
	$(NPM)$(@:$(DASHBOARD)%/node_modules/.installed=%) ci --ignore-scripts --no-progress --loglevel error
	@touch $@

$(DASHBOARD)/dist/index.html: $(DASHBOARD)/node_modules/.installed $(DASHBOARD)/index.html \
		$(DASHBOARD)/vite.config.ts $(shell find $(DASHBOARD)/src $(DASHBOARD)/public -type f)
	$(NPM) run --silent build -- --logLevel warn
	@touch $@

# `exec`, so that a signal to make's child reaches the launcher itself.
run: install dashboard
	@exec $(BIN)/ag2trust run

demo: install dashboard
	@exec $(BIN)/ag2trust demo

images: install dashboard
	deploy/images/offline.sh

sbom: install
	$(BIN)/python deploy/images/sbom.py build/sbom

# Three processes share the files out, in the order of their names: what takes longest begins.
test: install dashboard
	$(BIN)/pytest -m "not torture" --numprocesses 3 --no-loadscope-reorder

torture: install dashboard
	$(BIN)/pytest -m torture
	$(BIN)/pytest -m hypothesis --hypothesis-profile=search --numprocesses 2 tests/unit

# Needs Debian's apt-get, and npm for one of the peers; works in build/bench-proxy.
bench-proxy: install
	$(BIN)/python -m benchmarks.proxy $(BENCH)
	$(BIN)/python -m benchmarks.proxy.steps
	$(BIN)/python -m benchmarks.proxy.failover

bench-metrics: install
	$(BIN)/python -m benchmarks.metrics $(BENCH)

check: install $(DASHBOARD)/node_modules/.installed $(API_TYPES)/node_modules/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(NPM) run --silent check
	$(NPM)/tools/openapi run --silent check || { echo "make generate writes them anew"; exit 1; }

fix: install $(DASHBOARD)/node_modules/.installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(NPM) run --silent fix

generate: install $(API_TYPES)/node_modules/.installed
	$(BIN)/python -m tests.unit.gateway.write_openapi
	$(NPM)/tools/openapi run --silent generate
	$(BIN)/python -m tests.unit.client.write_client
	$(BIN)/python -m tests.unit.ag2trust.write_cli

pictures: install dashboard
	$(BIN)/python -m tests.browser.pictures

lock: install
	$(BIN)/uv pip compile --no-config --universal --python-version 3.11 --generate-hashes --no-header \
		--no-emit-index-url --no-emit-find-links --group dev --quiet \
		--no-emit-package ag2trust-shared --no-emit-package ag2trust-credentials \
		--no-emit-package ag2trust-gateway --no-emit-package ag2trust-agent-runner \
		--no-emit-package ag2trust-metrics --no-emit-package ag2trust-agent \
		--no-emit-package ag2trust-local --no-emit-package ag2trust-sandbox \
		--no-emit-package ag2trust-client \
		pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile --no-config --universal --python-version 3.11 --generate-hashes --no-header \
		--no-emit-index-url --no-emit-find-links --no-annotate --quiet \
		--constraint requirements.lock --no-emit-package ag2trust-shared \
		services/*/pyproject.toml --output-file deploy/images/requirements.lock
	$(BIN)/uv pip compile --no-config --universal --python-version 3.11 --generate-hashes --no-header \
		--no-emit-index-url --no-emit-find-links --no-annotate --quiet \
		--constraint requirements.lock services/agent-runner/agent/pyproject.toml \
		--output-file services/agent-runner/agent/requirements.lock
	$(BIN)/uv pip compile --no-config --universal --python-version 3.11 --generate-hashes --no-header \
		--no-emit-index-url --no-emit-find-links --no-annotate --quiet \
		examples/ag2/requirements.in --output-file examples/ag2/requirements.lock

clean:
	rm -rf $(VENV)
