"""SLAKE (Liu et al., 2021): questions on radiology images, the English ones."""

from __future__ import annotations

from typing import ClassVar, override

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
    ABOUT: ClassVar[About] = About.of(
        reader.Slake.ABOUT, "SLAKE", table="Table 5", split="test, English (1,061 questions)", size=1061
    )

    @override
    def source(self) -> reader.Slake:
        return reader.Slake(path=str(self.folder), split="test", languages=["en"])
