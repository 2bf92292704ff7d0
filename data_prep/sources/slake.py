"""SLAKE: questions on radiology images, in English and Chinese (Liu et al. 2021, arXiv:2102.09542).

`path`, or Slake1.0/ in it, holds {train,validation,test}.json, JSON lists of {"img_name", "question", "answer",
"q_lang", "modality", "answer_type", "qid"}, and imgs/ or imgs.zip; where both are there, imgs/ is read first. Each
image has its own folder, with masks and boxes beside source.jpg; rows name only source.jpg, so masks are never read. A
row is selected if its `q_lang` is in `languages`; Chinese cannot be selected, since the row contract has no Chinese.
"""

import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from data_prep.images.image_folder import ImageFolder
from data_prep.rows import LANGUAGES, Reject, Sample
from data_prep.sources import hub
from data_prep.sources.labels import is_closed, snake_case, vqa_task
from data_prep.sources.source import (
    About,
    Source,
    all_existing,
    field,
    first_existing,
    folder_with,
    own_id,
    vqa,
    wrong_choice,
    wrong_file,
)
from data_prep.tables.json_file import JsonTable
from data_prep.tables.table import Table

_TABLES = {"train": ("train.json",), "validation": ("validate.json", "validation.json"), "test": ("test.json",)}
_IMAGES = ("imgs", "imgs.zip")
_KNOWN = (*(name for names in _TABLES.values() for name in names), *_IMAGES)
_CHINESE = re.compile("[\u4e00-\u9fff]")


@dataclass(frozen=True, kw_only=True)
class Slake(Source):
    """`split` is train, validation or test; `languages` are those of the questions."""

    ABOUT: ClassVar[About] = About(
        title="SLAKE",
        get="https://huggingface.co/datasets/BoKelvin/SLAKE, open to all",
        licence="CC-BY-4.0",
        redistribute=True,
        layout=("train.json, validation.json, test.json", "imgs/ or imgs.zip", "or all of them in Slake1.0/"),
    )

    path: str
    split: str = "train"
    languages: list[str] = dataclasses.field(default_factory=lambda: ["en"])

    @property
    def _folder(self) -> Path:
        return folder_with(hub.folder(self.path), ("Slake1.0",), _KNOWN)

    @property
    def _table(self) -> Path:
        return first_existing(self._folder, _TABLES[self.split])

    def problems(self) -> list[str]:
        """An unknown split or language, and missing files."""
        found = [] if self.languages else [f"languages: none; wanted: one or more of {', '.join(LANGUAGES)}"]
        for language in self.languages:
            found += wrong_choice("languages", language, LANGUAGES)
        splits = wrong_choice("split", self.split, tuple(_TABLES))
        return [*found, *(splits or wrong_file("path", self._table)), *self.image_folder().problems("path")]

    def form(self) -> str:
        """The tables and the images that are there."""
        there = [name for name in _KNOWN if (self._folder / name).exists()]
        return ", ".join(there) + (f" in {self._folder.name}" if self._folder.name == "Slake1.0" else "")

    def tables(self) -> list[Table]:
        """The split's JSON list."""
        return [JsonTable(self._table)]

    def row_id(self, place: str, row: dict[str, Any]) -> str:
        """The `qid`, which is unique over the splits, or else the split and the place in its file."""
        return f"slake-{own_id(row, 'qid', f'{self.split}-{place}')}"

    def sample(self, row_id: str, row: dict[str, Any]) -> Sample:
        """A question on one image."""
        language = field(row, "q_lang").lower()
        if language not in self.languages:
            raise Reject("not_selected", f"q_lang is {language!r}; wanted: {', '.join(self.languages)}")
        question, answer, image = field(row, "question"), field(row, "answer"), field(row, "img_name")
        if _CHINESE.search(question + answer):
            raise Reject("wrong_language", f"q_lang is {language!r}, and the text is Chinese")
        return Sample(
            id=row_id,
            language=language,
            task=vqa_task(answer, is_closed(row.get("answer_type"))),
            modality=snake_case(str(row.get("modality") or "")),
            messages=vqa(question, answer),
            licence=self.terms,
            images=(image,),
            group=f"slake-{Path(image).parent.name or image}",
        )

    def image_folder(self) -> ImageFolder:
        """The folder and the archive of the images."""
        return ImageFolder(*all_existing(self._folder, _IMAGES))
