# `make help` lists what there is. Python >= 3.11, make and git are enough to begin.

PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup tools demo test soak bench lint format clean

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

setup: .venv/.installed ## Make .venv with the product and its test tools

.venv/.installed: requirements/dev.txt pyproject.toml scripts/venv
	@scripts/venv .venv requirements/dev.txt $(PYTHON)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

tools: ## Install MiniStack and SAM under .tools, and the npm packages of the tests
	@scripts/tools
	@if command -v npm >/dev/null; then scripts/packages src/react && scripts/packages examples/react-chat; fi

demo: setup ## Stream real text through a real server, break it, and check every chunk
	@$(BIN)/python -m demo

test: setup tools lint ## Check style and types, then run the tests (minutes)
	@$(BIN)/pytest -n 2 --dist worksteal

soak: setup tools ## Run what takes long: many seeds, many kills, 300 MiB
	@$(BIN)/pytest -m soak -n 2 --dist worksteal

bench: setup ## Measure speed and print the table
	@$(BIN)/python -m bench

lint: setup ## Check style and types
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

format: setup ## Rewrite the code in the house's format
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

clean: ## Remove everything that make has made
	rm -rf src/react/node_modules src/react/dist examples/react-chat/node_modules examples/react-chat/dist
	rm -rf .venv .tools .aws-sam .bench dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
