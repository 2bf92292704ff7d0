"""What holds for `llava` in Axolotl: the descriptor that no release ships, and the run's way to it."""

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
from bimedix2_plugin.model.projector import FINISHED
from bimedix2_plugin.model.request import Request
from bimedix2_plugin.training.stages import LORA_TARGETS, PROJECTOR


def _is_composed_run(cfg: DictDefault) -> bool:
    return bool(cfg.vision_tower)


def request_of(cfg: DictDefault, *, projector: bool) -> Request:
    """Read from a recipe what has to be composed."""
    bridge = cfg.projector or {}
    init_from = bridge.get("init_from") if projector else None
    if cfg.lora_model_dir and init_from and not (Path(init_from) / FINISHED).is_file():
        init_from = None  # the adapter brings its own projector; stage 1's folder may be gone
    return Request(
        base=cfg.base_model,
        tower=cfg.vision_tower,
        base_revision=cfg.revision_of_model,
        tower_revision=cfg.vision_tower_revision,
        projector=projector,
        kind=bridge.get("kind") or "mlp2x_gelu",
        init_from=init_from,
        vision_feature_layer=-2 if cfg.vision_feature_layer is None else cfg.vision_feature_layer,
        image_aspect=cfg.image_aspect or "pad",
        chat_template=cfg.chat_template,
        chat_template_jinja=cfg.chat_template_jinja,
        system=cfg.system,
        root=Path(cfg.composed_path or "outputs/composed"),
    )


def point_at_composed(context: ModelHookContext) -> None:
    """Compose, and point the run's base, tokenizer, processor and prepared set at what was composed.

    Axolotl calls this after validation and before it reads the model's configuration. The tokenizer comes from a
    folder without projector, so that preparing data needs none and training finds what was prepared.
    """
    cfg = context.cfg
    if cfg.composed_from:
        return
    if (Path(cfg.base_model) / COMPOSITION).is_file():  # on a worker of Ray: its driver composed
        pin_shards(cfg)
        return
    text = compose(request_of(cfg, projector=False))
    set_attention(cfg, json.loads((text / "config.json").read_text(encoding="utf-8"))["text_config"])
    folder = text if cfg.is_preprocess else compose(request_of(cfg, projector=True))
    cfg.composed_from = cfg.base_model
    cfg.base_model = cfg.base_model_config = cfg.processor_config = str(folder)
    cfg.tokenizer_config = str(text)
    cfg.revision_of_model = None
    cfg.processor_type = "AutoProcessor"
    cfg.chat_template, cfg.chat_template_jinja = "tokenizer_default", None
    cfg.overrides_of_model_kwargs = {**(cfg.overrides_of_model_kwargs or {}), "key_mapping": mapping(folder)}
    cfg.dataset_prepared_path = prepared_path(cfg, text)
    remove_unfinished(cfg.dataset_prepared_path)
    pin_shards(cfg)
    if cfg.adapter:
        cfg.lora_target_modules = cfg.lora_target_modules or LORA_TARGETS
        cfg.lora_modules_to_save = [PROJECTOR]
    if cfg.load_in_4bit:
        # Axolotl would quantise the tower and the projector, which is trained whole, with the language model.
        # transformers compares these names with the start or the end of a module's full name.
        kept = {"llm_int8_skip_modules": ["lm_head", f"model.{PROJECTOR}", "model.vision_tower"]}
        cfg.bnb_config_kwargs = {**(cfg.bnb_config_kwargs or {}), **kept}


def set_attention(cfg: DictDefault, text_config: dict[str, Any]) -> None:
    """Keep a run from computing its language model's attention in another way than the model was trained with.

    Raises:
        RecipeError: the recipe's attention leaves out something that the language model has.
    """
    if text_config.get("attn_logit_softcapping") and cfg.attn_implementation in (None, "sdpa") and not cfg.merge_lora:
        raise RecipeError(
            f"attn_implementation: sdpa would leave out the soft cap on attention scores that {cfg.base_model} was "
            "trained with. Set it to flash_attention_2 or, on a CPU, to eager."
        )
    if text_config.get("sliding_window") and cfg.sdpa_varlen is None:
        cfg.sdpa_varlen = False  # Axolotl looks for a window in the outer configuration alone, and would find none


class LlavaSupport(ModelSupport):
    """The `llava` architecture, composed or ready-made."""

    model_types = ("llava",)
    profile = ModelProfile(
        family=IMAGE_TEXT_TO_TEXT,
        capabilities={
            "lora_kernels": Unsupported("The fused kernels look for LlavaAttention, which does not exist."),
            "cut_cross_entropy": Unsupported("Not tried on LlavaForConditionalGeneration."),
            "liger": Unsupported("Not tried on LlavaForConditionalGeneration."),
        },
        matchers=ModelMatchers(cfg=_is_composed_run),
        hooks=ModelHooks({ModelHookPhase.BEFORE_CONFIG_LOAD: (point_at_composed,)}),
    )

    @staticmethod
    def resolve_lora_merge_method(cfg: DictDefault, configured: Any) -> str:
        """Merge tensor by tensor, on the way that Axolotl calls `legacy` and with a model that has no weights."""
        from bimedix2_plugin.merge import axolotl_merge

        del configured
        axolotl_merge.take_over(cfg)
        return "legacy"
