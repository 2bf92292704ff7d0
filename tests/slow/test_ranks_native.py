"""Each native model on two ranks, under DDP and FSDP2, in float32 and bf16, is one process with the packs of both."""

from __future__ import annotations

import shutil

import pytest
import torch
from axolotl.loaders.model import ModelLoader
from safetensors.torch import load_file

from bimedix2_plugin.rehearse import ranks
from bimedix2_plugin.rehearse.tiny_native import MAKERS
from tests.helpers import native_runs, ranks_jobs, runs

pytestmark = pytest.mark.slow

LAYER = {
    "gemma3": "Gemma3DecoderLayer",
    "llava": "LlamaDecoderLayer",
    "qwen2_5_vl": "Qwen2_5_VLDecoderLayer",
    "qwen3_vl": "Qwen3VLTextDecoderLayer",
    "composed": "LlamaDecoderLayer",
}
STEPS = {"sequence_len": 256, "num_epochs": 2, "max_steps": 4}
LORA = STEPS | {"vision_lora": {"r": 2, "alpha": 4}}
SAVED = {"save_strategy": "steps", "save_steps": 2, "save_total_limit": 9}
# Adam divides a gradient that is rounding errors alone by its own size, unless its epsilon is larger.
WHOLE = STEPS | SAVED | native_runs.WHOLE | {"adam_epsilon": 1e-3, "learning_rate": 1e-2}
PRECISIONS = {"float32": {}, "bf16": {"bf16": True}}


@pytest.fixture(autouse=True)
def _as_a_rank(monkeypatch):
    """Sum in this process as a rank does: in one thread, and with frozen norms in the recipe's type (see `inspect`)."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setattr(ModelLoader, "_convert_embedding_modules_dtype", lambda *_, **__: None)
    yield
    torch.set_num_threads(threads)


def _fsdp(name, kind="SHARDED_STATE_DICT"):
    layer = {"transformer_layer_cls_to_wrap": LAYER[name], "activation_checkpointing": True}
    return {"fsdp_config": ranks.FSDP | layer | {"state_dict_type": kind}}


def _both(place, name, out, **changes):
    """Train on two ranks; return the losses, which must be equal on both."""
    recipe = native_runs.changes(name) | changes | {"output_dir": f"./{out}"}
    found = ranks.run(ranks_jobs.inspect, recipe, folder=place, seconds=1500)
    assert found[0]["losses"] == found[1]["losses"] and (place / out / "finished.json").is_file()
    assert found[0]["trained"] == found[1]["trained"] == {torch.float32}
    return found[0]["losses"]


def _one(name, out, **changes):
    """Train in this process with the packs of both ranks."""
    changes |= {"gradient_accumulation_steps": 2, "output_dir": f"./{out}"}
    return native_runs.losses(runs.train(**native_runs.changes(name) | changes))


def _same(first, second, tolerance=1e-4):
    assert first.keys() == second.keys()
    for name, value in second.items():
        assert float((first[name].float() - value.float()).norm()) <= tolerance * float(value.float().norm()), name


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", sorted(MAKERS))
def test_two_ranks_are_one(workshop, name, precision):
    changes, out = LORA | PRECISIONS[precision], f"{name}_{precision}"
    one = _one(name, f"{out}_one", **changes)
    assert _both(workshop, name, f"{out}_ddp", **changes) == pytest.approx(one, rel=1e-5)
    # In bf16, FSDP2 casts what autocast leaves in float32 (norms), and the layers' inputs.
    sharded = pytest.approx(one, rel=1e-5 if precision == "float32" else 1e-4)
    assert _both(workshop, name, f"{out}_fsdp", **changes, **_fsdp(name)) == sharded
    alone, ddp, fsdp = (
        load_file(workshop / f"{out}_{kind}/adapter_model.safetensors") for kind in ("one", "ddp", "fsdp")
    )
    _same(ddp, alone)
    if precision == "float32":
        _same(fsdp, alone)
    assert fsdp.keys() == alone.keys()


@pytest.mark.parametrize("name", ["composed", "qwen3_vl"])
def test_the_whole_language_model_on_two_ranks_is_saved_as_on_one_and_resumes(workshop, name):
    one = _one(name, f"{name}_whole_one", **WHOLE)
    expected = load_file(workshop / f"{name}_whole_one/model.safetensors")
    before = load_file(workshop / f"{name}_whole_one/checkpoint-2/model.safetensors")
    kinds = {"full": _fsdp(name, "FULL_STATE_DICT"), "sharded": _fsdp(name)}
    for kind, sharding in kinds.items():
        out = f"{name}_whole_{kind}"
        assert _both(workshop, name, out, **WHOLE, **sharding) == pytest.approx(one, rel=1e-5), kind
        found = load_file(workshop / f"{out}/model.safetensors")
        assert found.keys() == expected.keys()
        for stored, value in expected.items():
            moved = float((value - before[stored]).norm()) if stored in before else 0.0
            rounded = 2**-8 * float(value.norm()) if kind == "sharded" else 0.0  # Axolotl gathers shards in bf16
            assert float((found[stored] - value).norm()) <= 1e-3 * moved + rounded, (kind, stored)
        native_runs.read(workshop / out)
        shutil.copytree(workshop / out / "checkpoint-2", workshop / f"{out}_again" / "checkpoint-2")
        again = _both(workshop, name, f"{out}_again", **WHOLE, **sharding, auto_resume_from_checkpoints=True)
        assert {step: again[step] for step in (3, 4)} == pytest.approx({s: one[s] for s in (3, 4)}, rel=1e-5), kind
