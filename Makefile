# `make run` and `make test` need Python 3.11 or newer with its venv module, and nothing else: they make .venv themselves.

# The locked versions were tried with 3.11, so it comes first.
PYTHON ?= $(shell for name in python3.11 python3 python3.12 python3.13; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$name && break; done)
BIN := .venv/bin
LOCK := $(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host

.DEFAULT_GOAL := help
.PHONY: help run test bench bench-audit bench-forecast bench-lists torture lint format coverage lock run-tools test-tools

help:
	@echo "make run        start the shop; it says where. Settings: .env, see .env.example"
	@echo "make test       run the tests on SQLite, and on PostgreSQL where there is a server; ARGS='-k sell' for pytest"
	@echo "make bench      time the shop beside a minimal service, on PostgreSQL; ARGS='--rounds 1 --seconds 4'"
	@echo "make bench-audit   time the trail: sealing, queries and exports among a million records; ARGS='--database sqlite'"
	@echo "make bench-forecast   time a night's forecasts of 50,000 products by two workers; ARGS='--products 5000'"
	@echo "make bench-lists   time lists and pages over HTTP with 50,000 products; ARGS='--products 5000'"
	@echo "make torture    kill the shop's processes under load and judge its trail; ARGS='--kills 200 --tasks 20000 --database postgresql --seed 7'"
	@echo "make lint       formatting, lint, types, direction of imports"
	@echo "make format     put formatting and the order of imports right"
	@echo "make coverage   run the tests on SQLite and show which lines they miss"
	@echo "make lock       compile requirements/*.in to *.txt with hashes; ARGS=--upgrade for the newest versions"

run: run-tools
	@$(BIN)/python manage.py serve

test: test-tools
	@$(BIN)/python tests/run.py $(ARGS)

bench: test-tools
	@$(BIN)/python -m tests.benchmarks.run $(ARGS)

bench-audit: test-tools
	@$(BIN)/python -m tests.benchmarks.audit $(ARGS)

bench-forecast: test-tools
	@$(BIN)/python -m tests.benchmarks.forecast $(ARGS)

bench-lists: test-tools
	@$(BIN)/python -m tests.benchmarks.lists $(ARGS)

torture: test-tools
	@$(BIN)/python -m tests.torture $(ARGS)

lint: test-tools
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: test-tools
	$(BIN)/ruff check --fix --select I
	$(BIN)/ruff format

coverage: test-tools
	@$(BIN)/python -m pytest --cov --cov-report=term-missing $(ARGS)

lock: test-tools
	$(LOCK) $(ARGS) --output-file=requirements/base.txt requirements/base.in
	$(LOCK) $(ARGS) --output-file=requirements/dev.txt requirements/dev.in

# What was installed is kept in .venv beside it; only another list is installed again.
run-tools: $(BIN)/python
	@$(call install,base)

test-tools: $(BIN)/python
	@$(call install,dev)

define install
if ! cmp -s requirements/$(1).txt .venv/installed-$(1).txt; then \
	echo "Installing requirements/$(1).txt into .venv ..."; \
	$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --require-hashes -r requirements/$(1).txt \
	&& cp requirements/$(1).txt .venv/installed-$(1).txt; \
fi
endef

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "The shop needs Python 3.11 or newer: install it, or name it: make PYTHON=/path/to/python3.11 run" >&2; exit 1; \
	fi
	@if ! "$(PYTHON)" -m venv --clear .venv; then \
		rm -rf .venv; \
		echo "Could not make .venv: see above; on Debian and Ubuntu install python3-venv." >&2; exit 1; \
	fi
