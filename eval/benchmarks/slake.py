"""SLAKE (Liu et al., 2021): questions on radiology images, the English ones."""

from __future__ import annotations

from typing import ClassVar

from data_prep.sources import slake as reader
from eval.benchmark import About
from eval.benchmarks.vqa import VqaBenchmark


class Slake(VqaBenchmark):
    """The English questions of the test split.

    Its answers are written "Yes" and "No". MultiMedEval compares them with "yes" and "no" before it cleans them, so
    that no question of SLAKE is asked for yes or no; its scoring cleans first and does count them as closed.
    """

    FOLDER: ClassVar[str] = "SLAKE"
    FOLDS_CASE: ClassVar[bool] = False
    ABOUT: ClassVar[About] = About(
        title="SLAKE",
        table="Table 5",
        get=reader.Slake.ABOUT.get,
        licence=reader.Slake.ABOUT.licence,
        split="test, English (1,061 questions)",
        layout=reader.Slake.ABOUT.layout,
        redistribute=reader.Slake.ABOUT.redistribute,
    )

    def source(self) -> reader.Slake:
        """The reader of the test split."""
        return reader.Slake(path=str(self.folder), split="test", languages=["en"])
