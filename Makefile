# A fresh clone needs nothing but `make figures` or `make test`: the environment is made on first use.
PYTHON ?= python3
VENV := .venv/bin
# Kernels and test workers share what they compile; only a speed-up, never in git.
export JAX_COMPILATION_CACHE_DIR := $(CURDIR)/build/jax
export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS := 0.3
NOTEBOOKS := $(patsubst notebooks/%.py,%,$(wildcard notebooks/[0-9]*.py))
SOURCES := $(shell find notebooks scalinglib data tools -name '*.py' -o -path 'data/*' -type f)

.PHONY: FORCE help setup figures test lint format site seconds study bench lock clean $(NOTEBOOKS)
.DELETE_ON_ERROR:
.SECONDARY:

help: ## this list
	@grep -hE '^[a-z%-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: .venv/.done ## make the environment (the other targets do it when needed)

.venv/.done: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with make PYTHON=...")'
	test -x $(VENV)/python || $(PYTHON) -m venv .venv
	$(VENV)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(VENV)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

figures: $(NOTEBOOKS:%=build/figures/%.done) ## execute the notebooks that changed, and so regenerate figures/

$(NOTEBOOKS): %: build/figures/%.done

build/figures/%.done: notebooks/%.py tools/notebooks.py .venv/.done
	@mkdir -p $(@D)
	@echo "running $<"
	@$(VENV)/python tools/notebooks.py run $<
	@touch $@

# Runs from outside the repository: their notebook always runs; kernels start in notebooks/, hence abspath.
ifdef SCALINGLIB_RUNS
override export SCALINGLIB_RUNS := $(abspath $(SCALINGLIB_RUNS))
build/figures/12_your_own_runs.done: FORCE
endif
ifdef SCALINGLIB_PAPER_RUNS
override export SCALINGLIB_PAPER_RUNS := $(abspath $(SCALINGLIB_PAPER_RUNS))
build/figures/05_fitting_the_law.done: FORCE
endif
FORCE:

# The ledger's notebook shows what the others print in their check cells.
build/figures/11_claims.done: $(patsubst %,build/figures/%.done,$(filter-out 11_% 12_%,$(NOTEBOOKS)))

# Which library modules and data files each notebook uses, read off its imports.
build/dependencies.mk: $(SOURCES)
	@mkdir -p $(@D)
	@$(PYTHON) tools/dependencies.py > $@
ifneq ($(filter figures build/figures/% $(NOTEBOOKS),$(MAKECMDGOALS)),)
include build/dependencies.mk
endif

test: .venv/.done ## unit and property tests, then every notebook end to end in its fast profile
	$(VENV)/python -m pytest -n 2 -q
	$(VENV)/python tools/notebooks.py fast build/fast
	$(VENV)/python -m pytest -n 2 -q --nbmake --nbmake-timeout=120 build/fast

site: .venv/.done ## build/site: the notebooks, ledger, data and API as pages, and the planner (needs npm)
	$(VENV)/python -m tools.site

seconds: .venv/.done ## measure what each notebook takes, for the README's table
	$(VENV)/python -m tools.seconds
	$(VENV)/python tools/readme.py

lint: .venv/.done ## ruff, the formatter's opinion included
	$(VENV)/ruff check
	$(VENV)/ruff format --check

format: .venv/.done ## let ruff put the code in order
	$(VENV)/ruff check --fix
	$(VENV)/ruff format

study: study-study ## train what data/runs/study.csv lacks (notebook 08; resumes; [RUN=id] trains one again, [DASK=address] elsewhere)

study-%: .venv/.done ## the same for sweep (notebook 08), practice (10), calibration (09), mapping (02)
	$(VENV)/python -m tools.study $* $(if $(RUN),--run $(RUN)) $(if $(DASK),--dask $(DASK))

bench: .venv/.done ## speed, as ratios against named alternatives in the same run
	$(VENV)/python -m tools.bench

lock: ## resolve requirements.lock anew (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --generate-hashes --python-version 3.11 \
	    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" -q -o requirements.lock

clean: ## remove what make made, but not the environment
	rm -rf build notebooks/*.failed.ipynb notebooks/*.partial.ipynb
