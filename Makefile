# Two commands from a fresh machine: `make demo` and `make test`. All that is needed is Python >= 3.11, make and a
# package index; everything goes into .venv.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt

unexport PYTHONDONTWRITEBYTECODE  # else every process compiles torch's two thousand files anew: a second and a half

# A worker per core, each with one thread: tiny networks gain nothing from more. A worker gets a part of the tests in
# their order, so that neighbours share their fixtures, and then takes over some of what others have not begun.
FAST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses logical --dist worksteal

.PHONY: demo test test-all coverage check bench docs clean

demo: .venv/core  ## Train the default system for a minute, then draw digits to order.
	$(BIN)/condgen train --minutes 1 --out runs/demo
	$(BIN)/condgen sample runs/demo --labels 0-9 --count 10 --grid --out runs/demo/digits.png
	$(BIN)/condgen sample runs/demo --labels 8 --count 10 --out runs/demo/eights
	@echo "Look at runs/demo/digits.png (a column per digit) and at the ten eights in runs/demo/eights/."

test: .venv/dev  ## The fast tier, on every core.
	$(FAST)

test-all: .venv/dev  ## Everything that needs no GPU, long proofs included.
	$(BIN)/python -m pytest -m "not gpu"

coverage: .venv/dev  ## The fast tier again, with the lines of src/condgen that it runs, subprocesses included.
	$(FAST) --cov --cov-report=term:skip-covered

check: .venv/dev  ## Style, types, the direction of imports, and every command of the README.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -m readme

bench: .venv/dev  ## Time to a quality and images per second, beside a tutorial's loop: half an hour on an idle machine.
	$(BIN)/python benchmarks/time_to_quality.py --out benchmarks/results/time_to_quality.json
	$(BIN)/python benchmarks/speed.py --out benchmarks/results/speed.json

docs: .venv/docs  ## The documentation as a site, in site/.
	$(BIN)/mkdocs build --strict --quiet

.venv/core: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) --editable .
	@touch $@

.venv/dev: .venv/core
	$(PIP) --editable ".[data,dev,export,hub,metrics,serve]"
	@touch $@

.venv/docs: .venv/core
	$(PIP) --editable ".[docs]"
	@touch $@

clean:
	rm -rf .venv site .coverage* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
