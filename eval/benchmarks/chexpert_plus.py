"""CheXpert Plus (arXiv 2405.19538): the report of a chest X-ray study from its images, asked as on MedEvalKit's board.

df_chexpert_plus_240401.csv has a row an image; rows of one patient and date are a study. Asked are the studies of its
split `valid` with findings or an impression. Which studies MedEvalKit asks is not published (its test.json is not in
its repository), so numbers compare with its board in protocol and not in studies: `chexpert_plus_board` reads a
test.json. Images are the PNG or the JPEG files, named by `path_to_image`; of their folder only train/ and valid/ below
PNG/ or PNG/PNG/ is known from public code.
Source: github.com/Stanford-AIMI/chexpert-plus; the columns as that README names them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, override

from data_prep.rows import Rejected
from data_prep.tables.csv_file import CsvTable
from data_prep.tables.table import TableError, all_rows
from eval.benchmark import About
from eval.benchmarks.board_reports import BoardReports, Study, checked

TABLE = "df_chexpert_plus_240401.csv"
SPLIT = "valid"
COLUMNS = ("path_to_image", "section_findings", "section_impression")


class CheXpertPlus(BoardReports):
    """The studies of the split valid. An image is of it by the column `split`, or where it has none by its path."""

    FOLDER: ClassVar[str] = "CheXpert-Plus"
    ABOUT: ClassVar[About] = About(
        title="CheXpert Plus report generation",
        table="",
        get="https://aimi.stanford.edu/datasets/chexpert-plus: an account, and its agreement",
        licence="Stanford University Dataset Research Use Agreement",
        split="valid, studies with a report",
        layout=(TABLE, "PNG/"),
        redistribute=False,
    )

    @override
    def file(self) -> Path:
        return self.root / self.FOLDER / TABLE

    @override
    def images(self) -> Sequence[Path]:
        return [self.root / self.FOLDER / name for name in ("PNG", "PNG.zip", "images", "images.zip", SPLIT)]

    @override
    def studies(self) -> Iterator[Study | Rejected]:
        found: dict[str, Study] = {}
        for place, row in all_rows(CsvTable(self.file())):
            if isinstance(row, Rejected):
                yield row
                continue
            lacking = [column for column in COLUMNS if column not in row]
            if lacking:
                raise TableError(f"{self.file()}: no column {', '.join(lacking)}; use the file as it was released")
            path = row["path_to_image"].strip()
            if (row.get("split") or path.partition("/")[0]).strip() != SPLIT:
                continue
            if not path:
                yield Rejected(place, "bad_row", "no path_to_image")
                continue
            study = path.rpartition("/")[0].removeprefix(f"{SPLIT}/")
            images = (*(found[study].images if study in found else ()), self._file_of(path))
            found[study] = Study(study, images, *(_section(row, name) for name in COLUMNS[1:]))
        yield from map(checked, found.values())

    def _file_of(self, path: str) -> str:
        """The PNG file where images are PNG files; the table names JPEG files."""
        png = path.removesuffix(".jpg") + ".png"
        return png if self._images.path.name.startswith("PNG") else path


def _section(row: dict[str, Any], column: str) -> str:
    return " ".join((row[column] or "").split())
