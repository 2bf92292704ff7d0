"""Settings in tiny trainings: those that work change what is trained, those without effect change nothing."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from bitsandbytes.nn import Linear4bit
from safetensors.torch import load_file

from bimedix2_plugin.settings import verdicts
from tests.helpers import quick, runs

STEPS = {"max_steps": 3}


@pytest.fixture(scope="module", autouse=True)
def quick_collections():
    with quick.collections():
        yield


def _weights(trainer):
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert losses and all(math.isfinite(loss) for loss in losses)
    return {name: p.detach().clone() for name, p in trainer.model.named_parameters() if p.requires_grad}


def _same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@pytest.fixture(scope="module")
def as_it_is(workshop):
    """Trained weights after three steps with the recipe as it is."""
    return _weights(quick.train(**STEPS))


# Each with as little as shows that it arrives.
EFFECTS: list[dict[str, Any]] = [
    {"peft_use_rslora": True},
    {"lora_rank_pattern": {"q_proj": 2}, "lora_alpha_pattern": {"k_proj": 32}},
    {"peft_init_lora_weights": "gaussian"},
    {"peft_init_lora_weights": "orthogonal"},
    {"lora_target_modules": r"model\.language_model\.layers\.\d+\.self_attn\.q_proj"},
    {"neftune_noise_alpha": 5},
    {"max_grad_norm": 0.01},
    {"adam_beta1": 0.5, "adam_beta2": 0.6, "adam_epsilon": 0.1},
    {"cosine_min_lr_ratio": 0.5, "cosine_constant_lr_ratio": 0.5},
    {"warmup_steps": 2},
    {"label_balance_window_optim_steps": 4},
    {"sample_packing_group_size": 4},
    {"sample_packing_bin_size": 2},
]


@pytest.mark.parametrize("changes", EFFECTS, ids=lambda changes: next(iter(changes)))
def test_a_setting_changes_the_training(as_it_is, workshop, changes):
    trained = _weights(quick.train(**STEPS, **changes))
    assert trained and not _same(trained, as_it_is)


# Every key with the verdict, so that a later Axolotl that begins to read one of them is noticed.
WITHOUT_EFFECT = {
    "trust_remote_code": True,
    "mean_resizing_embeddings": True,
    "train_on_inputs": False,
    "max_prompt_len": 8,
    "device": "cpu",
    "world_size": 1,
    "local_rank": 0,
    "dataset_exact_deduplication": True,
    "pad_to_sequence_len": False,
    "pad_to_multiple_of": 8,
    "fa_varlen_kwargs_in_collator": True,
    "chunked_cross_entropy": True,
    "chunked_cross_entropy_num_chunks": 4,
    "fused_attn_kernel": True,
    "large_head_attention": "sdpa",
    "flash_attn_d512": True,
    "lora_mlp_kernel": True,
    "lora_qkv_kernel": True,
    "lora_o_kernel": True,
    "lora_embedding_kernel": True,
    "nf4_backend": "bitsandbytes",
    "merge_method": "memory_efficient",
    "nvfp4_merge_aware": True,
    "adam_beta3": 0.5,
    "adam_epsilon2": 0.1,
    "lr_div_factor": 10,
    "fsdp_final_state_dict_type": "FULL_STATE_DICT",
    "context_parallel_size": 1,
    "sequence_parallel_degree": 1,
    "tensor_parallel_size": 1,
    "expert_parallel_size": 1,
}


@pytest.mark.parametrize("alone", [{}, {"trust_remote_code": True}], ids=["all others", "trust_remote_code"])
def test_settings_without_effect_change_nothing(as_it_is, workshop, alone):
    """Axolotl refuses trust_remote_code together with fused LoRA kernels."""
    others = {key: value for key, value in WITHOUT_EFFECT.items() if key != "trust_remote_code"}
    assert _same(_weights(quick.train(**STEPS, **alone or others)), as_it_is)


def test_every_setting_without_effect_is_tried():
    without = [entry for entry in verdicts.table().entries if entry.verdict == verdicts.NO_EFFECT]
    keys = {key for entry in without for key in entry.keys if not key.startswith(("datasets.", "fsdp_config."))}
    assert keys == set(WITHOUT_EFFECT)


def test_a_template_of_the_recipe_is_used_as_the_tokenizers_own(as_it_is, workshop):
    template = Path("llama/chat_template.jinja").read_text(encoding="utf-8")
    same = {"chat_template": "jinja", "chat_template_jinja": template}
    assert _same(_weights(quick.train(**STEPS, **same)), as_it_is)


@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpointing_gives_the_same_weights(as_it_is, workshop, reentrant):
    changes = {"gradient_checkpointing": True, "gradient_checkpointing_kwargs": {"use_reentrant": reentrant}}
    trainer = quick.train(**STEPS, **changes)
    assert trainer.model.is_gradient_checkpointing
    assert _same(_weights(trainer), as_it_is)


def test_a_worker_gives_the_same_weights(as_it_is, workshop):
    changes = {"dataloader_num_workers": 1, "dataloader_prefetch_factor": 2}
    assert _same(_weights(quick.train(**STEPS, **changes)), as_it_is)


def test_the_best_checkpoint_is_loaded_at_the_end(workshop):
    """With a rate at which the second step is worse than the first."""
    changes = {"learning_rate": 0.3, "projector": {"learning_rate": 0.3}, "loss_spike": None, "output_dir": "./best"}
    changes |= {"save_strategy": None, "save_steps": 1, "eval_steps": 1, "load_best_model_at_end": True}
    test_set = [runs.RECIPE["datasets"][0] | {"split": "test"}]
    trainer = quick.train(
        max_steps=4, eval_sample_packing=False, test_datasets=test_set, early_stopping_patience=1, **changes
    )
    losses = [entry["eval_loss"] for entry in trainer.state.log_history if "eval_loss" in entry]
    assert losses.index(min(losses)) == len(losses) - 2 and trainer.state.global_step < 4
    best = f"best/checkpoint-{trainer.state.global_step - 1}/adapter_model.safetensors"
    saved, last = load_file(best), load_file("best/adapter_model.safetensors")
    assert saved.keys() == last.keys() and all(torch.equal(saved[name], last[name]) for name in saved)


def test_the_watchdog_stops_a_run(workshop):
    trainer = quick.train(max_steps=3, loss_watchdog_threshold=1.0, loss_watchdog_patience=1)
    assert trainer.state.global_step == 2


def test_parts_of_datasets_and_rows_held_out(workshop):
    """Half of the rows, a third, six; of these 26 rows, four are held out."""
    parts = [{"weight": 0.5}, {"shards": 3, "shards_idx": 1}, {"split": "train[:6]"}]
    entries = [runs.RECIPE["datasets"][0] | part for part in parts]
    found = runs.datasets(runs.configuration(datasets=entries, val_set_size=4))
    assert (len(found.train_dataset), len(found.eval_dataset)) == (22, 4)


def test_another_4_bit_format(workshop):
    changes = {"adapter": "qlora", "load_in_4bit": True, "bnb_config_kwargs": {"bnb_4bit_quant_type": "fp4"}}
    model = quick.train(max_steps=1, **changes).model
    assert {module.weight.quant_type for module in model.modules() if isinstance(module, Linear4bit)} == {"fp4"}
