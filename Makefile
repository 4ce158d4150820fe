# A fresh clone needs nothing but `make figures` or `make test`: the environment is made on first use.
PYTHON ?= python3
# What a reader may name goes to the shell as a variable: names with quotes stay names.
export RUNS DESIGN RUN DASK KEEP
VENV := .venv/bin
# Kernels and test workers share what they compile; only a speed-up, never in git.
export JAX_COMPILATION_CACHE_DIR := $(CURDIR)/build/jax
export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS := 0.3
# They run side by side; and a sum that several threads share out depends on how many there are.
export OPENBLAS_NUM_THREADS := 1
# Every kernel and worker imports the same: where bytecode is not kept, each compiles seaborn, SciPy
# and JAX from their sources, which takes longer than most notebooks.
unexport PYTHONDONTWRITEBYTECODE
# This checkout's code, whatever an environment that was copied from another may say.
export PYTHONPATH := $(CURDIR)
NOTEBOOKS := $(patsubst notebooks/%.py,%,$(wildcard notebooks/[0-9]*.py))

.PHONY: FORCE help setup figures smoke verify disguised lab test unit fast lint format site planner seconds study bench \
    lock clean $(NOTEBOOKS)
.DELETE_ON_ERROR:

help: ## this list
	@grep -hE '^[a-z%-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: .venv/.done ## make the environment (the other targets do it when needed)

# The record's second line is where it was made: moved or copied, it is made anew.
ifneq ($(shell test -x .venv/bin/python && sed -n 2p .venv/.done 2>/dev/null),$(CURDIR))
.venv/.done: FORCE
endif
.venv/.done: requirements.lock pyproject.toml
	@$(PYTHON) tools/environment.py

# A run on a reader's own runs is made anew each time and publishes nothing.
ifneq ($(origin SCALINGLIB_RUNS),undefined)
OWN += 12_your_own_runs 16_your_own_supervised_runs
endif
ifneq ($(origin SCALINGLIB_PAPER_RUNS),undefined)
OWN += 05_fitting_the_law
endif

figures: $(NOTEBOOKS) ## execute the notebooks that changed; rewrites in figures/ what came out new

$(filter-out $(OWN),$(NOTEBOOKS)): %: build/figures/%.done

$(OWN): %: .venv/.done FORCE
	@echo "running notebooks/$*.py on your runs"
	@$(VENV)/python -m tools.notebooks own notebooks/$*.py

# What a notebook read when it last ran (NAME.d); where nothing is known, it runs. Cells typed into
# the .ipynb alone are an error until KEEP=ipynb or KEEP=py says what becomes of them.
$(foreach n,$(NOTEBOOKS),$(eval build/figures/$n.done: \
    $(or $(wildcard notebooks/$n.ipynb),FORCE) $(if $(wildcard build/figures/$n.d),,FORCE)))
