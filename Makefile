# Start here: `make run` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
COMPILE := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
NODE_MODULES := toolchain/node_modules/.package-lock.json
# Three processes keep two cores busy, because tests often wait for other programs. Files run in the order of
# tests/conftest.py, not by the number of their tests.
PARALLEL := -n 3 --dist loadfile --no-loadscope-reorder
BUNDLE := web/static/bundled/code_fields.js
TEMPLATES = $(shell find templates -name '*.html')

.NOTPARALLEL:
.PHONY: run test test-long test-cluster setup setup-dev check check-all-but-types format bench lock wheel sbom

run: setup  ## install, start everything and deploy the sample; Ctrl-C stops everything
	@$(BIN)/python manage.py up

test test-long test-cluster: export PYTHONDONTWRITEBYTECODE :=  # each process of the tests would compile the project again

test: setup-dev  ## run all tests
	@$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

test-long: setup-dev  ## run all tests with many more random examples, and those that take minutes
	@AWAITSTEP_TEST_LONG=1 $(BIN)/python -m pytest $(PARALLEL) $(ARGS)

test-cluster: setup-dev  ## run the tests of several web servers and workers that share a PostgreSQL database
	@AWAITSTEP_TEST_DATABASE=postgresql $(BIN)/python -m pytest tests/cluster $(ARGS)

check: setup-dev  ## check formatting, lint, types, imports, wording, migrations, Django's settings and lock files
	@set -e; echo "$(BIN)/mypy ."; $(BIN)/mypy . & types=$$!; $(MAKE) --no-print-directory check-all-but-types; wait $$types

check-all-but-types:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/djade --check $(TEMPLATES)
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/python -m tests.support.checks.prose
	$(BIN)/python -m toolchain.node_tools check
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check --fail-level WARNING
	$(BIN)/python -m tests.support.checks.production
	$(BIN)/python -m supply_chain check

format: setup-dev  ## format the code and apply safe lint fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/djade $(TEMPLATES)
	$(BIN)/python -m toolchain.node_tools format

bench: setup-dev  ## measure timings, as ratios within one run
	@$(BIN)/python -m bench $(ARGS)

wheel: setup-dev  ## build the wheel in dist/
	@$(BIN)/python -m hatchling build -t wheel

sbom: setup-dev  ## write a bill of materials to dist/sbom.json
	@mkdir -p dist
	@$(BIN)/python -m supply_chain sbom dist/sbom.json

setup: .venv/run.installed $(NODE_MODULES) $(BUNDLE)

setup-dev: .venv/dev.installed $(NODE_MODULES) $(BUNDLE)

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("AwaitStep needs Python 3.11 or newer: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv .venv

.venv/pip.installed: requirements-pip.lock | .venv/bin/python
	@$(INSTALL) -r requirements-pip.lock
	@touch $@

.venv/run.installed: requirements.lock | .venv/pip.installed
	@echo "Installing Python packages and Node.js (about a minute, once) ..."
	@$(INSTALL) -r requirements.lock
	@touch $@

.venv/dev.installed: requirements-dev.lock | .venv/pip.installed
	@echo "Installing Python packages and Node.js (about a minute, once) ..."
	@$(INSTALL) -r requirements-dev.lock
	@touch $@ .venv/run.installed

$(NODE_MODULES): toolchain/package-lock.json | .venv/run.installed
	@echo "Installing Cloudflare's tools (once) ..."
	@$(BIN)/python -m toolchain.node_tools install
	@touch $@

$(BUNDLE): $(NODE_MODULES) $(wildcard web/static_src/code_fields/*.js)
	@$(BIN)/python -m toolchain.node_tools bundle

lock: setup-dev  ## update the lock files after a change to pyproject.toml
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) pyproject.toml --group dev -o requirements-dev.lock
	$(COMPILE) --group pip -o requirements-pip.lock
	$(COMPILE) --group build -o requirements-build.lock
	$(BIN)/python -m supply_chain check
