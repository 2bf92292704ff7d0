"""Axolotl's verbs, each run once as a command on one recipe."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.helpers import runs

AXOLOTL = Path(sys.executable).with_name("axolotl")
QUESTION = "What is a fracture?"


def _axolotl(folder, *arguments, **options):
    """Run the command in a folder; return what it printed, or fail with the end of it."""
    command = [AXOLOTL, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=500, check=False, **options)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def verbs(workshop):
    """preprocess, train, evaluate, merge-lora and inference, in a user's order; what each printed."""
    recipe = runs.recipe(
        test_datasets=[{"path": "./data", "type": "bimedix2_plugin.conversation", "split": "test"}],
        save_strategy="steps",
        save_steps=2,
        eval_strategy="no",
        max_steps=3,
    )
    (workshop / "recipe.yml").write_text(yaml.safe_dump(recipe, allow_unicode=True))
    adapter = ("--lora-model-dir", "./out")
    return {
        "folder": workshop,
        "preprocess": _axolotl(workshop, "preprocess", "recipe.yml"),
        "train": _axolotl(workshop, "train", "recipe.yml", "--launcher", "python"),
        "evaluate": _axolotl(workshop, "evaluate", "recipe.yml", "--launcher", "python", *adapter),
        "merge-lora": _axolotl(workshop, "merge-lora", "recipe.yml", *adapter),
        "inference": _axolotl(workshop, "inference", "recipe.yml", "--launcher", "python", *adapter, input=QUESTION),
    }


def test_train_finds_what_preprocess_prepared(verbs):
    assert "Rendering conversations" in verbs["preprocess"]
    assert "Loading prepared dataset from disk" in verbs["train"]
    assert "Rendering conversations" not in verbs["train"]


def test_train_says_what_the_stage_trains_and_leaves_an_adapter(verbs):
    assert "stage instruct trains: projector" in verbs["train"]
    assert "the projector is new" in verbs["train"]
    assert "fused LoRA kernels: unsupported for model_type=llava" in verbs["train"]
    out = verbs["folder"] / "out"
    assert {"adapter_model.safetensors", "composition.json", "checkpoint-2"} <= {entry.name for entry in out.iterdir()}
    losses = json.loads((out / "checkpoint-3" / "trainer_state.json").read_text())["log_history"]
    assert len([entry for entry in losses if "loss" in entry]) == 3


@pytest.mark.parametrize("metric", ["loss", "loss_ar", "loss_en"])
def test_evaluate_gives_a_loss_for_both_splits_and_languages(verbs, metric):
    rows = list(csv.DictReader((verbs["folder"] / "out" / "eval_summary.csv").open()))
    loss = next(row for row in rows if row["metric"] == metric)
    assert 0 < float(loss["training"]) < 20 and 0 < float(loss["validation"]) < 20


def test_merged_folder_is_a_checkpoint(verbs):
    merged = {entry.name for entry in (verbs["folder"] / "out" / "merged").iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja", "composition.json"} <= merged
    assert {"processor_config.json"} & merged


def test_inference_sends_trainings_prompt(verbs):
    prompt = f"<|im_start|>system\nA chat.<|im_end|>\n<|im_start|>user\n{QUESTION}<|im_end|>\n<|im_start|>assistant\n"
    assert prompt in verbs["inference"]


def test_inference_prompt_tokens_are_trainings(verbs):
    from axolotl.cli.utils import resolve_chat_template_str
    from axolotl.loaders import load_tokenizer

    from bimedix2_plugin.data.rendering import IGNORED, Renderer
    from bimedix2_plugin.model.vision_language.llava import FixedTokens

    cfg = runs.configuration(inference=True)
    tokenizer = load_tokenizer(cfg)
    sent = tokenizer.apply_chat_template(
        [{"role": "user", "content": QUESTION}],
        add_special_tokens=True,
        add_generation_prompt=True,
        chat_template=resolve_chat_template_str(cfg, tokenizer),
        tokenize=True,
        return_dict=True,
    )["input_ids"]
    turns = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": "Yes"}]
    tokens = Renderer(tokenizer, FixedTokens(4), "instruct").tokenise(turns, [])
    assert list(sent) == [t for t, label in zip(tokens.input_ids, tokens.labels, strict=True) if label == IGNORED][:-1]


@pytest.mark.slow
def test_a_misspelt_key_stops_the_command_before_anything_runs(work):
    recipe = runs.recipe(vision_towr="x")
    (work / "wrong.yml").write_text(yaml.safe_dump(recipe))
    command = [AXOLOTL, "train", "wrong.yml", "--launcher", "python"]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert done.stderr.endswith("Error: vision_towr: no such key. Did you mean vision_tower?\n")
    assert "Traceback" not in done.stderr
