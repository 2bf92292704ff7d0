"""One stage of a rehearsal: its recipe, the commands on it, and what they wrote."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from bimedix2_plugin.rehearse.adapt import Adapted, Place
from bimedix2_plugin.rehearse.checkpoint_proofs import prepared_rows
from bimedix2_plugin.rehearse.commands import Run
from bimedix2_plugin.rehearse.proof import NUMBERS, Proof, not_here, shown

Do = Callable[[Run, Path], int]


@dataclass(frozen=True)
class Step:
    """One command.

    Attributes:
        name: what it does.
        do: runs it, given how to run `axolotl` and a log; returns the exit status.
        proofs: makes the proofs that its output allows.
        expected: the exit status that it has to have.
    """

    name: str
    do: Do
    proofs: Callable[[], list[Proof]] = list
    expected: int = 0


class Stage:
    """One stage's recipe and what its commands wrote.

    Args:
        adapted: its recipe.
        place: the rehearsal's folders.
    """

    def __init__(self, adapted: Adapted, place: Place) -> None:
        self.adapted, self.place, self.recipe = adapted, place, adapted.recipe
        self.stage = str(self.recipe.get("stage", "instruct"))
        self.root, self.data = place.root, place.data[self.stage]
        self.label = f"stage {NUMBERS[self.stage]}"

    def command(
        self, verb: str, *options: str, name: str | None = None, ranks: int | None = None, **changes: Any
    ) -> Do:
        """Return an `axolotl` command on this stage's recipe.

        Args:
            verb: `preprocess`, `train` or `merge-lora`.
            options: further arguments.
            name: of the recipe's file; by default the stage's.
            ranks: processes of a training on GPUs; by default one for each GPU.
            changes: other values for some of the recipe's keys; None removes a key.
        """
        recipe = str(self.write(name or self.stage, **changes))
        launcher = ["--launcher", "python"]
        if verb == "train" and self.place.gpus:
            launcher = ["--launcher", "torchrun", "--", f"--nproc_per_node={ranks or self.place.gpus}"]
        arguments = [verb, recipe, *options, *(launcher if verb == "train" else [])]
        return lambda run, log: run(arguments, log)

    def write(self, name: str, **changes: Any) -> Path:
        """Write the recipe under a name, with other values for some keys; return its path."""
        file = self.root / f"{name}.yml"
        recipe = self.adapted.with_keys(**changes).recipe
        file.write_text(yaml.safe_dump(recipe, allow_unicode=True, sort_keys=False), encoding="utf-8")
        return file

    def evidence_path(self, name: str | None = None) -> Path:
        """Return where a run's evidence is, without suffix."""
        return self.root / f"evidence-{name or self.stage}"

    def evidence(self, name: str | None = None) -> dict[str, Any]:
        """Return what was seen in a run."""
        return dict(json.loads(self.evidence_path(name).with_suffix(".json").read_text(encoding="utf-8")))

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The prepared training rows."""
        return prepared_rows(Path(self.recipe["dataset_prepared_path"]))

    @cached_property
    def tokenizer(self) -> Any:
        """The tokenizer that the stage is trained with."""
        from transformers import AutoTokenizer

        newest = max((self.root / "composed").glob("*/tokenizer_config.json"), key=lambda file: file.stat().st_mtime)
        return AutoTokenizer.from_pretrained(newest.parent)

    def shown(self, name: str, find: Callable[[], tuple[bool, str]]) -> Proof:
        """Make a proof of this stage."""
        return shown(self.stage, name, find)

    def not_here(self, name: str, why: str) -> Proof:
        """Return a proof of this stage that the machine cannot give."""
        return not_here(self.stage, name, why)
