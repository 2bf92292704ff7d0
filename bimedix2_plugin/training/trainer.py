"""Axolotl's trainer with learning rates by role, resuming of stage 1 from its projector, an abort before a
harmful optimizer step, and evaluation losses by language.
"""

from __future__ import annotations

import math
from collections import defaultdict
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import gather_object

from bimedix2_plugin.data.sampler import WholeEpochSampler
from bimedix2_plugin.model.projector import WEIGHTS
from bimedix2_plugin.model.stored_names import load_weights
from bimedix2_plugin.training.fsdp import FsdpAlignMixin
from bimedix2_plugin.training.loss_watch import LossWatch
from bimedix2_plugin.training.roles import LANGUAGE_MODEL, LORA, PROJECTOR, VISION_LORA, role
from bimedix2_plugin.training.stages import load_projector


class PackTrainer(FsdpAlignMixin):
    """Axolotl's trainer; `lr_groups` alone would train the projector's biases with the LoRA's learning rate."""

    optimizer: Any
    learning_rates: dict[str, float] | None = None
    loss_watch: LossWatch | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Qwen-VL's classes say that they do not take the number of labelled tokens, but their loss function does; the
        # trainer would then average over micro-batches, whatever their number of labels.
        self.model_accepts_loss_kwargs = True
        self.language_losses = LanguageLosses()

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> Any:
        """Compute a pack's loss and gradients, and record its rows with the loss."""
        rows = inputs.pop("rows", [])
        loss = super().training_step(model, inputs, num_items_in_batch)
        if self.loss_watch:
            self.loss_watch.note(rows, loss)
        return loss

    def _get_grad_norm(self, model: Any, grad_norm: Any = None) -> Any:
        norm = super()._get_grad_norm(model, grad_norm=grad_norm)
        # Called once per step, after its gradients are complete and before the optimizer changes a weight.
        if self.loss_watch:
            self.loss_watch.check(self.state.global_step + 1, norm)
        return norm

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Compute a pack's loss; in an evaluation also the loss of each row."""
        rows = inputs.pop("rows", None)
        loss, outputs = super().compute_loss(model, inputs, return_outputs=True, num_items_in_batch=num_items_in_batch)
        if rows and not model.training:
            self.language_losses.note(rows, outputs["logits"], inputs["shift_labels"])
        return (loss, outputs) if return_outputs else loss

    def evaluation_loop(
        self, dataloader: Any, description: str, *args: Any, metric_key_prefix: str = "eval", **kwargs: Any
    ) -> Any:
        """Evaluate; add the loss of each language to the metrics."""
        output = super().evaluation_loop(dataloader, description, *args, metric_key_prefix=metric_key_prefix, **kwargs)
        output.metrics.update(self.language_losses.metrics(metric_key_prefix))
        return output

    def create_optimizer(self, model: Any = None) -> Any:
        """Build the recipe's optimizer over `parameter_groups`."""
        if self.optimizer is None:
            optimizer_cls, kwargs = self.optimizer_cls_and_kwargs or self.get_optimizer_cls_and_kwargs(
                self.args, self.model
            )
            self.optimizer = optimizer_cls(self.parameter_groups(model or self.model, kwargs["lr"]), **kwargs)
        return self.optimizer

    def parameter_groups(self, model: Any, learning_rate: float) -> list[dict[str, Any]]:
        """Return the optimizer's groups: one for each role that trains, with and without weight decay.

        Args:
            model: the model, wrapped or not.
            learning_rate: the recipe's, for the roles that have none of their own.
        """
        decay = set(self.get_decay_parameter_names(model))
        groups: list[dict[str, Any]] = []
        # The trainer logs the learning rate of the first group.
        for part in (LORA, LANGUAGE_MODEL, PROJECTOR, VISION_LORA):
            rate = (self.learning_rates or {}).get(part, learning_rate)
            for decayed in (True, False):
                parameters = [
                    parameter
                    for name, parameter in model.named_parameters()
                    if parameter.requires_grad and role(name) == part and (name in decay) == decayed
                ]
                if parameters:
                    weight_decay = self.args.weight_decay if decayed else 0.0
                    groups.append({"name": part, "params": parameters, "lr": rate, "weight_decay": weight_decay})
        return groups

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """Build the recipe's schedule over the steps that are trained, where Axolotl takes the warm-up of an estimate
        that differs in each process."""
        if self.axolotl_cfg.warmup_steps is None:
            self.args.warmup_steps = warmup(self.axolotl_cfg.warmup_ratio, num_training_steps)
        return super().create_scheduler(num_training_steps, optimizer)

    def _create_multipack_sampler(self, base_sampler: Any, dataset: Any, *, is_training: bool = True) -> Any:
        sampler = super()._create_multipack_sampler(base_sampler, dataset, is_training=is_training)
        if not (is_training and self.args.balance_labels):
            return sampler
        epochs = math.ceil(self.args.num_train_epochs)
        if self.args.max_steps > 0:
            packs = self.args.max_steps * self._batches_per_optimizer_step()
            epochs = math.ceil(packs / max(1, len(sampler))) + 1
        return WholeEpochSampler.of(sampler, epochs, self.args.gradient_accumulation_steps)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Resume stage 1 from its projector, and a whole model by its files' names.

        transformers itself loads a LoRA's checkpoint, and FSDP2's and DeepSpeed's. Of a whole model it would skip all
        tensors whose names in the file differ from those in the model, in silence.
        """
        folder = Path(resume_from_checkpoint)
        sharded = self.is_fsdp_enabled or self.is_deepspeed_enabled
        if (folder / WEIGHTS).is_file():
            load_projector(model or self.model, folder)
        elif not (sharded or self.axolotl_cfg.adapter):
            load_weights(model or self.model, folder)
        else:
            super()._load_from_checkpoint(resume_from_checkpoint, model)


def warmup(ratio: float | None, steps: int) -> int:
    """Return the steps in which the learning rate grows, of all `steps`, as Axolotl counts them."""
    grows = min(int(0.03 * steps), 100) if ratio is None else int(ratio * steps)
    return 2 if grows == 1 else grows


class LanguageLosses:
    """Evaluation loss by language, from each row's own tokens, because a pack holds rows of both languages.

    Losses are collected row by row, so that a row evaluated on two ranks counts once.
    """

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], tuple[str, float, int]] = {}

    def note(self, rows: list[dict[str, Any]], logits: torch.Tensor, targets: torch.Tensor) -> None:
        """Add one pack.

        Args:
            rows: as PackCollator returns them, in the pack's order.
            logits: [1, K, vocabulary], of the positions before labelled tokens only.
            targets: int64 [1, K], those tokens.
        """
        counts = [row["labelled"] for row in rows]
        sums = [
            torch.nn.functional.cross_entropy(part.float(), target, reduction="sum")
            for part, target in zip(logits[0].split(counts), targets[0].split(counts), strict=True)
        ]
        for row, loss in zip(rows, torch.stack(sums).tolist(), strict=True):
            self._rows[row["store"], row["id"]] = (row["language"], loss, row["labelled"])

    def metrics(self, prefix: str) -> dict[str, float]:
        """Return each language's mean loss per labelled token (nats) over all ranks, and reset.

        Returns:
            for example {"eval_loss_ar": 1.2, "eval_loss_en": 0.9}.
        """
        every = dict(gather_object(list(self._rows.items())))
        self._rows = {}
        totals: dict[str, list[float]] = defaultdict(lambda: [0.0, 0])
        for language, loss, tokens in every.values():
            totals[language][0] += loss
            totals[language][1] += tokens
        return {
            f"{prefix}_loss_{language or 'unknown'}": loss / tokens
            for language, (loss, tokens) in sorted(totals.items())
            if tokens
        }
