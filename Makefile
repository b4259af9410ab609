PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup new test test-faults soak lint test-latest bench

help: ## List the targets
	@grep -E '^[a-z-]+:.* ## ' $(MAKEFILE_LIST) | sed -E 's/:.* ## /|/' | awk -F'|' '{ printf "  %-12s %s\n", $$1, $$2 }'

# Everything: Copier and the tools to develop this template.
.venv/.ready: pyproject.toml
	@$(PYTHON) scripts/environment.py
	@touch $@

# Copier alone, which is all that `make new` needs.
.venv/.copier: pyproject.toml
	@$(PYTHON) scripts/environment.py copier
	@touch $@

setup: .venv/.ready ## Make the environment of this repository

# Copier hands this PATH to its tasks, so that the project is set up with the uv of this repository.
new: $(if $(wildcard .venv/.ready),.venv/.ready,.venv/.copier) ## Make a project: make new DEST=../my-service (ARGS="-d database=sqlite")
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python scripts/new.py

test: .venv/.ready ## Render every variant, run its tests, and all others (ARGS="-k update")
	@$(BIN)/pytest -n 2 -m "not system_packages" $(ARGS)

test-faults: .venv/.ready ## Test what needs Debian packages: chromium, nginx, pgbouncer
	@$(BIN)/pytest -n 2 -m system_packages $(ARGS)

soak: .venv/.ready ## Load services on both databases for ten minutes each, with faults (MINUTES=1)
	@$(BIN)/pytest tests/faults/soak.py -s $(ARGS)

lint: .venv/.ready ## Check style and types of the template's own code
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/pyright

test-latest: .venv/.ready ## Upgrade all dependencies, then lint and test (ARGS="-k update")
	@$(BIN)/python scripts/test_latest.py

bench: .venv/.ready ## Measure, each figure a ratio beside its limit (ONLY="http pagination"); needs wrk
	@$(BIN)/python benchmarks/run.py $(ONLY)
