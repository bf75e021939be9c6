# Two commands from a fresh machine: `make demo` and `make test`. All that is needed is Python >= 3.11, make and a
# package index; everything goes into .venv.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -P -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt

# torch and what its CUDA build brings along: which build is right, and so which hash, depends on the machine.
OF_TORCH := torch triton cuda-bindings cuda-pathfinder cuda-toolkit $(addprefix nvidia-,cublas cuda-cupti cuda-nvrtc \
  cuda-runtime cudnn-cu13 cufft cufile curand cusolver cusparse cusparselt-cu13 nccl-cu13 nvjitlink nvshmem-cu13 nvtx)

unexport PYTHONDONTWRITEBYTECODE  # else every process compiles torch's two thousand files anew: a second and a half

# A worker per core, each with one thread: tiny networks gain nothing from more. A worker gets a part of the tests in
# their order, so that neighbours share their fixtures, and then takes over some of what others have not begun.
FAST := OMP_NUM_THREADS=1 $(BIN)/python -P -m pytest --numprocesses logical --dist worksteal

.PHONY: demo test test-all coverage check check-page bench docs hashes sbom clean

demo: .venv/core  ## Train the default system for a minute, then draw digits to order.
	$(BIN)/condgen train --minutes 1 --out runs/demo
	$(BIN)/condgen sample runs/demo --labels 0-9 --count 10 --grid --out runs/demo/digits.png
	$(BIN)/condgen sample runs/demo --labels 8 --count 10 --out runs/demo/eights
	@echo "Look at runs/demo/digits.png (a column per digit) and at the ten eights in runs/demo/eights/."

test: .venv/dev  ## The fast tier, on every core.
	$(FAST)

test-all: .venv/dev  ## Everything that needs no GPU, long proofs included.
	$(BIN)/python -P -m pytest -m "not gpu"

coverage: .venv/dev  ## The fast tier again, with the lines of src/condgen that it runs, subprocesses included.
	$(FAST) --cov --cov-report=term:skip-covered

check: .venv/dev  ## Style, types, the direction of imports, the commands of the README, CONTRIBUTING's examples.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@if command -v npm > /dev/null; then $(MAKE) --no-print-directory check-page; else echo "no npm: the page's JavaScript is not checked"; fi
	$(BIN)/python -P -m pytest -m readme

check-page: tools/page/node_modules  ## Types and style of the page's JavaScript.
	npm run --silent --prefix tools/page check

tools/page/node_modules: tools/page/package.json
	npm install --silent --no-package-lock --prefix tools/page
	@touch $@

bench: .venv/dev  ## Time to a quality and images per second, beside a tutorial's loop: half an hour on an idle machine.
	$(BIN)/python benchmarks/time_to_quality.py --out benchmarks/results/time_to_quality.json
	$(BIN)/python benchmarks/speed.py --out benchmarks/results/speed.json

docs: .venv/docs  ## The documentation as a site, in site/.
	$(BIN)/mkdocs build --strict --quiet

hashes: .tools/ready  ## requirements-hashed.txt: the versions of constraints.txt with the hashes of their files.
	sed -n '/^#/p;/^$$/q' requirements-hashed.txt > .tools/head
	.tools/bin/uv pip compile pyproject.toml --quiet --generate-hashes --no-annotate --no-header \
	  --python-version 3.11 --python-platform x86_64-manylinux_2_28 --constraint constraints.txt \
	  --extra data --extra export --extra formats --extra hub --extra medical --extra metrics --extra serve --extra tensorboard \
	  $(foreach name,$(OF_TORCH),--no-emit-package $(name)) --output-file .tools/hashed
	(cat .tools/head; echo; cat .tools/hashed) > requirements-hashed.txt

sbom: .venv/core .tools/ready  ## sbom.json: all that is installed in .venv, as a CycloneDX bill of materials.
	.tools/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type library --output-reproducible \
	  --output-file sbom.json $(BIN)/python

.tools/ready: Makefile
	$(PYTHON) -P -m venv .tools
	.tools/bin/python -P -m pip install --quiet --disable-pip-version-check cyclonedx-bom==7.5.0 uv==0.13.9
	@touch $@

.venv/core: pyproject.toml constraints.txt
	$(PYTHON) -P -m venv .venv
	$(PIP) --editable .
	@touch $@

.venv/dev: .venv/core
	$(PIP) --editable ".[data,dev,export,formats,hub,medical,metrics,serve,tensorboard]"
	@touch $@

.venv/docs: .venv/core
	$(PIP) --editable ".[docs]"
	@touch $@

clean:
	rm -rf .venv .tools site .coverage* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
