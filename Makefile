PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
LOCK := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

.DEFAULT_GOAL := help
.PHONY: help venv demo test test-versions e2e-kind lint format golden bench soak crds alerts docs site \
	lock sbom licences audit clean

help: ## Show this help
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: ## Make .venv from the locked dependencies, if it is not up to date
	@$(PYTHON) tools/set_up.py

demo: venv ## Run everything on this machine with real searches; ARGS=--exit stops after the summary
	@$(BIN)/workflow-audit demo $(ARGS)

test: venv ## Run every test on a real API server and PostgreSQL; ARGS goes to pytest
	@$(BIN)/python tools/test.py $(ARGS)

test-versions: venv ## Run chosen tests on older Kubernetes versions; ARGS chooses some of them
	@$(BIN)/python tools/older_kubernetes.py $(ARGS)

e2e-kind: venv ## Run the end-to-end tests on kind; needs a container engine
	@$(BIN)/python tools/e2e_kind.py $(ARGS)

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

soak: venv ## Run everything for 30 minutes while everything goes wrong; ARGS="--minutes 3" for less
	@PYTHONPATH=tests $(BIN)/python -m soak $(ARGS)

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

sbom: venv ## Write the SBOM of the runtime dependencies into dist/
	@$(BIN)/python tools/sbom.py $(ARGS)

licences: sbom ## Check the licences of the runtime dependencies
	@$(BIN)/python tools/licences.py

audit: venv ## Ask for known vulnerabilities of the runtime dependencies; needs the network
	@$(BIN)/python tools/audit.py $(ARGS)

clean: ## Remove .venv and what tools leave behind; downloads and builds stay cached
	@rm -rf .venv .venv.lock .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage* htmlcov dist build bench-results
