"""The plugin's hooks, in the order in which Axolotl calls them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from axolotl.integrations.base import BasePlugin
from axolotl.model_support import get_model_support, register_model_support
from axolotl.utils.dict import DictDefault

from bimedix2_plugin import adapter, recipe, stages
from bimedix2_plugin.attention import use_document_attention
from bimedix2_plugin.collator import PackCollator
from bimedix2_plugin.compose import COMPOSITION
from bimedix2_plugin.model_support import LlavaSupport


class BiMediX2Plugin(BasePlugin):
    """Composes, prepares, packs and trains a bilingual medical LLaVA from a recipe."""

    def register(self, cfg: DictDefault) -> None:
        """Check the recipe as written and take charge of `llava`.

        Raises:
            RecipeError: everything wrong with the recipe, together.
        """
        recipe.check(cfg)
        if not isinstance(get_model_support("llava"), LlavaSupport):
            register_model_support(LlavaSupport)

    def get_input_args(self) -> str:
        """Name the schema of the plugin's keys."""
        return "bimedix2_plugin.args.BiMediX2Args"

    def get_training_args(self, cfg: DictDefault) -> dict[str, Any]:
        """Let bf16 run on a processor that has it; the trainer refuses unless told that there is no GPU."""
        return {} if torch.cuda.is_available() else {"use_cpu": True}

    def get_trainer_cls(self, cfg: DictDefault) -> type:
        """Name the trainer."""
        from bimedix2_plugin.trainer import LlavaTrainer

        return LlavaTrainer

    def get_collator_cls_and_kwargs(self, cfg: DictDefault, is_eval: bool = False) -> tuple[type, dict[str, Any]]:
        """Name the collator, for training and evaluation alike."""
        from transformers import AutoConfig, AutoImageProcessor

        config = AutoConfig.from_pretrained(cfg.base_model)
        return PackCollator, {
            "image_processor": AutoImageProcessor.from_pretrained(cfg.base_model),
            "placeholder_id": config.image_token_id,
            "image_tokens": config.image_seq_length,
        }

    def post_model_build(self, cfg: DictDefault, model: Any) -> None:
        """Make the loaded model save standard LLaVA names, and set attention and stage."""
        # With the links' key mapping still attached, saving would write the base's and the tower's own names.
        model._weight_conversions = None
        if cfg.inference or cfg.merge_lora:
            return
        if cfg.document_attention and cfg.attn_implementation == "sdpa" and not torch.cuda.is_available():
            use_document_attention(model)
        stages.keep_tower_out_of_the_graph(model)
        if cfg.stage == "align":
            stages.freeze_for_align(model)
            stages.keep_projector_in_float32(model)

    def pre_lora_load(self, cfg: DictDefault, model: Any) -> None:
        """Refuse an adapter that is not whole."""
        if cfg.lora_model_dir and cfg.adapter:
            adapter.check_file(cfg.lora_model_dir)

    def post_lora_load(self, cfg: DictDefault, model: Any) -> None:
        """Refuse an adapter that did not arrive whole."""
        if cfg.lora_model_dir and cfg.adapter:
            adapter.check_used(model, cfg.lora_model_dir)
        if not (cfg.inference or cfg.merge_lora):
            stages.keep_projector_in_float32(model)

    def post_model_load(self, cfg: DictDefault, model: Any) -> None:
        """Check that the stage's parameters, and no others, are trainable."""
        if not (cfg.inference or cfg.merge_lora):
            stages.check_roles(model, cfg)

    def post_trainer_create(self, cfg: DictDefault, trainer: Any) -> None:
        """Hand the projector's learning rate to the trainer, and clear what an earlier run must not leave behind."""
        trainer.projector_learning_rate = (cfg.projector or {}).get("learning_rate")
        if cfg.output_dir:
            stages.forget_finish(cfg)
            stages.remove_unfinished_checkpoints(cfg)
            trainer.accelerator.wait_for_everyone()

    def post_train(self, cfg: DictDefault, model: Any) -> None:
        """Say that the run is finished; Axolotl calls this before and after it saves the final weights."""
        stages.note_finish(cfg)

    def post_lora_merge(self, cfg: DictDefault, adapter_path: str, output_path: str) -> None:
        """Finish the merged checkpoint."""
        adapter.mend_merged(output_path)
        shutil.copyfile(Path(cfg.base_model) / COMPOSITION, Path(output_path) / COMPOSITION)
