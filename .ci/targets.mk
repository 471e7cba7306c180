# What the workflows call and the Makefile has not. Each runs here as it runs there; a test refuses a
# workflow that runs anything else.
RELEASE := build/release
# lowest is the version that training requires, which the locks hold; newest is requirements-torch.lock.
TORCH ?= lowest

.PHONY: system ci ci-test gate audit

system:
	@.ci/system

ci:
	@.ci/run

# The suite; TORCH=newest: what imports torch, with the newest torch that is old enough.
ci-test: setup
	@$(if $(filter newest,$(TORCH)),$(PIP) --require-hashes -r requirements-torch.lock)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist worksteal $(if $(filter newest,$(TORCH)),tests/training)

# Did every job succeed? RESULTS: GitHub's `needs` as JSON.
gate:
	@$(PYTHON) .ci/gate.py

# Known holes in what the locks hold.
audit: tools
	@$(TOOLS)/bin/python .ci/audit.py
