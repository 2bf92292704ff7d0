"""Chest X-ray reports under the protocol of MedEvalKit's board: findings and impression of a study from its images.

The prompt, the reference «Findings: … Impression: ….» and the choice of studies (those with findings or an impression)
are those of github.com/alibaba-damo-academy/MedEvalKit (utils/IU_XRAY, MIMIC_CXR, CheXpert_Plus, question_formats.py);
the whole answer is scored, its headings too. Its clone is read: datas/NAME/test.json with `image`, `findings` and
`impression`, and datas/NAME/images/. Of the three splits only that of IU X-Ray is in the repository (296 studies, each
with findings and an impression). Those of MIMIC-CXR and CheXpert Plus are not, so their sizes are not confirmed.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, override

from data_prep.images.image_folder import ImageFolder
from data_prep.rows import Rejected
from data_prep.sources import mimic_cxr
from data_prep.tables.json_file import JsonTable
from data_prep.tables.table import TableError, absent, all_rows
from eval.benchmark import About, Benchmark, Scorer
from eval.benchmarks.source_benchmark import image_data, question_turn, tell_left_out
from eval.errors import EvalError
from eval.items import Item
from eval.metrics.reports.medevalkit import board_reports

PROMPT = (
    "You are a helpful assistant. Please generate a report for the given images, including both findings and "
    "impressions. Return the report in the following format: Findings: {} Impression: {}."
)
CLONE = "clone https://github.com/alibaba-damo-academy/MedEvalKit"
FOLDER = "MedEvalKit/datas"


class Study(NamedTuple):
    """One study; `images` are the names of its files, and a section that it lacks is empty."""

    id: str
    images: tuple[str, ...]
    findings: str
    impression: str


class BoardReports(Benchmark):
    """Studies with images, asked and scored as on MedEvalKit's board."""

    SCORER: ClassVar[Scorer] = staticmethod(board_reports)
    MAX_NEW_TOKENS: ClassVar[int] = 512

    @abstractmethod
    def file(self) -> Path:
        """The file of the studies."""

    @abstractmethod
    def images(self) -> Sequence[Path]:
        """The folders or archives of the images; the first that is there is read."""

    @abstractmethod
    def studies(self) -> Iterator[Study | Rejected]:
        """The studies, in the order of the file. May raise TableError."""

    @override
    def problems(self) -> list[str]:
        wrong = absent(self.file())
        found = [f"{self.file()}: {wrong}"] if wrong else []
        found += [problem.removeprefix(": ") for problem in self._images.problems("")]
        return [f"{problem}. Get it: {self.ABOUT.get}." for problem in found]

    @override
    def items(self) -> list[Item]:
        """Studies without a report, or without an image, are left out and told."""
        try:
            studies = list(self.studies())
        except (TableError, OSError) as error:
            raise EvalError(f"{self.name}: {error}") from error
        asked = [study for study in studies if isinstance(study, Study)]
        left_out = [study for study in studies if isinstance(study, Rejected)]
        if not asked:
            raise EvalError(f"{self.file()}: no study has a report and images. Get it: {self.ABOUT.get}.")
        tell_left_out(self.name, len(studies), left_out)
        return [self._item(study) for study in asked]

    @override
    def image(self, name: str) -> bytes:
        return image_data(self.name, lambda: self._images.read(name))

    @cached_property
    def _images(self) -> ImageFolder:
        places = self.images()
        return ImageFolder(next((place for place in places if place.exists()), places[0]))

    def _item(self, study: Study) -> Item:
        return Item(
            id=f"{self.name}-{study.id}",
            language="en",
            task="report",
            modality="x_ray",
            messages=question_turn(PROMPT, images=len(study.images)),
            images=study.images,
            question=PROMPT,
            gold=f"Findings: {study.findings} Impression: {study.impression}.",
        )


def checked(study: Study) -> Study | Rejected:
    """The study, or why it cannot be asked."""
    if not (study.findings.strip() or study.impression.strip()):
        return Rejected(study.id, "no_report", "neither findings nor an impression")
    return study if study.images else Rejected(study.id, "missing_image", "no image")


class _Clone(BoardReports):
    """A split in MedEvalKit's own layout; `DATA` is its folder, `ELSEWHERE` where the images may be too."""

    DATA: ClassVar[str]
    ELSEWHERE: ClassVar[tuple[str, ...]] = ()

    @override
    def file(self) -> Path:
        return self.root / FOLDER / self.DATA / "test.json"

    @override
    def images(self) -> Sequence[Path]:
        return [self.root / FOLDER / self.DATA / "images", *(self.root / place for place in self.ELSEWHERE)]

    @override
    def studies(self) -> Iterator[Study | Rejected]:
        for place, row in all_rows(JsonTable(self.file())):
            yield row if isinstance(row, Rejected) else _study(place, row)


def _study(place: str, row: Mapping[str, Any]) -> Study | Rejected:
    images = row.get("image")
    names = [images] if isinstance(images, str) else images if isinstance(images, list) else []
    findings, impression = (row.get(section) for section in ("findings", "impression"))
    number = place.rpartition(" ")[2]
    if not (isinstance(findings, str) and isinstance(impression, str) and all(isinstance(name, str) for name in names)):
        return Rejected(place, "bad_row", "image, findings and impression must be texts")
    return checked(Study(str(row.get("id") or number), tuple(names), findings, impression))


def _about(title: str, data: str, get: str, split: str, licence: str, *, size: int | None = None) -> About:
    layout = (f"{FOLDER}/{data}/test.json", f"{FOLDER}/{data}/images/")
    return About(title, "", f"{CLONE}, {get}", licence, split, layout, redistribute=False, size=size)


class IuXrayBoard(_Clone):
    """IU X-Ray, 296 studies with two to four images each."""

    DATA: ClassVar[str] = "IU_XRAY"
    ELSEWHERE: ClassVar[tuple[str, ...]] = ("IU-Xray/NLMCXR_png", "IU-Xray/NLMCXR_png.zip", "IU-Xray/NLMCXR_png.tar")
    ABOUT: ClassVar[About] = _about(
        "IU X-Ray reports, MedEvalKit's protocol",
        "IU_XRAY",
        "and NLMCXR_png.tgz of https://openi.nlm.nih.gov/faq, unpacked into datas/IU_XRAY/images or IU-Xray/NLMCXR_png",
        "test of MedEvalKit (296 studies)",
        "CC-BY-NC-ND-4.0",
        size=296,
    )


class MimicCxrBoard(_Clone):
    """MIMIC-CXR in the same layout; which studies the board asks is not published."""

    DATA: ClassVar[str] = "MIMIC_CXR"
    ABOUT: ClassVar[About] = _about(
        "MIMIC-CXR reports, MedEvalKit's protocol",
        "MIMIC_CXR",
        "and write datas/MIMIC_CXR/test.json and images/ from your copy of MIMIC-CXR: its own is not published",
        "yours: MedEvalKit's own is not published",
        mimic_cxr.MimicCxr.ABOUT.licence,
    )


class CheXpertPlusBoard(_Clone):
    """CheXpert Plus in the same layout, with one image a study; which studies the board asks is not published."""

    DATA: ClassVar[str] = "CheXpert_Plus"
    ABOUT: ClassVar[About] = _about(
        "CheXpert Plus reports, MedEvalKit's protocol",
        "CheXpert_Plus",
        "and write datas/CheXpert_Plus/test.json and images/ from your copy of CheXpert Plus: its own is not published",
        "yours: MedEvalKit's own is not published",
        "Stanford University Dataset Research Use Agreement",
    )
