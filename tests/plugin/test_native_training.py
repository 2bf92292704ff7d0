"""Each model that already sees, in Axolotl's own trainer: packed equals alone, and what breaks that is caught."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from bimedix2_plugin.rehearse.tiny_native import MAKERS, native
from bimedix2_plugin.training.document_attention import BLOCKS, NAME
from tests.helpers import quick, runs
from tests.helpers.packs import difference, packed_and_alone, step

NATIVE: dict[str, Any] = {"vision_tower": None, "image_aspect": None, "projector": {"learning_rate": 2e-3}}


@pytest.fixture(scope="module", autouse=True)
def quick_collections():
    with quick.collections():
        yield


def _trainer(model_type, **changes):
    cfg = runs.configuration(base_model=f"./{model_type}", output_dir=f"./out_{model_type}", **NATIVE | changes)
    return runs.trainer(cfg)


@pytest.fixture(scope="module", params=sorted(MAKERS))
def model_type(request, workshop):
    native(workshop / request.param, request.param)
    return request.param


@pytest.fixture(scope="module")
def trainer(model_type):
    return _trainer(model_type, document_attention=False)


@pytest.fixture(scope="module")
def packed(trainer):
    return packed_and_alone(trainer)


def test_a_pack_equals_its_rows_one_by_one(trainer, packed):
    pack, alone, items = packed
    assert len(pack["rows"]) > 2
    assert difference(step(trainer, [pack], items), alone) < 1e-4


@pytest.mark.parametrize("changes", [{}, {"attn_implementation": "eager"}], ids=["sdpa by document", "eager"])
def test_so_it_does_with_other_attention(model_type, changes):
    trainer = _trainer(model_type, **changes)
    chosen = {module.config._attn_implementation for module in trainer.model.modules() if hasattr(module, "q_proj")}
    assert ({NAME, BLOCKS} & chosen) or changes
    pack, alone, items = packed_and_alone(trainer)
    assert difference(step(trainer, [pack], items), alone) < 1e-4


BREAKS = {
    "a mask of ones": lambda pack: {"attention_mask": torch.ones_like(pack["input_ids"])},
    "positions that do not restart": lambda pack: {
        "position_ids": torch.arange(pack["input_ids"].shape[1]).expand(pack["position_ids"].shape)
    },
}


@pytest.mark.parametrize("name", BREAKS)
def test_what_lets_documents_see_each_other_is_caught(trainer, packed, model_type, name):
    if model_type == "gemma3" and "mask" in name:
        pytest.skip("Axolotl's trainer removes the mask for Gemma 3 itself")
    pack, alone, items = packed
    assert difference(step(trainer, [pack | BREAKS[name](pack)], items), alone) > 1e-2


def test_gemma_without_token_types_attends_causally_to_an_image(trainer, packed, model_type):
    if model_type != "gemma3":
        pytest.skip("only Gemma 3 takes token types")
    pack, alone, items = packed
    types = {"token_type_ids": torch.zeros_like(pack["token_type_ids"])}
    assert difference(step(trainer, [pack | types], items), alone) > 1e-3


def test_qwen_without_its_text_positions_sees_other_documents(trainer, packed, model_type):
    if not model_type.startswith("qwen"):
        pytest.skip("only Qwen-VL takes positions of four rows")
    pack, alone, items = packed
    assert difference(step(trainer, [pack | {"position_ids": pack["position_ids"][1:]}], items), alone) > 1e-2
