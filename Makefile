# Every target sets itself up: Python 3.11+ is all a fresh machine needs. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
ROUNDS ?= 50
NUMBERS ?= 20
MINUTES ?= 30
# Compiled modules are kept: the tests start several processes that import the same ones.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: demo
demo: .venv/ready ## Link an emulated phone and exchange messages, on a local Supabase (ARGS=--once checks and exits)
	@$(BIN)/python -m devstack.demo $(ARGS)

.PHONY: dev
dev: .venv/ready ## The same stack with the real WhatsApp: scan the QR with your own phone
	@$(BIN)/python -m devstack.dev $(ARGS)

.PHONY: test
test: check unit .venv/ready node_modules/ready ## Everything CI runs
	@$(BIN)/python -m pytest -n 2 --dist loadgroup tests/emulator tests/contract tests/database tests/acceptance $(ARGS)

.PHONY: unit
unit: .venv/ready ## The tests without I/O, in under five seconds
	@$(BIN)/python -m pytest -q -n 2 -p no:pytest_cov -p no:logging --capture=sys tests/unit $(ARGS)

.PHONY: check
check: .venv/ready ## Lint, types, layers, SQL and sizes
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/sqlfluff lint --disable-progress-bar supabase devstack
	@$(BIN)/python tools/check_sizes.py

.PHONY: bench
bench: .venv/ready ## Measure latency, throughput and memory; the last line is one JSON object
	@$(BIN)/python -m tests.benchmarks $(ARGS)

.PHONY: crashes
crashes: .venv/ready ## Kill everything in turn while people talk, and count what is missing (ROUNDS=50 SEED=...)
	@$(BIN)/python -m tests.crashes --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED)) $(ARGS)

.PHONY: send-crashes
send-crashes: .venv/ready ## Kill worker and connector at each step of a send, and count what was heard twice (ROUNDS=50 SEED=...)
	@$(BIN)/python -m tests.crashes.sends --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED)) $(ARGS)

.PHONY: chaos
chaos: .venv/ready ## Two connectors, traffic both ways, everything broken at random, and an oracle (ROUNDS=50 SEED=...)
	@$(BIN)/python -m tests.chaos --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED)) $(ARGS)

.PHONY: fleet
fleet: .venv/ready ## Many numbers on one connector that all lose WhatsApp at once: how soon they are back, and at what cost (NUMBERS=20)
	@$(BIN)/python -m tests.fleet --numbers $(NUMBERS) $(ARGS)

.PHONY: soak
soak: .venv/ready ## A week of traffic of many numbers in half an hour: what grows, was lost or came twice (MINUTES=30 NUMBERS=20)
	@$(BIN)/python -m tests.soak --minutes $(MINUTES) --numbers $(NUMBERS) $(ARGS)

.PHONY: fmt
fmt: .venv/ready ## Format Python and SQL
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .
	@$(BIN)/sqlfluff fix --quiet --disable-progress-bar supabase devstack

.PHONY: types
types: .venv/ready node_modules/ready ## Write types/ anew: JSON Schema and TypeScript of what apps insert
	@$(BIN)/python -m tools.generate_types

.PHONY: lock
lock: .venv/ready ## Pin every dependency anew, with hashes and without addresses
	@$(BIN)/pip-compile $(LOCK) --all-extras --output-file requirements-dev.lock pyproject.toml
	@$(BIN)/pip-compile $(LOCK) --constraint requirements-dev.lock --output-file requirements.lock pyproject.toml

LOCK := --quiet --no-header --upgrade --generate-hashes --allow-unsafe --strip-extras --no-annotate \
        --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

.venv/ready: requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Zapbase needs Python 3.11 or newer: set PYTHON=..." if sys.version_info < (3, 11) else 0)'
	@echo "Setting up .venv (once) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

node_modules/ready: package-lock.json
	@echo "Installing the Supabase CLI, supabase-js and TypeScript (once) ..."
	@npm ci --loglevel=error --no-fund --no-audit --ignore-scripts
	@touch $@
