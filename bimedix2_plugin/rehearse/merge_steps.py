"""The steps of a rehearsal after training: merge, reload in plain transformers, generate."""

from __future__ import annotations

import json
from functools import cached_property
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


class _Merged:
    """The merged checkpoint, as any user of transformers loads it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def loaded(self) -> tuple[Any, dict[str, Any]]:
        """The model in its own dtype, and transformers' report of the loading."""
        from transformers import AutoModelForImageTextToText

        loaded: Any = AutoModelForImageTextToText.from_pretrained(self.folder, dtype="auto", output_loading_info=True)
        return loaded


def _proofs(stage: Stage) -> list[Proof]:
    adapter = stage.root / stage.stage
    merged = _Merged(adapter / "merged")
    exact = not stage.recipe.get("load_in_4bit")
    tolerance = runs.TOLERANCE[runs.precision(stage.recipe)] if exact else None

    def answers() -> tuple[bool, str]:
        # In bf16 the order of a sum, which a cache changes, can decide between two tokens.
        return files.generates(merged.loaded[0].float(), merged.folder, stage.rows, stage.data)

    return [
        stage.shown(MERGED, lambda: files.merged_is_adapter(merged.loaded[0], _composed(stage), adapter)),
        stage.shown(RELOADED, lambda: files.reloaded_is_trained(*merged.loaded, stage.evidence_path(), tolerance)),
        stage.shown(PROMPTS, lambda: files.prompts_are_trainings(merged.folder, stage.rows, stage.data)),
        stage.shown(ANSWERS, answers),
    ]


def _composed(stage: Stage) -> Path:
    """Return the composed folder that the stage was trained from: the one with its stage 1's projector."""
    wanted = (stage.recipe.get("projector") or {}).get("init_from")
    for file in sorted((stage.root / "composed").glob("*/composition.json")):
        made = json.loads(file.read_text(encoding="utf-8"))
        if made["projector"]["init_from"] == wanted:
            return file.parent
    raise FileNotFoundError("no composed folder of this stage")
