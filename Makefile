# Reelyard. Everything works without root and without Docker; `make help` lists the commands.
PYTHON ?= python3
BIN := .venv/bin
# How many processes run the tests: one a core, at most four (each may have torch, a Chromium and a
# PostgreSQL of its own). `make test PROCESSES=0` runs them one after the other.
PROCESSES ?= logical

.DEFAULT_GOAL := help
.PHONY: help setup demo up down test check format bench docs states openapi clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: ## Make the environment with what the farm needs
	@$(PYTHON) deploy/install.py run

demo: setup ## Render examples/lighthouse.yaml into out/lighthouse.mp4 and stop again
	@$(BIN)/reelyard demo

up: setup ## Start a farm on this machine and keep it running
	@$(BIN)/reelyard up

down: ## Stop the farm that `make up` started
	@$(BIN)/reelyard down

test: ## Make the environment with the tests' tools and run every test
	@$(PYTHON) deploy/install.py dev
	@$(BIN)/python -m pytest -q -n $(PROCESSES) --maxprocesses 4 --dist loadfile --no-loadscope-reorder

check: ## Format, lint, types, import rules
	@$(PYTHON) deploy/install.py dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@PYTHONPATH=. $(BIN)/lint-imports --no-cache

format: ## Format and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: ## Print the figures of bench/
	@for file in bench/*.py; do echo "== $$file"; $(BIN)/python $$file; done

docs: ## Make the generated pages of docs/ anew
	@$(BIN)/python -m coordinator.core.lifecycle > docs/states.md
	@$(BIN)/reelyard schema > docs/storyboard.schema.json
	@$(BIN)/python -m coordinator.api.openapi > docs/openapi.json

clean: ## Remove the environment and everything that was rendered
	rm -rf .venv .boot .reelyard out .mypy_cache .ruff_cache .pytest_cache .hypothesis
