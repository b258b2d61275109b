# One environment, .venv, serves every target. It follows pyproject.toml and constraints.txt.

SHELL := /bin/bash
# The first Python of at least 3.11 on the path; `make PYTHON=...` names another.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; exit; }; done; echo python3)
BIN := .venv/bin
PINS := pyproject.toml constraints.txt
# The build backend is pinned as well: newer pips read the second variable for it, older ones the first.
INSTALL := PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt $(BIN)/python -m pip install -q
# Test processes; tests use one thread each.
JOBS ?= auto
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --maxprocesses 4
RUN ?= runs/digits-demo-$(shell date +%Y%m%d-%H%M%S)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test slow lint format clean

help:  ## list the targets
	@grep -E '^[a-z.]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/'

$(BIN)/python:
	$(PYTHON) -m venv .venv

# Without the tools of development: what a user installs.
.venv/installed: $(PINS) | $(BIN)/python
	$(INSTALL) -e .
	@touch $@

.venv/installed-dev: $(PINS) | $(BIN)/python
	$(INSTALL) -e '.[dev]'
	@touch .venv/installed $@

.venv: .venv/installed-dev  ## create or update the environment

demo: .venv/installed  ## the whole job on bundled real data, in a fresh folder under runs/
	@mkdir -p runs
	$(BIN)/bridle fit digits --out $(RUN)

lint: .venv/installed-dev  ## style, types and the direction of the imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint  ## lint and the quick tests
	$(PYTEST) -m "not slow"

slow: .venv/installed-dev  ## the tests marked slow
	$(PYTEST) -m slow

format: .venv/installed-dev  ## rewrite the files as the linter wants them
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

clean:  ## remove the environment and what tools left behind; runs/ stays
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +
