"""A model that already sees, trained and merged: its own class reads it, with the logits of the trained model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from axolotl.utils.dict import DictDefault
from safetensors import safe_open
from transformers import AutoModelForImageTextToText, set_seed

from bimedix2_plugin.rehearse.tiny_native import MAKERS, native
from tests.helpers import quick, runs
from tests.plugin.test_native_training import NATIVE

# The third step's loss, as measured with the versions in constraints.txt: a change is a change of numerics.
LOSSES = {"gemma3": 6.393894, "llava": 6.380665, "qwen2_5_vl": 6.169362, "qwen3_vl": 6.196263}
FAST = {"max_steps": 3, "learning_rate": 1e-2, "projector": {"learning_rate": 1e-2}, "sequence_len": 256}


@pytest.fixture(scope="module", params=sorted(MAKERS))
def run(request, workshop):
    """A model after three steps of LoRA and projector: its type, configuration and trainer."""
    from axolotl.train import train

    native(workshop / request.param, request.param)
    changes: dict[str, Any] = NATIVE | FAST | quick.IN_PROCESS | {"output_dir": f"./out/{request.param}"}
    cfg = runs.configuration(base_model=f"./{request.param}", **changes)
    set_seed(1)
    return request.param, cfg, train(cfg=cfg, dataset_meta=quick.prepared(cfg))[2]


def test_the_loss_is_as_it_was(run):
    model_type, _, trainer = run
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert losses[-1] == pytest.approx(LOSSES[model_type], abs=1e-4)


def test_exactly_the_projector_and_the_lora_are_trained(run):
    _, _, trainer = run
    trained = {name for name, parameter in trainer.model.named_parameters() if parameter.requires_grad}
    projector = {name for name in trained if "lora_" not in name}
    assert projector and all("merger" in name or "multi_modal_projector" in name for name in projector)
    assert all("language_model.layers" in name for name in trained - projector)
    assert all(p.dtype == torch.float32 for n, p in trainer.model.named_parameters() if n in projector)


def test_merged_it_has_the_trained_logits_in_its_own_class(run):
    from axolotl.cli.merge_lora import do_merge_lora

    model_type, cfg, trainer = run
    row = next(row for row in trainer.train_dataset if row["images"])
    given = _given(trainer.data_collator([row]))
    trainer.model.eval()
    with torch.no_grad():
        trained = trainer.model(**given, use_cache=False).logits
    do_merge_lora(cfg=DictDefault({**cfg, "lora_model_dir": cfg.output_dir, "merge_lora": True}))
    merged = Path(cfg.output_dir) / "merged"
    model, report = AutoModelForImageTextToText.from_pretrained(merged, dtype=torch.float32, output_loading_info=True)
    assert model.config.model_type == model_type
    assert not report["missing_keys"] and not report["unexpected_keys"] and not report["mismatched_keys"]
    with torch.no_grad():
        assert float((model(**given).logits - trained).abs().max()) < 1e-4
    with (
        safe_open(Path(model_type) / "model.safetensors", "pt") as base,
        safe_open(merged / "model.safetensors", "pt") as ours,
    ):
        assert sorted(base.keys()) == sorted(ours.keys())
        changed = {name for name in base.keys() if not base.get_tensor(name).equal(ours.get_tensor(name))}  # noqa: SIM118
    assert any("layers.0" in name for name in changed) and not any("embed_tokens" in name for name in changed)


def _given(pack: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value for key, value in pack.items() if key not in ("labels", "shift_labels", "logits_to_keep", "rows")
    }
