# What CI runs is what you run. Python 3.11 or newer, git and make are all you need.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ROOMS := shared client local web statistics simulator services/predictor services/drift services/worker training
# The locks list everything, so pip resolves nothing.
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps
READY := $(VENV)/.ready
PHOTOS ?=
# A thread a worker: two workers whose matrix products both want both cores wait for each other.
# A worker more than cores: tests that wait for a server or a process leave one idle.
SUITE = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3
BENCHMARKS ?= simulator predictor drift_cost drift_relabellings night_cost night_million dashboard
JSON ?=
# Checkers of deploy/ and .github/, in an environment of their own.
TOOLS := build/tools
PROVIDER := 16.12.1
# What builds the documentation, in another one.
SITE_TOOLS := build/site-tools
# No version is locked before it has been public for so long: stolen releases are found in days.
COOLDOWN ?= 7 days
DATED = --exclude-newer "$(COOLDOWN)"
# Services that a test or the demo starts would compile our sources each time: seconds of each.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo up test whole lint types stats chaos bench images lock tools check-deploy docs provider-schema clean

setup: $(READY)

$(READY): requirements.lock requirements-cpu.lock requirements-cuda.lock $(ROOMS:%=%/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Mycovigil needs Python 3.11 or newer: make PYTHON=python3.12 setup")'
	@echo "Setting up $(VENV): about 3 minutes the first time."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --require-hashes -r requirements-cpu.lock 2>/dev/null || true
	@$(PIP) --require-hashes -r requirements.lock
	@! $(BIN)/python deploy/torch_needs_cuda.py || $(PIP) --require-hashes -r requirements-cuda.lock
	@$(PIP) --no-build-isolation $(ROOMS:%=-e ./%)
	@touch $@

demo: setup
	@$(BIN)/mycovigil demo $(if $(PHOTOS),--photos $(PHOTOS)) $(if $(JSON),--json $(JSON))

up: setup
	@$(BIN)/mycovigil up

test: setup lint types
	$(SUITE) --dist worksteal

# Whole processes and systems, which the everyday suite has in a short form: the played demo, servers
# that are killed, attacks, photos drawn and trained on. A file's tests share what they start.
whole: setup
	$(SUITE) --dist loadfile -m "whole and not slow"

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

types: setup
	$(BIN)/mypy shared/src client/src local/src web/src statistics/src simulator/src services/predictor/src services/drift/src services/worker/src training/src training/mini tests benchmarks

stats: setup
	$(BIN)/python -m pytest -s -m slow tests/statistics

chaos: setup
	$(BIN)/python -m pytest -s -m slow tests --ignore=tests/statistics

# The timings. A study of hours is run by its name: make bench BENCHMARKS=drift_power
bench: setup
	@for name in $(BENCHMARKS); do echo "== $$name"; $(BIN)/python benchmarks/$$name.py || exit 1; done

images:
	@deploy/images.sh

# Resolve what the rooms require and pin it with hashes; UPGRADE=1 takes the newest versions. A mend
# that cannot wait: make lock COOLDOWN='0 days'
lock:
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet packaging uv==0.13.9
	PATH=$(CURDIR)/build/lock/bin:$$PATH build/lock/bin/python deploy/lock.py $(DATED) $(if $(UPGRADE),--upgrade)
	build/lock/bin/uv pip compile deploy/tools/requirements.in --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate $(DATED) --output-file deploy/tools/requirements.txt $(if $(UPGRADE),--upgrade)
	build/lock/bin/uv pip compile deploy/site/requirements.in --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate $(DATED) --output-file deploy/site/requirements.txt $(if $(UPGRADE),--upgrade)

tools: $(TOOLS)/.ready

$(TOOLS)/.ready: deploy/tools/requirements.txt
	@echo "Setting up $(TOOLS): about 2 minutes the first time."
	@rm -rf $(TOOLS) && $(PYTHON) -m venv $(TOOLS)
	@$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --require-hashes -r $< \
		|| { echo "The checkers of deploy/ could not be installed: nothing of deploy/gcp is checked." >&2; exit 1; }
	@touch $@

# Everything about deploy/ and .github/ that can be checked without Google and GitHub.
check-deploy: setup tools
	$(BIN)/python -m pytest -q tests/deploy/gcp tests/deploy/ci
	$(TOOLS)/bin/python deploy/tools/check.py
	$(TOOLS)/bin/python .ci/check_workflows.py

$(SITE_TOOLS)/.ready: deploy/site/requirements.txt
	@rm -rf $(SITE_TOOLS) && $(PYTHON) -m venv $(SITE_TOOLS)
	@$(SITE_TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --require-hashes -r $< \
		|| { echo "Zensical could not be installed: the documentation is not built." >&2; exit 1; }
	@touch $@

# The site in build/docs/site; to read it: python3 -m http.server -d build/docs/site
docs: setup $(SITE_TOOLS)/.ready
	$(BIN)/python deploy/site/build.py --zensical $(SITE_TOOLS)/bin/zensical

# Read the provider's schema again from its typed bindings on npm: after a new type of resource.
provider-schema:
	rm -rf build/provider && mkdir -p build/provider
	cd build/provider && npm pack --silent @cdktf/provider-google@$(PROVIDER) && tar xzf *.tgz
	$(PYTHON) deploy/tools/provider_schema.py build/provider/package

clean:
	rm -rf .mycovigil build .mypy_cache .pytest_cache .ruff_cache

# What else the workflows call.
include .ci/targets.mk
