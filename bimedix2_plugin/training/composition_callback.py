"""Each checkpoint of a run says what it is made of, as the finished run's folder does."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from bimedix2_plugin.model.compose import COMPOSITION


class CompositionCallback(TrainerCallback):
    """Puts the composed model's `composition.json` into each `checkpoint-*`."""

    def __init__(self, composed: str | Path) -> None:
        self.file = Path(composed) / COMPOSITION

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Copy the file, once, from the main process."""
        folder = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
        if state.is_world_process_zero and folder.is_dir():
            shutil.copyfile(self.file, folder / COMPOSITION)
