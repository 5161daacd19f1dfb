# The commands a person types. Each creates what it needs: the virtual environment in .venv, its packages from PyPI,
# and the one system package of the mount (fuse3) where this is root on a Debian-like system.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STORE ?= local
PORT ?= 5433

.PHONY: help demo test check bench format clean system system-server

help: ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "fsspeckit-gateway: found $$($(PYTHON) --version 2>&1), needs Python 3.11 or newer; name one with make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "fsspeckit-gateway: $(PYTHON) cannot create a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.installed-%: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

system: ## install the system packages that are missing (root on Debian or Ubuntu), or say which
	@sh tests/system-packages.sh

system-server:
	@sh tests/system-packages.sh server

demo: $(VENV)/.installed-demo system ## the main job on a sample bucket [STORE=local|s3] [ONCE=1] [PORT=5433]
	@$(BIN)/fsspeckit demo --store $(STORE) --port $(PORT) $(if $(filter-out 0,$(ONCE)),--once)

check: $(VENV)/.installed-dev ## format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(VENV)/.installed-dev ## write the format that check wants
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(VENV)/.installed-azurite: | $(BIN)/python system-server
	@npm install --silent --no-audit --no-fund --prefix $(VENV) azurite@3.35.0 pg@8 postgres@3 || { echo "fsspeckit-gateway: npm could not install azurite, pg and postgres, which tests need" >&2; exit 1; }
	@touch $@

test: $(VENV)/.installed-dev system-server $(VENV)/.installed-azurite ## every test, on real servers and real mounts
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

bench: $(VENV)/.installed-dev $(VENV)/.installed-bench system-server ## the benchmark tables, as ratios to a peer in the same run
	$(BIN)/python -m benchmarks $(ARGS)

clean: ## remove what make created
	rm -rf $(VENV) .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
