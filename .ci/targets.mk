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

# The everyday suite; TORCH=newest: what imports torch, with the newest torch that is old enough.
ci-test: setup
	@$(if $(filter newest,$(TORCH)),$(PIP) --require-hashes -r requirements-torch.lock)
	$(SUITE) --dist worksteal $(if $(filter newest,$(TORCH)),tests/training)

# Did every job succeed? RESULTS: GitHub's `needs` as JSON.
gate:
	@$(PYTHON) .ci/gate.py

# Known holes in what the locks hold.
audit: tools
	@$(TOOLS)/bin/python .ci/audit.py

# IMAGES: some of predictor drift worker trainer.
IMAGES ?= predictor drift worker trainer
IMAGES_TAG ?= $(shell git rev-parse HEAD)
REGISTRY ?= registry.invalid/mycovigil
TAG ?=
.PHONY: ci-images scan push-images sbom wheels openapi changelog release publish-release

ci-images:
	@deploy/images.sh $(IMAGES)
	@.ci/images scan $(IMAGES)

scan:
	@.ci/images scan $(IMAGES)

push-images:
	@.ci/images push $(REGISTRY) $(IMAGES_TAG) $(IMAGES)

# A bill of materials for each lock, by CycloneDX.
sbom: tools
	@mkdir -p $(RELEASE)
	@for lock in requirements deploy/locks/predictor deploy/locks/drift deploy/locks/worker deploy/locks/training; do \
		$(TOOLS)/bin/cyclonedx-py requirements --output-reproducible --of JSON --sv 1.6 \
			-o $(RELEASE)/sbom-$$(basename $$lock).cdx.json $$lock.lock || exit 1; done
	@ls -1 $(RELEASE)/sbom-*.cdx.json

# One wheel a room; the same sources give the same bytes.
wheels: setup
	@rm -rf $(RELEASE)/wheels && mkdir -p $(RELEASE)/wheels
	@SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/python -m pip wheel --quiet --disable-pip-version-check \
		--no-deps --no-build-isolation --wheel-dir $(RELEASE)/wheels $(ROOMS:%=./%)
	@cd $(RELEASE)/wheels && test $$(ls *.whl | wc -l) = $(words $(ROOMS)) && for one in *.whl; do $(PYTHON) -m zipfile -t $$one >/dev/null || exit 1; done
	@cd $(RELEASE)/wheels && $(PYTHON) -c 'import hashlib, pathlib; [print(hashlib.sha256(f.read_bytes()).hexdigest(), f.name, sep="  ") for f in sorted(pathlib.Path().glob("*.whl"))]' | tee ../SHA256SUMS

openapi: setup
	@$(BIN)/python .ci/release.py openapi

# The section of TAG=v1.2.3 in CHANGELOG.md.
changelog:
	@$(PYTHON) .ci/release.py changelog "$(TAG)"

release: changelog wheels openapi sbom

publish-release:
	@gh release create "$(TAG)" --verify-tag --title "$(TAG)" --notes-file $(RELEASE)/notes.md \
		$(RELEASE)/wheels/*.whl $(RELEASE)/SHA256SUMS $(RELEASE)/openapi-*.json $(RELEASE)/sbom-*.cdx.json

# A change of the data, beside BASE; then as a comment of pull request PR.
BASE ?= main
PR ?=
.PHONY: data-report data-comment deploy-staged dispatch

data-report: setup tools
	@PATH="$(CURDIR)/$(BIN):$$PATH" DVC=$(TOOLS)/bin/dvc $(BIN)/python .ci/data_report.py "$(BASE)"

data-comment:
	@gh pr comment "$(PR)" --body-file build/data-report.md --edit-last --create-if-none

# A promoted model: a new revision of the predictor gets requests by steps.
deploy-staged:
	@$(PYTHON) .ci/deploy_staged.py

dispatch:
	@$(PYTHON) .ci/dispatch.py
