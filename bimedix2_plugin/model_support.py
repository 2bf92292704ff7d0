"""Model support for the vision-language models, and the hook that points a run at the composed model."""

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
from bimedix2_plugin.model.request import request_of
from bimedix2_plugin.model.vision_language.descriptor import VisionLanguageModel
from bimedix2_plugin.model.vision_language.registry import BY_TYPE, of_folder
from bimedix2_plugin.recipe import settings

PLUGIN = "bimedix2_plugin.BiMediX2Plugin"


def _is_our_run(cfg: DictDefault) -> bool:
    return PLUGIN in (cfg.plugins or [])


def _is_composed(cfg: DictDefault) -> bool:
    """Whether the base is a folder that `compose` wrote; a merged checkpoint holds a `composition.json`, too."""
    base = Path(cfg.base_model)
    return base.parent == Path(settings(cfg).composed_path) and (base / COMPOSITION).is_file()


def use_composed_model(context: ModelHookContext) -> None:
    """Compose the model, and set the run's base, tokenizer, processor and prepared set to the composed folder.

    Axolotl calls this after validation and before it reads the model's configuration. The tokenizer comes from a folder
    without weights: preparing data then needs neither them nor stage 1, and training finds the set that was prepared.
    """
    cfg = context.cfg
    if cfg.composed_from:
        return
    if _is_composed(cfg):  # on a Ray worker, whose driver has composed the model
        pin_shards(cfg)
        return
    text = compose(request_of(cfg, weights=False))
    model = of_folder(text)
    if not cfg.merge_lora:
        model.check_attention(cfg.attn_implementation, cfg.base_model)
    set_attention(cfg, json.loads((text / "config.json").read_text(encoding="utf-8"))["text_config"])
    folder = text if cfg.is_preprocess else compose(request_of(cfg, weights=True))
    cfg.composed_from = cfg.base_model
    cfg.base_model = cfg.base_model_config = cfg.processor_config = str(folder)
    cfg.tokenizer_config = str(text)
    cfg.revision_of_model = None
    cfg.processor_type = "AutoProcessor"
    cfg.chat_template, cfg.chat_template_jinja = "tokenizer_default", None
    cfg.processor_kwargs = None  # the folder's processor has them
    if folder != text and (names := mapping(folder)):
        cfg.overrides_of_model_kwargs = {**(cfg.overrides_of_model_kwargs or {}), "key_mapping": names}
    cfg.dataset_prepared_path = prepared_path(cfg, text)
    remove_unfinished(cfg.dataset_prepared_path)
    pin_shards(cfg)
    if cfg.adapter:
        cfg.lora_target_modules = cfg.lora_target_modules or model.LORA_TARGETS
        cfg.lora_modules_to_save = model.trained_modules(model.config)
        if cfg.vision_lora:
            add_vision_lora(cfg, model)
    if cfg.load_in_4bit:
        # Otherwise the tower and the fully trained projector would be quantised with the language model.
        # transformers matches these names with the start or the end of a module's full name.
        skipped = {"llm_int8_skip_modules": ["lm_head", *dict.fromkeys([*model.PROJECTOR, model.TOWER])]}
        cfg.bnb_config_kwargs = {**(cfg.bnb_config_kwargs or {}), **skipped}


def add_vision_lora(cfg: DictDefault, model: VisionLanguageModel) -> None:
    """Extend the run's LoRA to the tower's linear layers, there with the rank and alpha of `vision_lora`."""
    # PEFT takes the first pattern that matches, and saves them sorted; the parenthesis keeps this one before others.
    tower = f"(?:{model.vision_lora_targets()})"
    cfg.lora_target_modules = f"(?:{cfg.lora_target_modules})|{tower}"
    cfg.lora_rank_pattern = {tower: cfg.vision_lora.r, **(cfg.lora_rank_pattern or {})}
    cfg.lora_alpha_pattern = {tower: cfg.vision_lora.alpha, **(cfg.lora_alpha_pattern or {})}


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


class VisionLanguageSupport(ModelSupport):
    """The architectures with a descriptor; Axolotl ships no support for `llava`, and packs images with none of them."""

    model_types = tuple(BY_TYPE)
    profile = ModelProfile(
        family=IMAGE_TEXT_TO_TEXT,
        capabilities={
            "lora_kernels": Unsupported("The fused kernels look for LlavaAttention, which does not exist."),
            "cut_cross_entropy": Unsupported("Not tested on vision-language models."),
            "liger": Unsupported("Not tested on vision-language models."),
        },
        matchers=ModelMatchers(cfg=_is_our_run),
        hooks=ModelHooks({ModelHookPhase.BEFORE_CONFIG_LOAD: (use_composed_model,)}),
    )

    @staticmethod
    def resolve_lora_merge_method(cfg: DictDefault, configured: str) -> str:
        """Merge our runs tensor by tensor, with the method that Axolotl calls `legacy`, on a model without weights."""
        from bimedix2_plugin.merge import axolotl_merge

        if not _is_our_run(cfg):
            return configured
        axolotl_merge.configure(cfg)
        return "legacy"
