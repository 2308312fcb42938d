# Everything made here stays in one folder, given from this one unless it is absolute.
HISTOVET_STATE ?= .state
ifeq ($(strip $(HISTOVET_STATE)),)
override HISTOVET_STATE := .state
endif
export HISTOVET_STATE
export PYTHONPYCACHEPREFIX ?= $(HISTOVET_STATE)/cache/python
unexport PYTHONDONTWRITEBYTECODE

# Values given to make reach the recipes by the environment, where the shell does not
# take them apart.
export FEED LABEL AS_OF NAME ONLY PORT ARGS INSPECTIONS

# The first Python 3.11 that can make virtual environments. The system's own comes first:
# production runs it, distributions build it for speed and mend it.
find_python = $(shell for python in /usr/bin/python3.11 /usr/bin/python3 python3.11 \
	python3; do "$$python" -c 'import sys, ensurepip, venv; \
	sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null && \
	command -v "$$python" && break; done)
no_python = Python 3.11 with its venv module is needed; on Debian, as root: \
	apt-get install python3 python3-venv
python = "$(or $(find_python),$(error $(no_python)))"

local = exec "$$HISTOVET_STATE/venv/bin/python" -m histovet.local
need = @test -n "$$$(1)" || { echo "$(1) is missing: $(2)" >&2; exit 2; }

.PHONY: help
help: ## List what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 20
	@echo "State is kept in HISTOVET_STATE, now $(HISTOVET_STATE)"

.PHONY: run
run: venv ## Serve the site on 127.0.0.1 (PORT=8000) with a synthetic register
	@$(local) run

.PHONY: test
test: venv ## Run the tests (ARGS="-k name" for pytest)
	@$(local) test -- $$ARGS

.PHONY: proofs
proofs: venv ## Run the longer proofs, or one: ONLY=name
	@$(local) proofs --only "$$ONLY"

.PHONY: mutants
mutants: venv ## Change the rules place by place; the tests have to notice: ONLY=module
	@$(local) mutants --only "$$ONLY"

.PHONY: ingest
ingest: need-feed venv ## Publish a folder of extracts: FEED=DIR LABEL=L AS_OF=YYYY-MM-DD
	@$(local) ingest --feed "$$FEED" --label "$$LABEL" --as-of "$$AS_OF"

.PHONY: partner
partner: need-name venv ## Print, as last line, a new partner key: NAME=N
	@$(local) partner --name "$$NAME"

.PHONY: code
code: venv ## Print the present code of make run's operator
	@$(local) code

.PHONY: bench
bench: venv ## Measure, and write bench.json in the state folder
	@$(local) bench

.PHONY: bench-ingest
bench-ingest: venv ## Measure an ingest of a million lines (ARGS="--vehicles 100000")
	@$(local) bench-ingest -- $$ARGS

.PHONY: bench-growth
bench-growth: venv ## Measure 0.1, 1 and 10 million vehicles (ARGS="--vehicles 100000")
	@$(local) bench-growth -- $$ARGS

.PHONY: lint
lint: venv ## Check style, types and security
	@$(local) lint

.PHONY: sbom
sbom: venv ## Write the bill of materials, CycloneDX, in the state folder
	@$(local) sbom

.PHONY: clean
clean: ## Remove what was made, the database and its releases included
	@exec $(python) -m histovet.local.clean

.PHONY: venv
venv:
	@exec $(python) -m histovet.local.venv

.PHONY: need-feed need-name
need-feed:
	$(call need,FEED,make ingest FEED=DIR LABEL=L AS_OF=YYYY-MM-DD)
need-name:
	$(call need,NAME,make partner NAME=N)
