"""Model support for `llava`, which Axolotl does not ship, and the hook that points a run at the composed model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from axolotl.model_support.base import ModelSupport, Unsupported
from axolotl.model_support.profile import ModelHookContext, ModelHookPhase, ModelHooks, ModelMatchers, ModelProfile
from axolotl.model_support.templates import IMAGE_TEXT_TO_TEXT
from axolotl.utils.dict import DictDefault

from bimedix2_plugin.data.prepared_set import pin_shards, prepared_path, remove_unfinished
from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.compose import COMPOSITION, compose, mapping
from bimedix2_plugin.model.families import LORA_TARGETS
from bimedix2_plugin.model.projector import PROJECTOR
from bimedix2_plugin.model.request import request_of


def _is_composed_run(cfg: DictDefault) -> bool:
    return bool(cfg.vision_tower)


def use_composed_model(context: ModelHookContext) -> None:
    """Compose the model, and set the run's base, tokenizer, processor and prepared set to the composed folder.

    Axolotl calls this after validation and before it reads the model's configuration. The tokenizer comes from a folder
    without weights: preparing data then needs neither them nor stage 1, and training finds the set that was prepared.
    """
    cfg = context.cfg
    if cfg.composed_from:
        return
    if (Path(cfg.base_model) / COMPOSITION).is_file():  # on a Ray worker, whose driver has composed the model
        pin_shards(cfg)
        return
    text = compose(request_of(cfg, weights=False))
    set_attention(cfg, json.loads((text / "config.json").read_text(encoding="utf-8"))["text_config"])
    folder = text if cfg.is_preprocess else compose(request_of(cfg, weights=True))
    cfg.composed_from = cfg.base_model
    cfg.base_model = cfg.base_model_config = cfg.processor_config = str(folder)
    cfg.tokenizer_config = str(text)
    cfg.revision_of_model = None
    cfg.processor_type = "AutoProcessor"
    cfg.chat_template, cfg.chat_template_jinja = "tokenizer_default", None
    if folder != text:
        cfg.overrides_of_model_kwargs = {**(cfg.overrides_of_model_kwargs or {}), "key_mapping": mapping(folder)}
    cfg.dataset_prepared_path = prepared_path(cfg, text)
    remove_unfinished(cfg.dataset_prepared_path)
    pin_shards(cfg)
    if cfg.adapter:
        cfg.lora_target_modules = cfg.lora_target_modules or LORA_TARGETS
        cfg.lora_modules_to_save = [PROJECTOR]
    if cfg.load_in_4bit:
        # Otherwise the tower and the fully trained projector would be quantised with the language model.
        # transformers matches these names with the start or the end of a module's full name.
        skipped = {"llm_int8_skip_modules": ["lm_head", f"model.{PROJECTOR}", "model.vision_tower"]}
        cfg.bnb_config_kwargs = {**(cfg.bnb_config_kwargs or {}), **skipped}


def set_attention(cfg: DictDefault, text_config: dict[str, Any]) -> None:
    """Make sure that a run computes the language model's attention as the model was trained.

    Raises:
        RecipeError: the recipe's attention implementation omits a part of it.
    """
    if text_config.get("attn_logit_softcapping") and cfg.attn_implementation in (None, "sdpa") and not cfg.merge_lora:
        raise RecipeError(
            f"attn_implementation: sdpa would omit the soft cap on attention scores with which {cfg.base_model} was "
            "trained. Set it to flash_attention_2 or, on a CPU, to eager."
        )
    if text_config.get("sliding_window") and cfg.sdpa_varlen is None:
        cfg.sdpa_varlen = False  # Axolotl looks for a sliding window in the outer configuration only


class LlavaSupport(ModelSupport):
    """The `llava` architecture."""

    model_types = ("llava",)
    profile = ModelProfile(
        family=IMAGE_TEXT_TO_TEXT,
        capabilities={
            "lora_kernels": Unsupported("The fused kernels look for LlavaAttention, which does not exist."),
            "cut_cross_entropy": Unsupported("Not tested on LlavaForConditionalGeneration."),
            "liger": Unsupported("Not tested on LlavaForConditionalGeneration."),
        },
        matchers=ModelMatchers(cfg=_is_composed_run),
        hooks=ModelHooks({ModelHookPhase.BEFORE_CONFIG_LOAD: (use_composed_model,)}),
    )

    @staticmethod
    def resolve_lora_merge_method(cfg: DictDefault, configured: Any) -> str:
        """Merge tensor by tensor, with the method that Axolotl calls `legacy`, on a model without weights."""
        from bimedix2_plugin.merge import axolotl_merge

        del configured
        axolotl_merge.configure(cfg)
        return "legacy"
