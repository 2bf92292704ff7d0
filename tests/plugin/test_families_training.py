"""Each family and tower trains in Axolotl's own trainer, packs, merges, reloads; one loss of each is kept as it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from axolotl.utils.dict import DictDefault
from datasets import Dataset
from transformers import AutoTokenizer, LlavaForConditionalGeneration, set_seed

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model_support import set_attention
from bimedix2_plugin.rehearse import tiny, tiny_families
from bimedix2_plugin.training.document_attention import NAME
from tests.helpers import quick, runs
from tests.helpers.packs import difference, fullest_pack, packed_and_alone, step

# The third step's loss, as measured with the versions in constraints.txt: a change is a change of numerics.
LOSSES = {
    "llama with clip_vision": 6.287506,
    "llama with dinov2": 6.289218,
    "llama": 6.290902,
    "qwen2": 6.199528,
    "qwen3": 6.189258,
    "phi3": 6.350418,
    "gemma2": 6.503814,
    "gemma3_text": 6.540792,
    "mistral": 6.51774,
    "jais2": 6.158309,
}


@dataclass
class Run:
    name: str
    loss: float
    cfg: DictDefault
    trainer: Any

    @property
    def language_model(self) -> Any:
        return self.trainer.model.base_model.model.model.language_model


@pytest.fixture(scope="module", autouse=True)
def quick_collections():
    with quick.collections():
        yield


@pytest.fixture(scope="module", params=LOSSES)
def run(request, workshop):
    """A family with a SigLIP tower, or the one named, after three steps of LoRA and projector."""
    from axolotl.train import train

    name, _, kind = request.param.partition(" with ")
    tower = Path(f"{kind or 'siglip_vision'}_tower")
    if name in tiny_families.FAMILIES:
        tiny_families.base(workshop / name, name)
    if not tower.is_dir():
        getattr(tiny, kind or "siglip_vision")(tower)
    cfg = runs.configuration(
        base_model=f"./{name}",
        vision_tower=f"./{tower}",
        attn_implementation="eager" if name == "gemma2" else "sdpa",
        sequence_len=256,
        max_steps=3,
        learning_rate=1e-2,
        projector={"learning_rate": 1e-2},
        output_dir=f"./out/{name}-{tower}",
    )
    set_seed(1)
    return Run(name, LOSSES[request.param], cfg, train(cfg=cfg, dataset_meta=_prepared(cfg))[2])


def _prepared(cfg):
    """Tokenise a shard of rows as the prepared set has them, without the processes that Axolotl starts for that."""
    from axolotl.common.datasets import TrainDatasetMeta

    from bimedix2_plugin.conversation import load

    strategy = load(AutoTokenizer.from_pretrained(cfg.tokenizer_config), cfg, cfg.datasets[0])
    rows = [
        quick.tokenised(strategy, row)
        for file in cfg.datasets[0]["data_files"]["train"][:1]
        for row in Dataset.from_parquet(file, keep_in_memory=True)
    ]
    assert not any(row["rejected"] for row in rows)
    return TrainDatasetMeta(train_dataset=Dataset.from_list(rows), total_num_steps=cfg.max_steps)


def test_the_loss_is_as_it_was(run):
    losses = [entry["loss"] for entry in run.trainer.state.log_history if "loss" in entry]
    assert losses[-1] == pytest.approx(run.loss, abs=1e-4)


def test_packed_equals_unpacked(run):
    """The sliding window and the cap on attention scores hold inside each document."""
    pack, alone, items = packed_and_alone(run.trainer)
    assert difference(step(run.trainer, [pack], items), alone) < 1e-4


def test_attention_by_document_is_the_models_own(run):
    """Against transformers' eager attention, which builds the window, the cap and the blocks into one mask."""
    config = run.language_model.config
    chosen = config._attn_implementation
    assert chosen == ("eager" if run.name == "gemma2" else NAME)
    pack = fullest_pack(run.trainer)[1]
    given = {key: pack[key] for key in ("input_ids", "pixel_values", "position_ids")}
    run.trainer.model.eval()
    with torch.no_grad():
        ours = run.trainer.model(**given, use_cache=False).logits
        config._attn_implementation = "eager"
        eager = run.trainer.model(**given, use_cache=False).logits
        config._attn_implementation = chosen
    assert float((ours - eager).abs().max()) < 1e-4


def test_merged_and_reloaded_in_transformers_gives_the_same_logits(run):
    from axolotl.cli.merge_lora import do_merge_lora

    row = next(row for row in run.trainer.train_dataset if row["images"])
    batch = run.trainer.data_collator([row])
    given = {key: batch[key] for key in ("input_ids", "pixel_values")}
    run.trainer.model.eval()
    with torch.no_grad():
        trained = run.trainer.model(**given, use_cache=False).logits
    do_merge_lora(cfg=DictDefault({**run.cfg, "lora_model_dir": run.cfg.output_dir, "merge_lora": True}))
    model, report = LlavaForConditionalGeneration.from_pretrained(
        f"{run.cfg.output_dir}/merged",
        dtype=torch.float32,
        attn_implementation=run.cfg.attn_implementation,
        output_loading_info=True,
    )
    assert not report["missing_keys"] and not report["unexpected_keys"] and not report["mismatched_keys"]
    with torch.no_grad():
        assert float((model(**given).logits - trained).abs().max()) < 1e-4


def test_a_cap_on_attention_that_sdpa_would_leave_out_is_refused(workshop):
    tiny_families.base(workshop / "capped", "gemma2")
    with pytest.raises(RecipeError, match=r"attn_implementation: sdpa would omit the soft cap .* eager"):
        runs.configuration(base_model="./capped")


@pytest.mark.parametrize(("window", "expected"), [(12, False), (None, None)])
def test_axolotls_kernel_for_packed_sdpa_is_left_off_where_there_is_a_window(window, expected):
    """It looks for the window in the outer configuration alone."""
    cfg = DictDefault(attn_implementation="sdpa")
    set_attention(cfg, {"sliding_window": window})
    assert cfg.sdpa_varlen is expected
