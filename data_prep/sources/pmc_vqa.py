"""PMC-VQA: multiple-choice questions on figures of PubMed Central (Zhang et al. 2023, arXiv:2305.10415).

Two releases are read, side by side in one folder on the Hub:
- 1: {train,test,test_clean}.csv and images.zip. `Answer` is the right choice's text, `Answer_label` its letter.
- 2, with figures split into their parts: {train,test}_2.csv and images_2.zip, whose members are under figures/.
  `Answer` is the letter; `index` and `split` are new.
Choices are written " A:text "; the leading letter is dropped. If the letter and the text of an answer disagree, the
letter counts, as in the benchmark. `Answer` and `Answer_label` may be misspelt `Anwser`.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from data_prep.images.image_folder import ImageFolder
from data_prep.rows import Reject, Sample
from data_prep.sources import hub
from data_prep.sources.labels import vqa_task
from data_prep.sources.source import (
    About,
    Source,
    all_existing,
    choice,
    field,
    own_id,
    pmc_article,
    vqa,
    wrong_choice,
    wrong_file,
)
from data_prep.tables.csv_file import CsvTable
from data_prep.tables.table import Table

_LETTERS = ("A", "B", "C", "D")
_SUFFIXES = {1: "", 2: "_2"}
_IMAGES = {
    1: ("images/images", "images", "images.zip"),
    2: ("images_2/figures", "figures", "images_2", "images_2.zip"),
}
_PREFIX = re.compile(r"^[A-D]\s*:\s*")


@dataclass(frozen=True, kw_only=True)
class PmcVqa(Source):
    """`split` is train, test or (release 1) test_clean; `style` is choice (asked with the choices) or open.

    `release` selects one if both are there; otherwise the existing one is read.
    """

    ABOUT: ClassVar[About] = About(
        title="PMC-VQA",
        get="https://huggingface.co/datasets/RadGenome/PMC-VQA, open to all",
        licence="CC-BY-SA-4.0",
        redistribute=True,
        layout=("train.csv, test.csv, test_clean.csv, images.zip", "or train_2.csv, test_2.csv, images_2.zip"),
    )

    path: str
    split: str = "train"
    style: str = "choice"
    release: int = 0

    @property
    def _folder(self) -> Path:
        return hub.folder(self.path)

    @property
    def _release(self) -> int:
        return self.release or (2 if self._table(2).is_file() else 1)

    def _table(self, release: int) -> Path:
        return self._folder / f"{self.split}{_SUFFIXES[release]}.csv"

    def problems(self) -> list[str]:
        """An unknown split, style or release, an ambiguous release, and missing files."""
        found = wrong_choice("split", self.split, ("train", "test", "test_clean"))
        found += wrong_choice("style", self.style, ("choice", "open"))
        if self.release not in (0, *_SUFFIXES):
            return [*found, f"release: {self.release!r}; known: 1, 2"]
        if not self.release and all(self._table(release).is_file() for release in _SUFFIXES):
            return [*found, f"release: {self.path} holds both; choose one: 1 or 2"]
        return found or [*wrong_file("path", self._table(self._release)), *self.image_folder().problems("path")]

    def form(self) -> str:
        """The files of the release that is read, or else those of the other."""
        for release in sorted(_SUFFIXES, key=lambda number: number != self._release):
            paths = [self._table(release), *all_existing(self._folder, _IMAGES[release])]
            there = [str(path.relative_to(self._folder)) for path in paths if path.exists()]
            if there:
                return f"release {release}: {', '.join(there)}"
        return ""

    def tables(self) -> list[Table]:
        """The split's CSV file."""
        return [CsvTable(self._table(self._release))]

    def row_id(self, place: str, row: dict[str, Any]) -> str:
        """The release, split, style, and `index` or the place in the file."""
        # a bare number could equal the index of another row
        number = own_id(row, "index", place) if "index" in row else place.rpartition(" ")[2]
        return f"pmc_vqa-{self._release}-{self.split}-{self.style}-{number}"

    def sample(self, row_id: str, row: dict[str, Any]) -> Sample | None:
        """A question on one figure."""
        if row.get("split") and str(row["split"]).strip() != self.split:
            return None
        figure, question = field(row, "Figure_path"), field(row, "Question")
        options = [_PREFIX.sub("", field(row, f"Choice {letter}")) for letter in _LETTERS]
        right = _right(row, options)
        if self.style == "choice" and "" in options:
            raise Reject("bad_row", f"'Choice {_LETTERS[options.index('')]}' has no text")
        turns = choice(question, options, right) if self.style == "choice" else [question, options[right]]
        return Sample(
            id=row_id,
            language="en",
            task="vqa_choice" if self.style == "choice" else vqa_task(options[right]),
            modality="unknown",
            messages=vqa(turns[0], turns[1]),
            licence=self.terms,
            images=(figure,),
            group=pmc_article(figure),
        )

    def image_folder(self) -> ImageFolder:
        """The folder and the archive of the figures."""
        return ImageFolder(*all_existing(self._folder, _IMAGES[self._release]))

    def version(self) -> str:
        """The release."""
        return str(self._release)


def _right(row: dict[str, Any], options: list[str]) -> int:
    """The index of the correct option, from 0."""
    letter = str(row.get("Answer_label") or row.get("Anwser_label") or "").strip().upper()
    answer = str(row.get("Answer") or row.get("Anwser") or "").strip()
    if letter in _LETTERS:
        return _LETTERS.index(letter)
    texts = [option.casefold() for option in options]
    for known in (texts, [name.casefold() for name in _LETTERS]):
        if answer.casefold() in known:
            return known.index(answer.casefold())
    raise Reject("bad_row", f"the answer {letter or answer!r} is neither a choice nor its letter")
