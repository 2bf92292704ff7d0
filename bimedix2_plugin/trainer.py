"""Axolotl's trainer with the projector's own learning rate, and stage 1's resume from a projector alone."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from axolotl.core.trainers.base import AxolotlTrainer

from bimedix2_plugin import projector
from bimedix2_plugin.sampler import WholeEpochSampler
from bimedix2_plugin.stages import is_projector, load_projector


class LlavaTrainer(AxolotlTrainer):
    """Groups parameters by part; `lr_groups` would leave the projector's biases at the LoRA's rate."""

    optimizer: Any
    projector_learning_rate: float | None = None

    def create_optimizer(self, model: Any = None) -> Any:
        """Build the recipe's optimizer over `parameter_groups`."""
        if self.optimizer is None:
            optimizer_cls, kwargs = self.optimizer_cls_and_kwargs or self.get_optimizer_cls_and_kwargs(
                self.args, self.model
            )
            self.optimizer = optimizer_cls(self.parameter_groups(model or self.model, kwargs["lr"]), **kwargs)
        return self.optimizer

    def parameter_groups(self, model: Any, learning_rate: float) -> list[dict[str, Any]]:
        """Return the optimizer's groups: LoRA and projector, each with and without weight decay.

        Args:
            model: the model, wrapped or not.
            learning_rate: the recipe's, for everything but the projector.
        """
        decay = set(self.get_decay_parameter_names(model))
        groups: list[dict[str, Any]] = []
        # The first group's rate is the one that the trainer logs.
        for part, rate in (("lora", learning_rate), ("projector", self.projector_learning_rate or learning_rate)):
            for decayed in (True, False):
                parameters = [
                    parameter
                    for name, parameter in model.named_parameters()
                    if parameter.requires_grad
                    and is_projector(name) == (part == "projector")
                    and (name in decay) == decayed
                ]
                if parameters:
                    weight_decay = self.args.weight_decay if decayed else 0.0
                    groups.append({"name": part, "params": parameters, "lr": rate, "weight_decay": weight_decay})
        return groups

    def _create_multipack_sampler(self, base_sampler: Any, dataset: Any, *, is_training: bool = True) -> Any:
        sampler = super()._create_multipack_sampler(base_sampler, dataset, is_training=is_training)
        if not (is_training and self.args.balance_labels):
            return sampler
        epochs = math.ceil(self.args.num_train_epochs)
        if self.args.max_steps > 0:
            packs = self.args.max_steps * self._batches_per_optimizer_step()
            epochs = math.ceil(packs / max(1, len(sampler))) + 1
        return WholeEpochSampler.of(sampler, epochs)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Resume stage 1 from its projector; a LoRA's checkpoint is the trainer's own business."""
        if (Path(resume_from_checkpoint) / projector.WEIGHTS).is_file():
            load_projector(model or self.model, resume_from_checkpoint)
        else:
            super()._load_from_checkpoint(resume_from_checkpoint, model)
