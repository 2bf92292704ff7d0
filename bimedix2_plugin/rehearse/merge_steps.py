"""The steps of a rehearsal after training: merge, reload in plain transformers, generate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bimedix2_plugin.rehearse import checkpoint_proofs as files
from bimedix2_plugin.rehearse import training_proofs as runs
from bimedix2_plugin.rehearse.proof import Proof
from bimedix2_plugin.rehearse.stage import Stage, Step

MERGED = "merged = adapter"
RELOADED = "reloaded = merged"
PROMPTS = "training's prompt tokens = generation's"
ANSWERS = "the merged model answers"


def merge(stage: Stage) -> Step:
    """Return the step that merges the adapter, with the proofs of the merged checkpoint."""
    options = ("--lora-model-dir", str(stage.root / stage.stage))
    return Step(f"{stage.label}: merge", stage.command("merge-lora", *options), lambda: _proofs(stage))


def _proofs(stage: Stage) -> list[Proof]:
    folder = stage.root / stage.stage / "merged"
    proofs: list[Proof] = []
    loaded: dict[str, Any] = {}

    def load() -> tuple[bool, str]:
        from transformers import LlavaForConditionalGeneration

        loaded["model"], loaded["info"] = LlavaForConditionalGeneration.from_pretrained(
            folder, dtype="auto", output_loading_info=True
        )
        return files.merged_is_adapter(loaded["model"], _composed(stage), stage.root / stage.stage)

    proofs.append(stage.shown(MERGED, load))
    proofs.append(stage.shown(RELOADED, lambda: _reloaded(stage, loaded)))
    proofs.append(stage.shown(PROMPTS, lambda: files.prompts_are_trainings(folder, stage.rows, stage.data)))
    proofs.append(
        stage.shown(ANSWERS, lambda: files.generates(loaded["model"].float(), folder, stage.rows, stage.data))
    )
    return proofs


def _reloaded(stage: Stage, loaded: dict[str, Any]) -> tuple[bool, str]:
    quantised = bool(stage.recipe.get("load_in_4bit"))
    tolerance = runs.TOLERANCE[runs.precision(stage.recipe)]
    return files.reloaded_is_trained(
        loaded["model"], loaded["info"], stage.evidence_path(), None if quantised else tolerance
    )


def _composed(stage: Stage) -> Path:
    """Return the composed folder that the stage was trained from: the one with its stage 1's projector."""
    wanted = (stage.recipe.get("projector") or {}).get("init_from")
    for file in sorted((stage.root / "composed").glob("*/composition.json")):
        made = json.loads(file.read_text(encoding="utf-8"))
        if made["projector"]["init_from"] == wanted and (file.parent / "projector.safetensors").is_file():
            return file.parent
    raise FileNotFoundError("no composed folder of this stage")
