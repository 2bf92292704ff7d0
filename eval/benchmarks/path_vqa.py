"""PathVQA (He et al., 2020): questions on pathology images of textbooks."""

from __future__ import annotations

from typing import ClassVar, override

from data_prep.sources import path_vqa as reader
from eval.benchmark import About
from eval.benchmarks.vqa import VqaBenchmark


class PathVqa(VqaBenchmark):
    """The test split, of the original files or of the Hub's, which MultiMedEval reads."""

    FOLDER: ClassVar[str] = "path-vqa"
    ABOUT: ClassVar[About] = About.of(
        reader.PathVqa.ABOUT, "PathVQA", table="Table 5", split="test (6,719 questions on the Hub)", size=6719
    )

    @override
    def source(self) -> reader.PathVqa:
        return reader.PathVqa(path=str(self.folder), split="test")

    @override
    def typed(self) -> bool:
        """Whether the pickle has types: test_qa.pkl has none."""
        return isinstance(self._source, reader.PathVqa) and self._source.typed
