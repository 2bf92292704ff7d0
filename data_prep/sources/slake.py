"""SLAKE: questions on radiology images, in English and Chinese (Liu et al. 2021, arXiv:2102.09542).

`path` holds {train,validation,test}.json, JSON lists of {"img_name", "question", "answer", "q_lang", "modality",
"answer_type", "qid"}, and imgs/ or imgs.zip. Each image has a folder of its own, with masks and boxes beside
source.jpg: the rows name source.jpg alone, so no mask becomes an image. A row is taken when `languages` names its
`q_lang`; Chinese cannot be asked for, since the row contract has no Chinese.
"""

import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from data_prep.rows import LANGUAGES, Reject, Sample
from data_prep.sources.base import About, Source, field, own_id, wrong_choice, wrong_file
from data_prep.sources.vqa import asked, first_there, says_closed, snake, task
from data_prep.tables.archive import ImageFolder
from data_prep.tables.base import Table
from data_prep.tables.json_file import JsonTable

_TABLES = {"train": ("train.json",), "validation": ("validate.json", "validation.json"), "test": ("test.json",)}
_IMAGES = ("imgs", "imgs.zip")
_CHINESE = re.compile("[\u4e00-\u9fff]")


@dataclass(frozen=True, kw_only=True)
class Slake(Source):
    """`split` is train, validation or test; `languages` are those of the questions."""

    ABOUT: ClassVar[About] = About(
        title="SLAKE",
        get="https://huggingface.co/datasets/BoKelvin/SLAKE, open to all",
        licence="CC-BY-4.0",
        redistribute=True,
        layout=("train.json, validation.json, test.json", "imgs/ or imgs.zip"),
    )

    path: str
    split: str = "train"
    languages: list[str] = dataclasses.field(default_factory=lambda: ["en"])

    @property
    def _folder(self) -> Path:
        return Path(self.path)

    @property
    def _table(self) -> Path:
        return first_there(self._folder, _TABLES[self.split])

    def problems(self) -> list[str]:
        """An unknown split or language, and files that are not there."""
        found = [] if self.languages else [f"languages: none; wanted: one or more of {', '.join(LANGUAGES)}"]
        for language in self.languages:
            found += wrong_choice("languages", language, LANGUAGES)
        splits = wrong_choice("split", self.split, tuple(_TABLES))
        return [*found, *(splits or wrong_file("path", self._table)), *self.image_folder().problems("path")]

    def tables(self) -> list[Table]:
        """The split's JSON list."""
        return [JsonTable(self._table)]

    def row_id(self, place: str, row: dict[str, Any]) -> str:
        """By `qid`, which is one count over the splits, or by the split and the place in its file."""
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
            task=task(answer, says_closed(row.get("answer_type"))),
            modality=snake(str(row.get("modality") or "")),
            messages=asked(question, answer),
            licence=self.terms,
            images=(image,),
            group=f"slake-{Path(image).parent.name or image}",
        )

    def image_folder(self) -> ImageFolder:
        """The folder or the archive of the images."""
        return ImageFolder(first_there(self._folder, _IMAGES))
