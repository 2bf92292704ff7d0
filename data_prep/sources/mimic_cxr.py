"""MIMIC-CXR: the images of a chest X-ray study and the findings of its report, one sample per study.

Images and split come from MIMIC-CXR-JPG, the reports from MIMIC-CXR, which must be downloaded too:
mimic-cxr-2.0.0-split.csv (or .csv.gz; release 2.1.0 keeps the name), files/p10/p10000032/s50414267/DICOM_ID.jpg and
files/p10/p10000032/s50414267.txt. The reports are in a tree of their own, as wget leaves it, in mimic-cxr-reports/, in
mimic-cxr-reports.zip, or in the folders of the images, where MultiMedEval expects them. The findings are the section of
that name, or the text under a heading that names the whole study ("CHEST, TWO VIEWS"), as in MultiMedEval; a study
without findings is rejected.
Source: physionet.org/content/mimic-cxr-jpg, physionet.org/content/mimic-cxr, MultiMedEval 1.0 (mimic.py).
"""

import csv
import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from data_prep.images.image_folder import ImageFolder
from data_prep.rows import Reject, Sample
from data_prep.sources.report_sections import FINDINGS, Section, sections
from data_prep.sources.source import About, Source, conversation, wrong_choice
from data_prep.sources.text_source import first_found, missing
from data_prep.tables.table import GeneratedTable, Table, TableError

INSTRUCTION = "Write the findings section of the radiology report of this study."

_SPLITS = {"train": "train", "validation": "validate", "test": "test"}
_COLUMNS = ("dicom_id", "study_id", "subject_id", "split")
_PLACES = ("", "mimic-cxr-jpg/2.*/", "physionet.org/files/mimic-cxr-jpg/2.*/", "mimic-cxr-jpg/")
_TABLES = tuple(f"{place}mimic-cxr-2.*-split.csv{kind}" for place in _PLACES for kind in ("", ".gz"))
_REPORTS = ("", "mimic-cxr/2.*/", "physionet.org/files/mimic-cxr/2.*/", "mimic-cxr/")
_IN_REPORTS = ("files", "mimic-cxr-reports/files", "mimic-cxr-reports.zip")
_PROBED = 100
"""The number of studies whose reports are looked for to tell where the reports are."""
_VIEWS = re.compile(
    r"chest|portable|lateral|two views|one view|(frontal|pa|ap) (view|and)|frontal|bone window|ribs|pa and lat"
)
_OTHER = ("examination", "exam", "history", "comparison", "addendum", "indication", "reason", "technique")


