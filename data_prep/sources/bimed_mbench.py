"""BiMed-MBench: 193 questions on 54 figures, in English and in Arabic, answered by GPT-4 from the figures' captions.

It is LLaVA-Med's benchmark of 50 images and its Arabic translation. Each file is found under both of its names:
llava_med_eval_qa50_qa{,_arabic_verified}.jsonl as released, and bimed-mbench_{eng,ara}.jsonl as in its scripts. In the
Arabic file many values of `type` are translated, in several ways: they are recognised by their first word, and other
values are rejected. If several domains are true, the first in DOMAINS counts.
Source: github.com/mbzuai-oryx/BiMediX2, BiMed-MBench/.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from data_prep.images.image_folder import ImageFolder
from data_prep.rows import LANGUAGES, Reject, Rejected, Sample
from data_prep.sources.source import About, Source, conversation, field, own_id, wrong_choice
from data_prep.sources.text_source import first_found, missing
from data_prep.tables.json_file import JsonTable
from data_prep.tables.table import Table, TableError, all_rows

CONVERSATION, DESCRIPTION = "conversation", "detailed_description"
DOMAINS = {"chest_xray": "x_ray", "mri": "mri", "histology": "histology", "gross": "gross", "ct_scan": "ct"}
"""The domains, in order of precedence, and the modality of each."""

_TYPES = {"conversation": CONVERSATION, "محادثة": CONVERSATION, "detailed": DESCRIPTION, "وصف": DESCRIPTION}
_TASKS = {CONVERSATION: "vqa_open", DESCRIPTION: "caption"}
_NAMES = {
    "en": ("llava_med_eval_qa50_qa.jsonl", "bimed-mbench_eng.jsonl"),
    "ar": ("llava_med_eval_qa50_qa_arabic_verified.jsonl", "bimed-mbench_ara.jsonl"),
}
_FOLDERS = ("", "data/test_sets/", "BiMed-MBench/data/test_sets/")


@dataclass(frozen=True)
class Item:
    """One question, with the context of its figure that a judge is given.

    Attributes:
        image: the name of the image file.
        answer: the reference answer, `gpt4_answer`.
        type: CONVERSATION or DESCRIPTION.
        domain: a key of DOMAINS.
        label, caption: the figure's label and caption in its article.
        mentions: the article's sentences about the figure, as in the file: a list of {"tokens", "entities"}, or "".
    """

    question_id: int
    image: str
    question: str
    answer: str
    type: str
    domain: str
    label: str
    caption: str
    mentions: Any


@dataclass(frozen=True, kw_only=True)
class BimedMbench(Source):
    """`path` is the folder of the files, `images` the folder of the figures, by default `images` beside them."""

    ABOUT: ClassVar[About] = About(
        title="BiMed-MBench",
        get="https://github.com/mbzuai-oryx/BiMediX2, folder BiMed-MBench/data/test_sets",
        licence="unknown",
        redistribute=False,
        layout=(_NAMES["en"][0], _NAMES["ar"][0], "images/"),
    )

    path: str
    language: str = "en"
    split: str = "test"
    images: str = ""

    def problems(self) -> list[str]:
        """An unknown language or split, and missing files."""
        found = wrong_choice("language", self.language, LANGUAGES) + wrong_choice("split", self.split, ("test",))
        found = found or missing("path", self.path, self._patterns())
        return found or self.image_folder().problems("images")

    def form(self) -> str:
        """The file of the language, in its folder."""
        return ", ".join(str(path.relative_to(self.path)) for path in first_found(self.path, self._patterns()))

    def tables(self) -> list[Table]:
        """The file of the language."""
        return [JsonTable(self.file)]

    @property
    def file(self) -> Path:
        """The file of the language, for `items`."""
        return first_found(self.path, self._patterns())[0]

    def image_folder(self) -> ImageFolder:
        """The figures."""
        return ImageFolder(self.images or self.file.parent / "images")

    def row_id(self, place: str, row: dict[str, Any]) -> str:
        """The language and the question's number, or else its place in the file."""
        return f"bimed_mbench-{self.language}-{own_id(row, 'question_id', place)}"

    def sample(self, row_id: str, row: dict[str, Any]) -> Sample:
        """The question with its figure. Raises Reject."""
        item = _item(row)
        return Sample(
            id=row_id,
            language=self.language,
            task=_TASKS[item.type],
            modality=DOMAINS[item.domain],
            messages=conversation([item.question, item.answer], images=1),
            licence=self.terms,
            images=(item.image,),
            parent=f"bimed_mbench-en-{item.question_id}" if self.language == "ar" else None,
        )

    def _patterns(self) -> tuple[str, ...]:
        return tuple(folder + name for folder in _FOLDERS for name in _NAMES[self.language])


def items(path: str | Path) -> list[Item]:
    """The questions of one file, in order. Raises TableError for an invalid row."""
    return list(_items(Path(path)))


def _items(path: Path) -> Iterator[Item]:
    for place, row in all_rows(JsonTable(path)):
        if isinstance(row, Rejected):
            raise TableError(row.detail)
        try:
            yield _item(row)
        except Reject as reject:
            raise TableError(f"{path}: {place}: {reject.detail}; take the file as it was released") from reject


def _item(row: dict[str, Any]) -> Item:
    number = row.get("question_id")
    if not isinstance(number, int):
        raise Reject("bad_row", f"'question_id' is {number!r}; wanted: a number")
    return Item(
        question_id=number,
        image=field(row, "image"),
        question=field(row, "text"),
        answer=field(row, "gpt4_answer"),
        type=_type(field(row, "type")),
        domain=_domain(row.get("domain")),
        label=field(row, "fig_label"),
        caption=field(row, "fig_caption"),
        mentions=row.get("in_text_mention") or "",
    )


def _type(value: str) -> str:
    word = (value.replace("_", " ").split() or [""])[0].lower()
    if word not in _TYPES:
        raise Reject("bad_row", f"'type' is {value!r}; known are values that start with {', '.join(_TYPES)}")
    return _TYPES[word]


def _domain(value: Any) -> str:
    found = [name for name in DOMAINS if isinstance(value, dict) and value.get(name) is True]
    if not found:
        raise Reject("bad_row", f"no domain of {', '.join(DOMAINS)} is true in {value!r}")
    return found[0]
