"""Jobs for the ranks of a test: the plugin's model, sampler and collator under torch's own DDP and FSDP2."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import torch
from accelerate.data_loader import BatchSamplerShard
from axolotl.loaders.model import ModelLoader
from axolotl.train import setup_model_and_trainer
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import RandomSampler
from transformers.models.llama.modeling_llama import LlamaDecoderLayer

from bimedix2_plugin.rehearse.ranks import stay_on_the_cpu
from bimedix2_plugin.training.fsdp import gather
from tests.helpers import runs

__all__ = ["compare", "inspect", "setup_model_and_trainer", "text_without_image", "train", "wait"]

RATE = 0.3
Steps = list[list[list[int]]]  # the rows of each rank, for each step


def compare(rank: Any, recipes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Train each recipe for three steps in one process with the packs of all ranks, and on all under DDP and FSDP2.

    Returns:
        For each recipe, by "alone", "ddp" and "fsdp": losses, gradients of each step and the weights after; "rows".
    """
    trainers = [runs.trainer(runs.configuration(**changes)) for changes in recipes]
    results = []
    for trainer in trainers:
        steps = _steps(trainer, 2)
        model = trainer.model.train()
        start = {name: value.clone() for name, value in _trained(model, "data").items()}
        alone = _train(trainer, model, steps, [0, 1])
        _restore(model, start)
        results.append({"rows": steps, "alone": alone, "start": start})
    rank.join()
    for trainer, result in zip(trainers, results, strict=True):
        model = trainer.model
        wrapped = DistributedDataParallel(model, find_unused_parameters=False)
        result["ddp"] = _train(trainer, wrapped, result["rows"], [rank.number])
        _restore(model, result.pop("start"))
        del wrapped
        result["fsdp"] = _train(trainer, _sharded(model), result["rows"], [rank.number])
    return results


def train(rank: Any, changes: dict[str, Any]) -> dict[int, float]:
    """Run `axolotl train` with a recipe on this rank; return the loss of each step."""
    stay_on_the_cpu(rank)
    trainer = runs.train(**changes)
    return {entry["step"]: entry["loss"] for entry in trainer.state.log_history if "loss" in entry}


def inspect(rank: Any, changes: dict[str, Any]) -> dict[str, Any]:
    """Run `axolotl train` on this rank; return what `train` does as "losses", and the precision of all that trains.

    Without an adapter, Axolotl keeps frozen norms and embeddings in float32, but not under FSDP. Here they are in the
    recipe's type in every run: otherwise DDP and FSDP2 would not start from the same weights.

    Returns:
        Also types as sets: "trained", "frozen" (parameters), "optimizer" (moments), "policies" (of FSDP2's modules).
    """
    stay_on_the_cpu(rank)
    ModelLoader._convert_embedding_modules_dtype = lambda *_, **__: None
    trainer = runs.train(**changes)
    parameters = list(trainer.model.parameters())
    moments = [value for state in trainer.optimizer.state.values() for name, value in state.items() if name != "step"]
    wrapped = [module for module in trainer.model.modules() if isinstance(module, FSDPModule)]
    return {
        "losses": {entry["step"]: entry["loss"] for entry in trainer.state.log_history if "loss" in entry},
        "trained": {parameter.dtype for parameter in parameters if parameter.requires_grad},
        "frozen": {parameter.dtype for parameter in parameters if not parameter.requires_grad},
        "optimizer": {moment.dtype for moment in moments},
        "policies": {module._get_fsdp_state()._mp_policy for module in wrapped},
    }


def text_without_image(rank: Any, changes: dict[str, Any]) -> None:
    """Train under DDP as if the collator added no image to a pack of text rows."""
    trainer = runs.trainer(runs.configuration(**changes))
    text = [number for number, row in enumerate(trainer.train_dataset) if not row["images"]][:2]
    with_images = [number for number, row in enumerate(trainer.train_dataset) if row["images"]][:2]
    rows = text if rank.number else with_images
    pack = trainer.data_collator([trainer.train_dataset[row] for row in rows])
    pack.pop("rows", None)
    if rank.number:
        length = sum(len(trainer.train_dataset[row]["input_ids"]) for row in rows)
        pack |= {name: pack[name][:, :length] for name in ("input_ids", "labels", "position_ids")}
        del pack["pixel_values"]
    rank.join(timedelta(seconds=30))
    model = DistributedDataParallel(trainer.model.train(), find_unused_parameters=False)
    for _ in range(2):
        model(**pack, use_cache=False).loss.backward()


def wait(rank: Any) -> None:
    """Take longer than any test."""
    time.sleep(3600)


def _steps(trainer: Any, ranks: int) -> Steps:
    """Return two steps as Axolotl's sampler and accelerate distribute them, and a third with only text on one rank."""
    trainer._data_parallel_size = lambda: ranks
    rows = trainer.train_dataset
    sampler = trainer._create_multipack_sampler(RandomSampler(rows), rows)
    shares = [
        [[row for part in batch for row in part] for batch in BatchSamplerShard(sampler, ranks, rank)]
        for rank in range(ranks)
    ]
    with_images = [number for number, row in enumerate(rows) if row["images"]]
    text = [number for number, row in enumerate(rows) if not row["images"]]
    shared = [list(step) for step in zip(*shares, strict=True)]
    return [*shared[:2], [with_images[:3], (text or with_images[3:])[:2]]]


def _train(trainer: Any, model: Any, steps: Steps, mine: list[int]) -> dict[str, Any]:
    """Train with the packs of some ranks; all labelled tokens of a step have the same weight, as in Axolotl."""
    optimizer = torch.optim.SGD(trainer.parameter_groups(model, RATE), lr=RATE, momentum=0.9)
    result: dict[str, Any] = {"losses": [], "gradients": []}
    for step in steps:
        packs = [trainer.data_collator([trainer.train_dataset[row] for row in rows]) for rows in step]
        items = sum(pack["shift_labels"].numel() for pack in packs)
        loss = 0.0
        for number in mine:
            packs[number].pop("rows", None)
            part = model(**packs[number], use_cache=False, num_items_in_batch=items).loss
            # DDP and FSDP2 average the ranks' gradients.
            (part * (len(packs) / len(mine))).backward()
            loss += float(part.detach())
        result["losses"].append(loss)
        result["gradients"].append(_trained(model, "grad"))
        optimizer.step()
        optimizer.zero_grad()
    return result | {"weights": _trained(model, "data")}


def _sharded(model: Any) -> Any:
    mesh = init_device_mesh("cpu", (torch.distributed.get_world_size(),))
    for module in model.modules():
        if isinstance(module, LlamaDecoderLayer):
            fully_shard(module, mesh=mesh)
    return fully_shard(model, mesh=mesh)


def _trained(model: Any, what: str) -> dict[str, torch.Tensor]:
    """Return the full values or gradients of the trained parameters, by their names without wrappers."""
    values = {n.removeprefix("module."): getattr(p, what) for n, p in model.named_parameters() if p.requires_grad}
    return {name: gather(value).clone() for name, value in values.items()}


def _restore(model: Any, start: dict[str, torch.Tensor]) -> None:
    for name, parameter in model.named_parameters():
        if name in start:
            parameter.data.copy_(start[name])
            parameter.grad = None
