"""The plugin's hooks, in the order in which Axolotl calls them."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import torch
from axolotl.integrations.base import BasePlugin
from axolotl.model_support import get_model_support, register_model_support
from axolotl.utils.dict import DictDefault

from bimedix2_plugin import checks
from bimedix2_plugin.data.collator import PackCollator
from bimedix2_plugin.data.prepared_set import unpin_shards
from bimedix2_plugin.errors import hide_traceback
from bimedix2_plugin.merge import axolotl_merge, lora, whole_model
from bimedix2_plugin.model.vision_language.registry import of_folder
from bimedix2_plugin.model_support import VisionLanguageSupport
from bimedix2_plugin.training import fsdp, roles, run_folder, stages
from bimedix2_plugin.training.document_attention import use_document_attention
from bimedix2_plugin.training.loss_watch import LossWatch


class BiMediX2Plugin(BasePlugin):
    """Composes, prepares, packs and trains a bilingual medical vision-language model from a recipe."""

    def register(self, cfg: DictDefault) -> None:
        """Check the recipe as written, and register the model support.

        Raises:
            RecipeError: lists every problem of the recipe.
        """
        hide_traceback()
        gc.freeze()  # Axolotl collects at every packing, for a second each with all that has been imported
        if cfg.composed_from:  # a Ray worker gets the configuration that its driver has checked and composed
            unpin_shards(cfg)
        else:
            checks.check(cfg)
        if not isinstance(get_model_support("llava"), VisionLanguageSupport):
            register_model_support(VisionLanguageSupport)

    def get_input_args(self) -> str:
        """Return the path of the schema of the plugin's keys."""
        return "bimedix2_plugin.args.BiMediX2Args"

    def get_training_args(self, cfg: DictDefault) -> dict[str, Any]:
        """Give all labelled tokens of a step the same weight over all ranks, count the steps from the packs that are
        trained, and allow bf16 on a CPU.

        By default each rank averages over its own tokens, so that tokens count more on a rank with few of them. Axolotl
        takes the number of steps from packs of rows in a random order that differs in each process: a run would end
        before its last epoch does, and a resumed one have other learning rates. The trainer refuses bf16 on a CPU
        without `use_cpu`.
        """
        arguments = {"average_tokens_across_devices": True, "max_steps": cfg.max_steps or -1}
        return arguments if torch.cuda.is_available() else arguments | {"use_cpu": True}

    def get_trainer_cls(self, cfg: DictDefault) -> type:
        """Return the trainer."""
        from bimedix2_plugin.training.trainer import PackTrainer

        return PackTrainer

    def get_collator_cls_and_kwargs(self, cfg: DictDefault, is_eval: bool = False) -> tuple[type, dict[str, Any]]:
        """Return the collator, the same for training and evaluation."""
        return PackCollator, {"model": of_folder(cfg.base_model)}

    def pre_model_load(self, cfg: DictDefault) -> None:
        """In stage align under FSDP2, load the frozen base on one rank only."""
        if cfg.stage == "align" and (cfg.fsdp_config or {}).get("cpu_ram_efficient_loading"):
            fsdp.load_on_one_rank()

    def post_model_build(self, cfg: DictDefault, model: Any) -> None:
        """Let the loaded model save standard names; set up attention, tower and stage."""
        # With the key mapping of loading, saving would write the base's and the tower's own names.
        model._weight_conversions = None
        if cfg.inference or cfg.merge_lora:
            return
        if cfg.document_attention and cfg.attn_implementation == "sdpa" and not torch.cuda.is_available():
            use_document_attention(model)
        if not cfg.vision_lora:
            stages.run_tower_without_grad(model)
        if cfg.stage == "align":
            stages.freeze_for_align(model, cfg)
        elif not cfg.adapter:
            stages.freeze_tower(model)

    def pre_lora_load(self, cfg: DictDefault, model: Any) -> None:
        """Refuse an incomplete adapter."""
        if cfg.lora_model_dir and cfg.adapter:
            lora.check_file(cfg.lora_model_dir, model)

    def load_adapter(
        self, model: Any, cfg: DictDefault, inference: bool = False, config_only: bool = False
    ) -> tuple[Any, None] | None:
        """In a merge, attach the adapter to a model without weights."""
        return (axolotl_merge.attach(model, cfg), None) if cfg.adapter == axolotl_merge.ADAPTER else None

    def post_lora_load(self, cfg: DictDefault, model: Any) -> None:
        """Refuse an adapter that was not loaded completely."""
        if cfg.lora_model_dir and cfg.adapter and cfg.adapter != axolotl_merge.ADAPTER:
            lora.check_loaded(model, cfg.lora_model_dir)
        if cfg.load_in_4bit and not (cfg.inference or cfg.merge_lora):
            stages.keep_tower_in(model, cfg.torch_dtype)

    def post_model_load(self, cfg: DictDefault, model: Any) -> None:
        """Check which parameters are trainable, in float32, and let the full projector be saved."""
        if not (cfg.inference or cfg.merge_lora):
            stages.keep_trained_in_float32(model)  # only now: Axolotl converts norms and embeddings once more
            roles.check_trainable_parameters(model, cfg)
            stages.gather_projector_on_save(model)

    def post_trainer_create(self, cfg: DictDefault, trainer: Any) -> None:
        """Give the trainer its settings, and remove an earlier run's marker and partial checkpoints."""
        gc.freeze()
        trainer.learning_rates = roles.learning_rates(cfg)
        trainer.loss_watch = LossWatch(cfg.loss_spike, trainer.accelerator)
        fsdp.reduce_in_float32(trainer.accelerator)
        if cfg.output_dir:
            run_folder.clear_finished_marker(cfg)
            run_folder.remove_partial_checkpoints(cfg)
            trainer.accelerator.wait_for_everyone()

    def add_callbacks_post_trainer(self, cfg: DictDefault, trainer: Any) -> list[Any]:
        """Add `composition.json` to each checkpoint, and tell `make` how far the run is."""
        return [run_folder.CompositionCallback(cfg.base_model), run_folder.ProgressCallback()]

    def post_train(self, cfg: DictDefault, model: Any) -> None:
        """Complete a whole checkpoint, and mark the run as finished; Axolotl calls this before and after it saves."""
        if roles.LANGUAGE_MODEL in roles.trained_roles(cfg) and run_folder.weights_are_saved(cfg):
            whole_model.finish(Path(cfg.output_dir), Path(cfg.base_model))
        run_folder.write_finished_marker(cfg)

    def post_lora_merge(self, cfg: DictDefault, adapter_path: str, output_path: str) -> None:
        """Complete the merged checkpoint."""
        axolotl_merge.finish(cfg.base_model, output_path)
