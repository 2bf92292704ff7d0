"""PathVQA (He et al., 2020): questions on pathology images of textbooks."""

from __future__ import annotations

from typing import ClassVar

from data_prep.sources import path_vqa as reader
from eval.benchmark import About
from eval.benchmarks.vqa import VqaBenchmark


class PathVqa(VqaBenchmark):
    """The test split, of the original files or of the Hub's, which MultiMedEval reads."""

    FOLDER: ClassVar[str] = "path-vqa"
    ABOUT: ClassVar[About] = About(
        title="PathVQA",
        table="Table 5",
        get=reader.PathVqa.ABOUT.get,
        licence=reader.PathVqa.ABOUT.licence,
        split="test (6,719 questions on the Hub)",
        layout=reader.PathVqa.ABOUT.layout,
        redistribute=reader.PathVqa.ABOUT.redistribute,
    )

    def source(self) -> reader.PathVqa:
        """The reader of the test split."""
        return reader.PathVqa(path=str(self.folder), split="test")
