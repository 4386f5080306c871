# The commands of this repository; `make help` lists them. POSIX sh and GNU make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test attacks records check lint bench lock clean

help: ## list these targets
	@echo "make TARGET [PYTHON=python3.12]"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(BIN)/grader ## build .venv/ with grader and all tools, from the locked requirements

$(BIN)/grader: $(STAMP)

$(STAMP): requirements/dev.txt requirements/runtime.txt pyproject.toml
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "error: $(PYTHON): expected Python 3.11 or newer with venv. Install python3 and python3-venv, or say PYTHON=..." >&2; exit 2; }
	@echo "Building $(VENV)/ with `$(PYTHON) --version`"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing `grep -c '^[a-z].*==' requirements/dev.txt` locked packages, TensorFlow among them; the first time takes some minutes"
	@$(BIN)/python -m pip install -qq --no-input --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install -qq --no-input --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
	@echo "Ready: $(BIN)/grader"

demo: $(STAMP) ## grade the example submissions into results/
	@status=0; \
	$(BIN)/grader grade examples/submissions --assignment mnist_conv --output results || status=$$?; \
	case $$status in \
	  0) echo "Exit code 0: every submission has a grade. See results/." ;; \
	  1) echo "Exit code 1: graded, but some submissions need a person (needs_review in results/scores.json). See results/." ;; \
	  *) exit $$status ;; \
	esac

# Those that need no sandbox and no browser use one core each; the others count seconds, and run alone.
ALONE := sandbox or browser

test: $(STAMP) ## run the tests
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not records and not ($(ALONE))"
	$(BIN)/python -m pytest -m "not records and ($(ALONE))"

attacks: $(STAMP) ## run the attack suite alone, and say how many attacks were held
	$(BIN)/python -m pytest -q tests/test_attacks.py

records: $(STAMP) ## repeat every training that comes with an assignment, and compare; takes hours
	$(BIN)/python -m pytest -q -m records tests/test_recorded_trainings.py

check: lint test ## everything that must hold: lint, then the tests

lint: $(STAMP) ## the fast part: format, ruff, mypy, import-linter
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(STAMP) ## measure everything into bench/results/, and write docs/benchmarks.md; half an hour to eighty minutes on two cores
	rm -f bench/results/*.json
	PYTHONPATH=. $(BIN)/python bench/tables.py --machine
	PYTHONPATH=. $(BIN)/python bench/against_peers.py --copies 3 --json bench/results/peers.json
	PYTHONPATH=. $(BIN)/python bench/trainer.py --json bench/results/trainer.json
	PYTHONPATH=. $(BIN)/python bench/trainer.py --curves 2 --json bench/results/curves.json
	PYTHONPATH=. $(BIN)/python bench/class_throughput.py --epochs 1 --json bench/results/throughput.json
	PYTHONPATH=. $(BIN)/python bench/scaling.py --json bench/results/scaling.json
	PYTHONPATH=. $(BIN)/python bench/scheduling.py --json bench/results/scheduling.json
	PYTHONPATH=. $(BIN)/python bench/dask_engine.py --copies 40 --rounds 3 --json bench/results/dask.json
	PYTHONPATH=. $(BIN)/python bench/overhead.py --json bench/results/overhead.json
	PYTHONPATH=. $(BIN)/python bench/report.py --json bench/results/report.json
	PYTHONPATH=. $(BIN)/python bench/confinement.py
	PYTHONPATH=. $(BIN)/python bench/tables.py

# Versions are chosen for the Python that resolves them: use the oldest one to be served, Debian 12's 3.11.2
# (`make lock PYTHON=/usr/bin/python3` there), or packages that want 3.11.5 get in.
lock: ## resolve the dependencies in pyproject.toml anew into requirements/ (UPGRADE=1: to the newest versions)
	@test -x .venv-lock/bin/pip-compile || \
	  { $(PYTHON) -m venv .venv-lock && .venv-lock/bin/python -m pip install -qq --disable-pip-version-check 'pip-tools>=7.5'; }
	$(COMPILE) --output-file requirements/runtime.txt pyproject.toml
	$(COMPILE) --extra dev --constraint requirements/runtime.txt --output-file requirements/dev.txt pyproject.toml

# Only the default package index is asked: no host or folder of one machine gets into the files.
COMPILE = env -u PIP_FIND_LINKS -u PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE=/dev/null CUSTOM_COMPILE_COMMAND="make lock" \
  .venv-lock/bin/pip-compile --quiet --no-config --generate-hashes --strip-extras --allow-unsafe --all-build-deps \
  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host $(if $(UPGRADE),--upgrade)

clean: ## remove everything that the other targets made, .venv/ and results/ included
	rm -rf $(VENV) .venv-lock results build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