@dataclass(frozen=True, kw_only=True)
class MimicCxr(Source):
    """`path` is the folder of the download, `reports` the folder with the reports, if that is elsewhere."""

    ABOUT: ClassVar[About] = About(
        title="MIMIC-CXR",
        get="https://physionet.org/content/mimic-cxr-jpg and, for the reports, "
        "https://physionet.org/content/mimic-cxr: a credentialed account, its training and the signed agreement",
        licence="PhysioNet Credentialed Health Data License 1.5.0",
        redistribute=False,
        layout=(
            "mimic-cxr-2.0.0-split.csv",
            "files/p10/p10000032/s50414267/*.jpg",
            "files/p10/p10000032/s50414267.txt, also in mimic-cxr-reports/",
        ),
    )

    path: str
    split: str = "train"
    reports: str = ""
    instruction: str = INSTRUCTION

    def problems(self) -> list[str]:
        """An unknown split, a missing table or images, and missing reports."""
        found = wrong_choice("split", self.split, tuple(_SPLITS)) + missing("path", self.path, _TABLES)
        if found:
            return found
        found = self.image_folder().problems("path")
        try:
            if not self._report_place:
                places = ", ".join(map(str, self._report_places)) or self.reports or self.path
                found.append(
                    f"reports: no report of the first {len(self._probed)} studies is in {places}; MIMIC-CXR-JPG has "
                    "none: download mimic-cxr-reports.zip of physionet.org/content/mimic-cxr"
                )
        except TableError as error:
            found.append(f"path: {error}")
        return found

    def form(self) -> str:
        """The table of the split, and where the images and the reports are."""
        if not first_found(self.path, _TABLES):
            return ""
        try:
            reports = f", reports in {self._report_place}" if self._report_place else ""
        except TableError:
            reports = ""
        return f"{self._table}, images in files/ beside it{reports}"

    def tables(self) -> list[Table]:
        """The studies, grouped from the table of images."""
        return [GeneratedTable(self._table, partial(_studies, self._table))]

    def image_folder(self) -> ImageFolder:
        """The folder `files` beside the table, to which the names of images are relative."""
        return ImageFolder(self._table.parent / "files")

    def version(self) -> str:
        """The folder of the release, if the download kept it."""
        name = self._table.parent.name
        return name if name.startswith("2.") else ""

    def inputs(self) -> dict[str, str | int]:
        """Also the reports, if they are not in the folders of the images."""
        place = self._report_place
        apart = place and place != self._table.parent / "files"
        return super().inputs() | (ImageFolder(place).inputs() if place and apart else {})

    def row_id(self, place: str, row: dict[str, Any]) -> str:
        """The study's number."""
        return f"mimic_cxr-{row['study_id']}"

    def sample(self, row_id: str, row: dict[str, Any]) -> Sample | None:
        """The study's images and its findings. Raises Reject."""
        if row["split"] != _SPLITS[self.split]:
            return None
        report = self._report(row)
        folder = f"{_patient(row)}/s{row['study_id']}"
        return Sample(
            id=row_id,
            language="en",
            task="report",
            modality="x_ray",
            messages=conversation([self.instruction, findings(report)], images=len(row["dicom_ids"])),
            licence=self.terms,
            images=tuple(f"{folder}/{dicom_id}.jpg" for dicom_id in row["dicom_ids"]),
            group=f"mimic_cxr-{row['subject_id']}",
        )

    @cached_property
    def _table(self) -> Path:
        found = [path for pattern in _TABLES for path in sorted(Path(self.path).glob(pattern))]
        return next((path for path in found if (path.parent / "files").is_dir()), found[0])

    @cached_property
    def _report_places(self) -> list[Path]:
        """The folders and archives that may hold reports; those apart from the images come first."""
        roots = [Path(self.reports)] if self.reports else [Path(self.path), self._table.parent]
        places = ("",) if self.reports else _REPORTS
        patterns = [f"{place}{name}" for place in places for name in _IN_REPORTS]
        found = [path for root in roots for pattern in patterns for path in sorted(root.glob(pattern))]
        return sorted(dict.fromkeys(found), key=lambda path: path == self._table.parent / "files")

    @cached_property
    def _probed(self) -> list[str]:
        """The names of the first studies' reports. Raises TableError."""
        return [_report_name(row) for _, row in islice(_studies(self._table), _PROBED)]

    @cached_property
    def _report_place(self) -> Path | None:
        """The first of these places with a report of the first studies. Raises TableError."""
        return next((place for place in self._report_places if any(_has(place, name) for name in self._probed)), None)

    def _report(self, row: dict[str, Any]) -> str:
        """The text of the study's report. Raises Reject."""
        name, place = _report_name(row), self._report_place or self._table.parent / "files"
        try:
            data = (place / name).read_bytes() if place.is_dir() else self._report_archive.read(name).data
        except (OSError, Reject) as error:
            raise Reject("bad_row", f"{place / name}: no report of this study") from error
        return data.decode(errors="replace")

    @cached_property
    def _report_archive(self) -> ImageFolder:
        return ImageFolder(self._report_place or self.path)


def _has(place: Path, name: str) -> bool:
    """Whether a folder or an archive holds this file; a folder is not searched for the name elsewhere in it."""
    return (place / name).is_file() if place.is_dir() else ImageFolder(place).has(name)


def findings(report: str) -> str:
    """The findings of a report, blanks collapsed. Raises Reject if there are none."""
    found = next((section.text for section in sections(report) if _has_findings(section)), "")
    if not found:
        raise Reject("empty_answer", "the report has no findings section")
    return found


def _has_findings(section: Section) -> bool:
    heading = section.heading
    return section.name == FINDINGS or (
        not section.name and bool(_VIEWS.search(heading)) and not any(word in heading for word in _OTHER)
    )


def _report_name(row: dict[str, Any]) -> str:
    return f"{_patient(row)}/s{row['study_id']}.txt"


def _patient(row: dict[str, Any]) -> str:
    return f"p{row['subject_id'][:2]}/p{row['subject_id']}"


def _studies(table: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The studies in the order of their first images: study_id, subject_id, split, dicom_ids."""
    studies: dict[str, dict[str, Any]] = {}
    for row in _image_rows(table):
        facts = {name: row[name] for name in _COLUMNS[1:]}
        studies.setdefault(row["study_id"], {**facts, "dicom_ids": []})["dicom_ids"].append(row["dicom_id"])
    for study, row in studies.items():
        yield f"study {study}", row


def _image_rows(table: Path) -> list[dict[str, str]]:
    """The rows of the table of images, compressed or not."""
    try:
        with gzip.open(table, "rt") if table.suffix == ".gz" else table.open(encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            found = list(rows)
    except (EOFError, OSError, ValueError, zlib.error, csv.Error) as error:
        raise TableError(f"{table}: not a complete table ({error}); download it again") from error
    if not set(_COLUMNS) <= set(rows.fieldnames or ()) or any(None in row.values() for row in found):
        raise TableError(f"{table}: not a complete table of {', '.join(_COLUMNS)}; download it again")
    return found
