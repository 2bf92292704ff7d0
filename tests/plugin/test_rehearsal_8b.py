"""A rehearsal of the 8B recipes: all proofs hold, and each fails when what it proves is broken."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, LlavaForConditionalGeneration

from bimedix2_plugin.rehearse import checkpoint_proofs as files
from bimedix2_plugin.rehearse import training_proofs as runs
from bimedix2_plugin.rehearse.merge_steps import ANSWERS, MERGED, PROMPTS, RELOADED
from bimedix2_plugin.rehearse.small_sizes import HIDDEN, TOWER_HIDDEN
from bimedix2_plugin.rehearse.training_steps import LABELS, MEMORY, MOVED, PACKED, RANKS, RESUMED
from tests.helpers import rehearsed

pytestmark = pytest.mark.timeout(1200)
SHAPES = [(HIDDEN, TOWER_HIDDEN), (HIDDEN,), (HIDDEN, HIDDEN), (HIDDEN,)]
BF16, FLOAT32 = {"bf16": True}, {"bf16": False}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rehearsal")
    rehearsed.make_place(folder)
    return folder


@pytest.fixture(scope="module")
def report(place):
    return rehearsed.report_of("bimedix2_8b", place, keep=True)


@pytest.fixture(scope="module")
def work(place, report):
    return place / "reports" / "bimedix2_8b" / "work"


@pytest.fixture(scope="module")
def evidence(work):
    return json.loads((work / "evidence-instruct.json").read_text())


@pytest.fixture(scope="module")
def rows(work):
    return files.prepared_rows(work / "prepared" / "instruct")


def test_every_proof_is_made_in_both_stages(report):
    assert report["passed"], report
    made = [(proof["stage"], proof["name"]) for proof in report["proofs"]]
    flash = f"{PACKED} in flash_attention_2"
    both = [LABELS, PACKED, MOVED, flash, MEMORY, RANKS]
    not_here = {flash, MEMORY}
    after = [RESUMED, MERGED, RELOADED, PROMPTS, ANSWERS]
    assert made == [("align", name) for name in both] + [("instruct", name) for name in [*both, *after]]
    states = {(proof["name"], proof["state"]) for proof in report["proofs"]}
    wanted = {name: "not possible here" if name in not_here else "passed" for name in [*both, *after]}
    assert states == set(wanted.items())


def test_what_the_machine_does_not_have_is_named(report):
    text = "\n".join(report["replaced"])
    for key in ("base_model", "vision_tower", "tokenizer", "attn_implementation", "tf32"):
        assert f"{key}: " in text
    assert [Path(path).name for path in report["recipes"].values()] == ["bimedix2_8b_stage1.yml", "bimedix2_8b.yml"]


def test_the_settings_are_the_recipes(work):
    import yaml

    run = yaml.safe_load((work / "instruct.yml").read_text())
    own = yaml.safe_load((rehearsed.RECIPES / "bimedix2_8b.yml").read_text())
    replaced = {"base_model", "vision_tower", "projector", "plugins", "datasets", "output_dir", "save_steps"}
    replaced |= {"logging_steps", "attn_implementation", "tf32", "dataloader_num_workers"}
    assert {key for key in own if own[key] != run.get(key)} <= replaced
    assert run["projector"] == own["projector"] | {"init_from": str(work / "align")}


def test_a_pack_that_leaks_or_a_leak_that_is_not_seen_fails(evidence):
    pack = evidence["pack"]
    assert runs.packed_is_alone(evidence, BF16)[0]
    leaking = pack | {
        "losses": pack["losses"] | {"packed": pack["losses"]["leaking"]},
        "gradients": pack["gradients"] | {"packed": pack["gradients"]["leaking"]},
    }
    blind = pack | {"gradients": pack["gradients"] | {"leaking": pack["gradients"]["packed"]}}
    for other in (leaking, blind):
        assert not runs.packed_is_alone({"pack": other}, BF16)[0]


@pytest.mark.parametrize(
    ("of", "change"),
    [
        ("multi_modal_projector.modules_to_save.default.linear_1.bias", {"moved": False}),
        ("multi_modal_projector.modules_to_save.default.linear_1.weight", {"shape": [4]}),
        ("multi_modal_projector.modules_to_save.default.linear_1.weight", {"dtype": "bfloat16"}),
        ("vision_tower", {"moved": True}),
        ("embed_tokens", {"trained": True, "moved": True}),
        ("mlp.up_proj.base_layer", {"dtype": "4 bits"}),
    ],
)
def test_a_parameter_that_is_not_as_the_stage_says_fails(evidence, of, change):
    recipe = BF16 | {"stage": "instruct"}
    assert runs.its_parameters_moved(evidence, recipe, SHAPES)[0]
    name = next(name for name in evidence["parameters"] if of in name)
    parameters = evidence["parameters"] | {name: evidence["parameters"][name] | change}
    assert not runs.its_parameters_moved({"parameters": parameters}, recipe, SHAPES)[0]
    assert not runs.its_parameters_moved(evidence, recipe | {"stage": "align"}, SHAPES)[0]


def test_losses_that_differ_or_steps_that_are_missing_fail():
    losses = {"1": 2.0, "2": 1.5}
    assert runs.losses_agree(losses, losses, FLOAT32, exact=True)[0]
    assert not runs.losses_agree(losses | {"2": 1.50001}, losses, BF16, exact=True)[0]
    assert not runs.losses_agree(losses | {"2": 1.6}, losses, BF16)[0]
    assert not runs.losses_agree(losses | {"3": 1.0}, losses, BF16)[0]
    assert not runs.losses_agree({}, losses, BF16)[0]


def test_a_label_outside_an_answer_fails(work, rows):
    tokenizer = AutoTokenizer.from_pretrained(work / "instruct")
    data = work / "data" / "instruct"
    assert files.labels_are_answers(rows, data, tokenizer, "instruct")[0]
    start, end = files.labelled_spans(rows[0]["labels"])[0]
    for position, label in ((start - 1, rows[0]["input_ids"][start - 1]), (end - 1, -100), (start, -100), (0, 5)):
        labels = list(rows[0]["labels"])
        labels[position] = label
        assert not files.labels_are_answers([rows[0] | {"labels": labels}], data, tokenizer, "instruct")[0], position


def test_spans_are_found_at_both_ends():
    assert files.labelled_spans(np.array([5, -100, 6, 7])) == [(0, 1), (2, 4)]
    assert files.labelled_spans([-100]) == []


def test_a_prompt_with_another_token_fails(work, rows):
    merged, data = work / "instruct" / "merged", work / "data" / "instruct"
    assert files.prompts_are_trainings(merged, rows, data)[0]
    start, _ = files.labelled_spans(rows[0]["labels"])[0]
    ids = list(rows[0]["input_ids"])
    ids[start - 1] += 1
    assert not files.prompts_are_trainings(merged, [rows[0] | {"input_ids": ids}], data)[0]


@pytest.mark.parametrize("part", ["q_proj.weight", "linear_2.bias", "vision_tower", "embed_tokens"])
def test_a_merged_tensor_that_is_not_the_adapters_fails(work, tmp_path, part):
    def loaded(folder):
        return LlavaForConditionalGeneration.from_pretrained(folder, dtype="auto", output_loading_info=True)

    composed = next(
        file.parent for file in (work / "composed").glob("*/projector.safetensors") if _of_stage_2(file, work)
    )
    model, _ = loaded(work / "instruct" / "merged")
    assert files.merged_is_adapter(model, composed, work / "instruct")[0]
    name, value = next((n, v) for n, v in model.named_parameters() if part in n)
    with torch.no_grad():
        value[0] += 0.1
    assert files.merged_is_adapter(model, composed, work / "instruct")[1].startswith(name)


def _of_stage_2(file, work):
    made = json.loads((file.parent / "composition.json").read_text())
    return made["projector"]["init_from"] == str(work / "align")


def test_a_tensor_missing_from_the_merged_files_fails(work, tmp_path):
    merged = shutil.copytree(work / "instruct" / "merged", tmp_path / "merged")
    (file,) = merged.glob("*.safetensors")
    tensors = load_file(file)
    tensors.pop(next(name for name in tensors if "up_proj" in name))
    save_file(tensors, file, metadata={"format": "pt"})
    for index in merged.glob("*.index.json"):
        index.unlink()
    model, info = LlavaForConditionalGeneration.from_pretrained(merged, dtype="auto", output_loading_info=True)
    holds, detail = files.reloaded_is_trained(model, info, work / "evidence-instruct", 0.02)
    assert not holds and "up_proj" in detail


def test_logits_that_are_not_the_trained_models_fail(work):
    model, info = LlavaForConditionalGeneration.from_pretrained(
        work / "instruct" / "merged", dtype="auto", output_loading_info=True
    )
    assert files.reloaded_is_trained(model, info, work / "evidence-instruct", 0.02)[0]
    with torch.no_grad():
        model.lm_head.weight.mul_(1.1)
    assert not files.reloaded_is_trained(model, info, work / "evidence-instruct", 0.02)[0]
