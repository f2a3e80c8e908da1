# `make help` lists what there is. Python >= 3.11, make and git are enough to begin.

PYTHON ?= python3
BIN := .venv/bin
NPM := tests/clients tests/durable tests/dashboard src/react src/ai src/dashboard \
	examples/react-chat examples/fastapi-usechat

.DEFAULT_GOAL := help
.PHONY: help setup tools demo docs test soak deployed test-deployed test-deployed-objects \
	sam-backend invoke smoke bench canary release-check lint format clean

# An environment of its own under .tools, for a tool whose pins are not the product's: $(call own,NAME)
own = cmp -s requirements/$(1).txt .tools/$(1)/.installed || { \
	scripts/venv .tools/$(1) requirements/$(1).txt $(PYTHON) && \
	cp requirements/$(1).txt .tools/$(1)/.installed; }

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 24

setup: .venv/.installed ## Make .venv with the product and its test tools

.venv/.installed: requirements/dev.txt pyproject.toml scripts/venv
	@scripts/venv .venv requirements/dev.txt $(PYTHON)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

tools: ## Install MiniStack and SAM under .tools, and the npm packages of the tests
	@scripts/tools
	@if command -v npm >/dev/null; then for folder in $(NPM); do scripts/packages $$folder || exit; done; fi

demo: ## Stream real text through a real server, break it, and check every chunk
	@cmp -s requirements/server.txt .tools/demo/.installed || { \
		scripts/venv .tools/demo requirements/server.txt $(PYTHON) && \
		cp requirements/server.txt .tools/demo/.installed; }
	@PYTHONPATH=src .tools/demo/bin/python -m runstreams demo

docs: ## Make a site of the pages, in site/
	@$(call own,mkdocs)
	@NO_MKDOCS_2_WARNING=1 .tools/mkdocs/bin/mkdocs build --strict --quiet

test: setup tools lint ## Check style and types, then run the tests (minutes)
	@$(BIN)/pytest -n 3 --dist worksteal

soak: setup tools ## Run what takes long: many seeds, many kills, 300 MiB
	@$(call own,mkdocs)
	@$(BIN)/pytest -m soak -n 2 --dist worksteal

deployed: setup tools ## Deploy the template on this machine, MiniStack in the place of AWS
	@$(BIN)/python -m tests.deployed

test-deployed: setup tools ## Deploy it so, and use it through its gateway
	@$(BIN)/pytest -m "deployed and not soak"

test-deployed-objects: setup tools ## The same, with each append an object in the bucket
	@INLINE_BYTES=0 $(BIN)/pytest -m "deployed and not soak"

sam-backend: setup tools ## Start an S3 and a DynamoDB for `sam local`
	@$(BIN)/python -m tests.deployed.backend

EVENT ?= events/describe-run.json
invoke: setup tools ## Run the built function that EVENT goes to under Lambda's runtime client
	@$(BIN)/python -m tests.deployed.invoke $(EVENT)

PAUSE ?= 90
smoke: setup ## Ask a deployment what only itself can show: URL= KEY= [STREAM_URL= DEADLINE= PAUSE=]
	@$(BIN)/python scripts/smoke.py "$(URL)" "$(KEY)" $(if $(STREAM_URL),--stream-url "$(STREAM_URL)") \
		$(if $(DEADLINE),--deadline "$(DEADLINE)") --pause "$(PAUSE)"

canary: tools ## Run the tests with the newest release of every dependency
	@scripts/canary

release-check: setup ## Build all packages into dist, install each elsewhere, and check them
	@$(call own,twine)
	@for folder in src/react src/ai tests/release; do scripts/packages $$folder || exit; done
	@REQUIRE_ALL=1 $(BIN)/pytest -m release tests/release

bench: setup tools ## Measure speed and cold starts, and print the table
	@$(BIN)/python -m bench
	@$(BIN)/python -m tests.deployed.cold_start

lint: setup ## Check style, types, workflows and generated files
	@$(call own,zizmor)
	@.tools/zizmor/bin/zizmor --offline --quiet .github
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/python scripts/unasync.py --check
	@$(BIN)/mypy
	@$(BIN)/python scripts/picture.py --check
	@$(BIN)/python scripts/edge.py --check
	@$(BIN)/cfn-lint deploy/readers.yaml
	@$(BIN)/hadolint Dockerfile

format: setup ## Rewrite the code in the house's format, and what is made from it
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format
	@$(BIN)/python scripts/unasync.py
	@$(BIN)/python scripts/picture.py
	@$(BIN)/python scripts/edge.py

clean: ## Remove everything that make has made
	rm -rf $(NPM:=/node_modules) $(NPM:=/dist) tests/release/node_modules
	rm -rf .venv .canary .tools .aws-sam .bench dist site .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
