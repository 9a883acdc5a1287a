# Everything a contributor runs. `make help` lists it.
#
# Targets set up what they need first; set-up takes some milliseconds when there is nothing to do.

PYTHON := .venv/bin/python
# Two workers keep both cores of a small machine busy; more only add start-up time.
CHECK_WORKERS ?= 2
# Tests on a real engine mostly wait for containers, so more of them may run at once.
DOCKER_WORKERS ?= 4

.DEFAULT_GOAL := help
.PHONY: help setup engine images demo check docker-test test bench soak format clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## make .venv with pillion and everything its checks need
	@scripts/setup-python

engine: setup ## install and start a container engine where none answers (Debian and Ubuntu, as root)
	@scripts/setup-engine

images: engine ## make the local images of tests, examples and demo (no registry needed)
	@$(PYTHON) images/build.py

demo: images ## run a task with five sidecars on this machine and show what happens
	@$(PYTHON) scripts/demo.py

check: setup ## lint, types, import contracts, and every test that needs no engine and no server
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/pytest -q -m "not docker and not service" -n $(CHECK_WORKERS)

docker-test: images ## the tests that run real containers, and those that run local AWS
	.venv/bin/pytest -q -m "docker or service" -n $(DOCKER_WORKERS) --dist loadgroup

test: check docker-test ## everything: checks, then the tests on a real engine

bench: images ## measure, as ratios within one run
	@$(PYTHON) -m compileall -q src  # as pip leaves an installed package, also where PYTHONDONTWRITEBYTECODE is set
	@$(PYTHON) -m benchmarks

soak: images ## a hundred tasks churned for some minutes with faults at random (PILLION_SOAK_MINUTES)
	@$(PYTHON) -m benchmarks.soak

format: setup ## let the tools fix what they can
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

clean: ## remove what the targets above made here (not the engine, not its images)
	rm -rf .venv .work .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