-include $(wildcard build/figures/*.d)
build/figures/%.done: notebooks/%.py tools/notebooks.py requirements.lock | .venv/.done
	@$(VENV)/python -m tools.notebooks run $< $(if $(KEEP),--keep "$$KEEP")

# Of the ledger a notebook needs the claims that it checks: rewritten where one of them changed.
ifneq ($(filter figures smoke build/figures/% $(NOTEBOOKS),$(MAKECMDGOALS)),)
$(shell $(or $(wildcard $(VENV)/python),$(PYTHON)) tools/dependencies.py)
endif

SMOKE := $(filter 00_% 01_% 03_%,$(NOTEBOOKS))
smoke: $(SMOKE) ## three notebooks, within a minute, to see that it runs
	@$(VENV)/python -m tools.verify $(SMOKE)

verify: .venv/.done ## compute everything anew and report what of the committed results came out
	@rm -rf build/figures build/made
	@$(MAKE) -k --no-print-directory figures OWN= || true
	@$(VENV)/python -m tools.verify

# 12 fits both laws and asks them, 08b decides under an ensemble: between them every solver.
DISGUISED := $(filter 08b_% 12_%,$(NOTEBOOKS))
disguised: .venv/.done ## two notebooks that fit and optimise again, as an older processor computes them, and the same report
	@rm -f $(patsubst %,build/figures/%.done,$(DISGUISED))
	@$(VENV)/python -m tools.disguise SSE4_2 $(MAKE) -k -j2 --no-print-directory OWN= $(DISGUISED) || true
	@$(VENV)/python -m tools.verify $(DISGUISED)

lab: .venv/.done ## read and change the notebooks in JupyterLab, [LAB="--no-browser --port=9000"]; what they write goes to build/by_hand
	$(VENV)/python -m jupyterlab --config=tools/lab.py $(if $(filter 0,$(shell id -u)),--allow-root) $(LAB) notebooks

# The ledger's notebook shows what the others print in their check cells.
build/figures/11_claims.done: $(patsubst %,build/figures/%.done,$(filter-out 11_% 12_%,$(NOTEBOOKS)))

# Compilation is most of what tests cost: simpler programs, in one piece and hardly optimised, where XLA
# can (it refuses to start on an option that it does not have). `make verify` computes with XLA as it
# comes.
SIMPLER := --xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1 \
    --xla_backend_optimization_level=1
simpler = XLA_FLAGS="$$(echo $$(cat build/xla_flags) $$XLA_FLAGS)"
build/xla_flags: requirements.lock | .venv/.done
	@mkdir -p $(@D)
	@XLA_FLAGS='$(SIMPLER)' $(VENV)/python -c 'import jax; jax.devices()' 2>/dev/null \
	    && echo '$(SIMPLER)' > $@ || : > $@

test: unit ## unit and property tests, then every notebook end to end in its fast profile
	@$(MAKE) --no-print-directory fast

unit: .venv/.done build/xla_flags
	$(simpler) $(VENV)/python -m pytest -p tools -n 2 --dist worksteal -q

# Compiled as for a full run: after one, or before it, nothing is compiled twice.
fast: .venv/.done
	$(VENV)/python -m tools.notebooks fast build/fast $(LESSER)
	$(VENV)/python -m pytest -p tools -n 2 --dist worksteal -q --nbmake --nbmake-timeout=120 build/fast

site: .venv/.done ## build/site: the notebooks, ledger, data and API as pages, and the planner (needs npm)
	$(VENV)/python -m tools.site

seconds: .venv/.done ## measure what each notebook takes, for the README's table
	$(VENV)/python -m tools.seconds
	$(VENV)/python -m tools.readme

planner: .venv/.done ## build/planner: the page alone, or [RUNS=runs.csv, or a folder of scalinglib fit] on your own law
	@$(VENV)/python -m scalingplan.page build/planner $(if $(RUNS),"$$RUNS")

lint: .venv/.done ## ruff, the formatter's opinion included
	$(VENV)/ruff check
	$(VENV)/ruff format --check

format: .venv/.done ## let ruff put the code in order
	$(VENV)/ruff check --fix
	$(VENV)/ruff format

ifdef DESIGN
study: .venv/.done
	@$(VENV)/python -m scalingplan study "$$DESIGN" $(if $(DASK),--dask "$$DASK")
else
study: study-study ## train what data/runs/study.csv lacks (notebook 08; resumes; [RUN=id] trains one again, [DASK=address] elsewhere), or [DESIGN=my.toml] a study of yours
endif

study-%: .venv/.done ## the same for text (notebook 17, needs the text extra), fixed_tokens and largest_students (08), sweep (08b), practice (10), logits (18), calibration (09), mapping (02)
	$(VENV)/python -m tools.study $* $(if $(RUN),--run "$$RUN") $(if $(DASK),--dask "$$DASK")

bench: .venv/.done ## speed, as ratios against named alternatives in the same run
	$(VENV)/python -m tools.bench

lock: ## resolve requirements.lock anew (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --generate-hashes --python-version 3.11 \
	    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" -q -o requirements.lock

clean: ## remove what make made, but not the environment
	rm -rf build
