"""The plugin's hooks, in the order in which Axolotl calls them."""

from __future__ import annotations

from typing import Any

import torch
from axolotl.integrations.base import BasePlugin
from axolotl.model_support import get_model_support, register_model_support
from axolotl.utils.dict import DictDefault

from bimedix2_plugin import recipe
from bimedix2_plugin.data.collator import PackCollator
from bimedix2_plugin.data.prepared_set import unpin_shards
from bimedix2_plugin.errors import end_plainly
from bimedix2_plugin.merge import adapter, axolotl_merge
from bimedix2_plugin.model_support import LlavaSupport
from bimedix2_plugin.training import stages
from bimedix2_plugin.training.composition_callback import CompositionCallback
from bimedix2_plugin.training.document_attention import use_document_attention
from bimedix2_plugin.training.loss_watch import LossWatch


class BiMediX2Plugin(BasePlugin):
    """Composes, prepares, packs and trains a bilingual medical LLaVA from a recipe."""

    def register(self, cfg: DictDefault) -> None:
        """Check the recipe as written and take charge of `llava`.

        Raises:
            RecipeError: everything wrong with the recipe, together.
        """
        end_plainly()
        if cfg.composed_from:  # a worker of Ray gets the recipe that its driver has checked and composed
            unpin_shards(cfg)
        else:
            recipe.check(cfg)
        if not isinstance(get_model_support("llava"), LlavaSupport):
            register_model_support(LlavaSupport)

    def get_input_args(self) -> str:
        """Name the schema of the plugin's keys."""
        return "bimedix2_plugin.args.BiMediX2Args"

    def get_training_args(self, cfg: DictDefault) -> dict[str, Any]:
        """Weigh every labelled token of a step alike, over all ranks, and let bf16 run on a processor that has it.

        Axolotl lets each rank take the mean of its own tokens, so that those of a short answer would weigh more. The
        trainer refuses bf16 unless told that there is no GPU.
        """
        return {"average_tokens_across_devices": True} | ({} if torch.cuda.is_available() else {"use_cpu": True})

    def get_trainer_cls(self, cfg: DictDefault) -> type:
        """Name the trainer."""
        from bimedix2_plugin.training.trainer import LlavaTrainer

        return LlavaTrainer

    def get_collator_cls_and_kwargs(self, cfg: DictDefault, is_eval: bool = False) -> tuple[type, dict[str, Any]]:
        """Name the collator, for training and evaluation alike."""
        from transformers import AutoConfig
        from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

        config = AutoConfig.from_pretrained(cfg.base_model)
        # By name: where torchvision is installed, AutoImageProcessor takes its resampling, which is not LLaVA's.
        return PackCollator, {
            "image_processor": LlavaImageProcessorPil.from_pretrained(cfg.base_model),
            "placeholder_id": config.image_token_id,
            "image_tokens": config.image_seq_length,
        }

    def pre_model_load(self, cfg: DictDefault) -> None:
        """Keep the frozen base of stage align, where FSDP2 shares it out, from being copied to every rank's memory."""
        if cfg.stage == "align" and (cfg.fsdp_config or {}).get("cpu_ram_efficient_loading"):
            stages.load_on_one_rank()

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

    def load_adapter(
        self, model: Any, cfg: DictDefault, inference: bool = False, config_only: bool = False
    ) -> tuple[Any, None] | None:
        """In a merge, load the adapter tensor by tensor, into a model without weights."""
        return (axolotl_merge.attach(model, cfg), None) if cfg.adapter == axolotl_merge.ADAPTER else None

    def post_lora_load(self, cfg: DictDefault, model: Any) -> None:
        """Refuse an adapter that did not arrive whole."""
        if cfg.lora_model_dir and cfg.adapter and cfg.adapter != axolotl_merge.ADAPTER:
            adapter.check_used(model, cfg.lora_model_dir)
        if not (cfg.inference or cfg.merge_lora):
            stages.keep_projector_in_float32(model)

    def post_model_load(self, cfg: DictDefault, model: Any) -> None:
        """Check that the stage's parameters, and no others, are trainable, and have the projector saved whole."""
        if not (cfg.inference or cfg.merge_lora):
            stages.check_roles(model, cfg)
            stages.give_projector_whole(model)

    def post_trainer_create(self, cfg: DictDefault, trainer: Any) -> None:
        """Hand the trainer what it needs of the recipe, and clear what an earlier run must not leave behind."""
        trainer.projector_learning_rate = (cfg.projector or {}).get("learning_rate")
        trainer.loss_watch = LossWatch(cfg.loss_spike, trainer.accelerator)
        if cfg.output_dir:
            stages.forget_finish(cfg)
            stages.remove_unfinished_checkpoints(cfg)
            trainer.accelerator.wait_for_everyone()

    def add_callbacks_post_trainer(self, cfg: DictDefault, trainer: Any) -> list[Any]:
        """Have each checkpoint say what it is made of."""
        return [CompositionCallback(cfg.base_model)]

    def post_train(self, cfg: DictDefault, model: Any) -> None:
        """Say that the run is finished; Axolotl calls this before and after it saves the final weights."""
        stages.note_finish(cfg)

    def post_lora_merge(self, cfg: DictDefault, adapter_path: str, output_path: str) -> None:
        """Finish the merged checkpoint."""
        axolotl_merge.finish(cfg.base_model, output_path)
