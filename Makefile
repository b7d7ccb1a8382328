PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
LOCK := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

.DEFAULT_GOAL := help
.PHONY: help venv demo test lint format golden bench crds alerts docs site lock clean

help: ## Show this help
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: ## Make .venv from the locked dependencies, if it is not up to date
	@$(PYTHON) tools/set_up.py

demo: venv ## Run everything on this machine with real searches; ARGS=--exit stops after the summary
	@$(BIN)/workflow-audit demo $(ARGS)

test: venv ## Run every test on a real API server and PostgreSQL; ARGS goes to pytest
	@$(BIN)/python tools/test.py $(ARGS)

lint: venv ## Check style, types and layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/mypy examples/catalogue examples/holmesgpt
	@$(BIN)/lint-imports

format: venv ## Format the code and mend what can be mended by itself
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

golden: venv ## Write the golden files anew; then read their diff
	@$(BIN)/python -m pytest -q --update-golden -m golden $(ARGS)

bench: venv ## Measure speed and size; prints a table and writes bench-results/
	@PYTHONPATH=tests $(BIN)/python -m bench $(ARGS)

crds: venv ## Write crds/ anew from the models
	@for folder in crds charts/workflow-audit/crds manifests/crds; do $(BIN)/workflow-audit crds --output $$folder; done

alerts: venv ## Write the rules for a plain Prometheus and the dashboard anew
	@$(BIN)/python tools/monitoring.py

docs: venv ## Write docs/reference/ anew from models, settings and metrics
	@$(BIN)/python tools/reference.py

site: venv ## Build the documentation as a site into build/site, without network
	@$(BIN)/python tools/build_site.py

lock: venv ## Lock the newest allowed versions of all dependencies
	@$(LOCK) --output-file locks/runtime.txt --extra operator pyproject.toml
	@$(LOCK) --output-file locks/development.txt --extra local --extra dev pyproject.toml
	@echo 'hatchling>=1.27' | $(LOCK) --output-file locks/build.txt -

clean: ## Remove .venv and what tools leave behind; downloads and builds stay cached
	@rm -rf .venv .venv.lock .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage* htmlcov dist build bench-results
