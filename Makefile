# Two commands are all a newcomer needs: `make run` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
NODE_MODULES := toolchain/node_modules/.package-lock.json

.NOTPARALLEL:
.PHONY: run test setup setup-dev check format bench lock

run: setup  ## set everything up, start it all, deploy the sample; Ctrl-C stops everything
	@$(BIN)/python manage.py up

test: setup-dev  ## run all tests
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

check: setup-dev  ## format, lint, types, import laws, migrations, system checks
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/python -m toolchain.node_tools check
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check --fail-level WARNING
	$(BIN)/python -m tests.support.check_production

format: setup-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python -m toolchain.node_tools format

bench: setup-dev  ## timings, as ratios taken in one run
	@$(BIN)/python -m bench $(ARGS)

setup: .venv/run.installed $(NODE_MODULES)

setup-dev: .venv/dev.installed $(NODE_MODULES)

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("AwaitStep needs Python 3.11 or newer: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv .venv

.venv/run.installed: requirements.lock | .venv/bin/python
	@echo "Installing Python packages and Node.js (about a minute, once) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

.venv/dev.installed: requirements-dev.lock | .venv/bin/python
	@echo "Installing Python packages and Node.js (about a minute, once) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@ .venv/run.installed

$(NODE_MODULES): toolchain/package-lock.json | .venv/run.installed
	@echo "Installing Cloudflare's tools (once) ..."
	@$(BIN)/python -m toolchain.node_tools install
	@touch $@

lock: setup-dev  ## renew the lock files after a change of pyproject.toml
	$(BIN)/uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements.lock
	$(BIN)/uv pip compile -q pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements-dev.lock
