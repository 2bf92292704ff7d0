"""A recipe's rehearsal: its own settings over stand-ins and a few rows; each other difference is a line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bimedix2_plugin.rehearse.stand_ins import StandIns

STEPS, SAVE_STEPS = 4, 2
ALIGN_STEPS = 2
_REPORTING = ("wandb", "mlflow", "comet", "swanlab", "trackio", "otel")
_NAMES = ("revision_of_model", "vision_tower_revision", "base_model_config", "tokenizer_config", "tokenizer_type")
_SHARDING = ("fsdp_config", "gradient_checkpointing")
_PROBE = "bimedix2_plugin.rehearse.probe.ProbePlugin"


@dataclass(frozen=True)
class Place:
    """Where a stage's rehearsal reads and writes.

    Attributes:
        root: the rehearsal's folder.
        stand_ins: of the base and the tower.
        data: the few rows' folder, by stage.
        gpus: of this machine; 0 for its CPU.
    """

    root: Path
    stand_ins: StandIns
    data: dict[str, Path]
    gpus: int


@dataclass(frozen=True)
class Adapted:
    """A recipe with the rehearsal's paths and without what the machine does not have.

    Attributes:
        recipe: the keys and values to write as YAML.
        replaced: what was changed because the machine does not have it, one line each.
        sharding: the recipe's own keys of what was replaced because one process has nothing to shard.
        attention: the recipe's implementation, if the machine cannot run it; else None.
    """

    recipe: dict[str, Any]
    replaced: tuple[str, ...]
    sharding: dict[str, Any]
    attention: str | None

    def with_keys(self, **changes: Any) -> Adapted:
        """Return a copy with other values; None removes a key."""
        merged = self.recipe | changes
        return replace(self, recipe={key: value for key, value in merged.items() if value is not None})


def adapt(recipe: dict[str, Any], place: Place) -> Adapted:
    """Return the rehearsal's form of a recipe.

    Args:
        recipe: the YAML file's content.
        place: of its stage.
    """
    stage = recipe.get("stage", "instruct")
    adapted = {key: value for key, value in recipe.items() if key not in _NAMES and not _reports(key)}
    adapted |= {
        "base_model": str(place.stand_ins.base),
        **({"vision_tower": str(place.stand_ins.tower)} if place.stand_ins.tower else {}),
        "composed_path": str(place.root / "composed"),
        "dataset_prepared_path": str(place.root / "prepared" / stage),
        "output_dir": str(place.root / stage),
        "plugins": [_PROBE, *recipe.get("plugins", [])],
        "max_steps": ALIGN_STEPS if stage == "align" else STEPS,
        "save_strategy": "steps",
        "save_steps": SAVE_STEPS,
        "logging_steps": 1,
        "dataset_num_proc": 1,
        "auto_resume_from_checkpoints": True,
        "rehearsal": {"evidence": str(place.root / f"evidence-{stage}")},
    }
    for key in ("datasets", "test_datasets"):
        if key in recipe:
            adapted[key] = [dict(entry, path=str(place.data[stage])) for entry in recipe[key]]
    if (recipe.get("projector") or {}).get("init_from"):
        adapted["projector"] = dict(recipe["projector"], init_from=str(place.root / "align"))
    adapted.pop("saves_per_epoch", None)
    changes = [] if place.gpus else list(_without_gpu(adapted, place.stand_ins.base))
    replaced = []
    for key, value, text in changes:
        replaced.append(f"{key}: {text}")
        if value is None:
            adapted.pop(key)
        else:
            adapted[key] = value
    if any(_reports(key) for key in recipe):
        replaced.append("reports and uploads: off")
    sharding = {key: recipe.get(key) for key, *_ in changes if recipe.get("fsdp_config") and key in _SHARDING}
    own = recipe.get("attn_implementation")
    return Adapted(adapted, tuple(replaced), sharding, own if own != adapted.get("attn_implementation") else None)


def _reports(key: str) -> bool:
    return key.removeprefix("use_").startswith(_REPORTING) or key.startswith("hub_")


def _without_gpu(recipe: dict[str, Any], base: Path) -> Iterator[tuple[str, Any, str]]:
    """Yield what a CPU cannot do: the key, the value in its place (None: without the key), and the line."""
    here = "there is no GPU here"
    attention = recipe.get("attn_implementation")
    if attention not in (None, "sdpa", "eager"):
        # sdpa has no soft cap on attention scores, as Gemma 2 needs it.
        capped = json.loads((base / "config.json").read_text(encoding="utf-8")).get("attn_logit_softcapping")
        other = "eager" if capped else "sdpa"
        yield "attn_implementation", other, f"{other} in place of {attention}; {here}"
    if recipe.get("tf32"):
        yield "tf32", False, f"false; {here}"
    if recipe.get("fp16"):
        yield "fp16", False, f"false; {here}"
    optimizer = str(recipe.get("optimizer", ""))
    if "8bit" in optimizer or "paged" in optimizer:
        yield "optimizer", "adamw_torch", f"adamw_torch in place of {optimizer}; {here}"
    if recipe.get("fsdp_config"):
        if recipe["fsdp_config"].get("activation_checkpointing"):
            yield "gradient_checkpointing", True, "true in place of FSDP2's in one process"
        yield "fsdp_config", None, "in two processes that communicate through gloo; one process has nothing to shard"
    workers, cores = int(recipe.get("dataloader_num_workers") or 0), len(os.sched_getaffinity(0))
    if workers > cores:
        yield "dataloader_num_workers", cores, f"{cores} in place of {workers}; there are {cores} cores here"
    if recipe.get("deepspeed"):
        yield "deepspeed", None, f"left out; {here}"
    for key in ("torch_compile", "use_ray"):
        if recipe.get(key):
            yield key, None, f"left out; {here}"
