# make run     set up, then serve on 127.0.0.1:8008 with the data in ./data
# make test    set up, then run every test (unit, property, contract on both databases, real clients, browser)
# make check   lint, types, layers
# make bench   measure, beside Synapse          make conformance   what of the specification answers
# make test-long   the long kill, fuzz and property runs; LONG_EXAMPLES=50 and FUZZ_EXAMPLES=… take a slice of them

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Tests start hundreds of processes: compiled once, each of them starts in two thirds of the time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test check bench conformance test-long

run: $(VENV)/.run
	$(BIN)/teahouse serve $(ARGS)

test: $(VENV)/.test
	$(BIN)/python -m tests.contract.report --clear
	$(BIN)/python -m pytest -q -m "not long" -n auto --dist loadfile $(ARGS)
	$(BIN)/python -m tests.contract.report --check

check: $(VENV)/.test
	$(BIN)/ruff check src tests bench
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.test
	$(BIN)/python -m bench $(ARGS)

conformance: $(VENV)/.test
	$(BIN)/python -m tests.contract.report

test-long: $(VENV)/.test
	HYPOTHESIS_PROFILE=long FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-100000} $(BIN)/python -m pytest -q $(ARGS)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

# Chromium, strace and Caddy are Debian packages: installed where this may be done, else their tests are skipped.
PACKAGES := chromium strace caddy
$(VENV)/.test: pyproject.toml | $(BIN)/python
	@for name in $(PACKAGES); do command -v $$name > /dev/null || missing=1; done; \
	if [ -n "$$missing" ] && [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
	    apt-get update -qq && apt-get install -y -qq $(PACKAGES) > /dev/null; fi
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[test]"
	touch $@ $(VENV)/.run
