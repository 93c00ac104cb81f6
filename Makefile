# Filemill. `make` alone shows what there is.
PYTHON ?= python3
PORT ?= 8000
# 0.0.0.0 to be reached from other machines.
LISTEN ?= 127.0.0.1
BIN := .venv/bin
export PYTHONPATH := .:platform

.DEFAULT_GOAL := help
.PHONY: help setup engines demo serve test check lint format types imports bench fuzz load matrix new-engine lock clean distclean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1 | \2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-18s%s\n", $$1, $$2}'

setup: ## environment from the lock file, engines by apt (at once when both are there)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Filemill needs Python 3.11 or newer: make setup PYTHON=/path/to/python3"; exit 1; }
	@PYTHONPATH= $(PYTHON) platform/localstack/bootstrap.py setup

engines: ## engines only
	@PYTHONPATH= $(PYTHON) platform/localstack/bootstrap.py engines

demo: setup ## the main job in plain sight on a stack of its own, then stop
	@$(BIN)/python -m localstack demo

serve: setup ## the whole product on http://localhost:8000 (PORT=…) until Ctrl-C
	@$(BIN)/python -m localstack serve --port $(PORT) --host $(LISTEN)

test: check ## everything that the project promises
	$(BIN)/python -m pytest

check: lint types imports ## lint, types, imports

lint: setup ## ruff: rules and format; bandit and pip-audit against security-findings.toml
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(BIN)/python -m localstack.findings

format: setup ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: setup ## mypy, strict
	SECRET_KEY=$(DUMMY_KEY) DB_HOST=unused REDIS_URL=redis://unused $(BIN)/mypy .

# The Django plug-in loads the settings; nothing is connected to.
DUMMY_KEY := 00000000000000000000000000000000

imports: setup ## who may import whom
	$(BIN)/lint-imports

matrix: setup ## run every direct pair on real files, verify, write what is offered
	@$(BIN)/python -m conversions.matrix

new-engine: setup ## NAME=… writes conversions/engines/NAME.py, an engine that works, to begin with
	@$(BIN)/python -m conversions.engines.new $(NAME)

bench: setup ## measure the engines and the API on this machine
	$(BIN)/python -m loadtests.bench_engines
	$(BIN)/python -m loadtests.bench
	$(BIN)/python -m loadtests.quote_error

fuzz: setup ## schemathesis on every route, by key, person and staff, on a stack of its own
	$(BIN)/python -m loadtests.fuzz

load: setup ## 20 customers for 20 seconds on a running `make serve`, then percentiles
	$(BIN)/locust -f loadtests/locustfile.py --headless -u 20 -r 10 -t 20s --only-summary

lock: setup ## requirements.lock anew from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes -o requirements.lock

clean: ## caches and var/ with all its data (not while a stack runs)
	@for lock in var/run/supervisor.lock var/demo/run/supervisor.lock; do \
	  if [ -e $$lock ] && ! flock -n $$lock true; then echo "a stack is running ($$lock)"; exit 1; fi; done
	rm -rf var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

distclean: clean ## .venv too
	rm -rf .venv
