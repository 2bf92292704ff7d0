"""MedMCQA: multiple-choice questions of Indian medical entrance exams.

The correct option `cop` counts from 0 in the Hub's files and from 1 in the original JSON Lines. Copies have it as text:
the same number, the letter of the option, or the option itself. The test split is not read, since its answers were
never published; the benchmark is `validation`.
Source: github.com/medmcqa/medmcqa (README), huggingface.co/datasets/openlifescienceai/medmcqa.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from data_prep.rows import Reject, Sample
from data_prep.sources.source import About, choice, field, own_id
from data_prep.sources.text_source import TextSource, explained, number_of

_OPTIONS = ("opa", "opb", "opc", "opd")
_LETTERS = "abcd"
_HEAD = 1 << 20
"""Bytes of a JSON file that are searched: over a thousand rows."""
_FIRST_IS_RIGHT = re.compile(rb'"cop"\s*:\s*0\s*[,}]')


@dataclass(frozen=True, kw_only=True)
class Medmcqa(TextSource):
    """`explanations` appends the explanation to the answer, if there is one."""

    ABOUT: ClassVar[About] = About(
        title="MedMCQA",
        get="https://huggingface.co/datasets/openlifescienceai/medmcqa, or through https://github.com/medmcqa/medmcqa",
        licence="Apache-2.0",
        redistribute=True,
        layout=("data/train-*.parquet", "data/validation-*.parquet", "or train.json", "dev.json"),
    )
    SPLITS: ClassVar[tuple[str, ...]] = ("train", "validation")

    explanations: bool = False

    def patterns(self) -> tuple[str, ...]:
        """The Hub's files, else the original's."""
        original = "train.json" if self.split == "train" else "dev.json"
        return f"data/{self.split}-*.parquet", original, f"data/{original}"

    def hub_splits(self) -> tuple[str, ...]:
        """The Hub's name of the split."""
        return (self.split,)

    def row_id(self, place: str, row: dict[str, Any]) -> str:
        """The question's own id, or else the split and the row."""
        return f"medmcqa-{own_id(row, 'id', f'{self.split}-{number_of(place)}')}"

    def sample(self, row_id: str, row: dict[str, Any]) -> Sample:
        """The question with its options. Raises Reject."""
        options = [field(row, name) for name in _OPTIONS]
        if not all(options):
            raise Reject("bad_row", "an option without text")
        question, answer = choice(field(row, "question"), options, right_option(row, self._first))
        explanation = field(row, "exp") if self.explanations and row.get("exp") else ""
        return self.exchange(row_id, [question, explained(answer, explanation)], "text_choice")

    @cached_property
    def _first(self) -> int:
        """The number of the first option in these files."""
        return first_option(self.files()[0])


def first_option(path: Path) -> int:
    """The number of the first option in a file: 0 on the Hub, 1 in the original JSON.

    An export of the Hub's rows as JSON has a `cop` of 0 among its first rows, which the original never has.
    """
    if path.suffix in (".parquet", ".arrow"):
        return 0
    with path.open("rb") as file:
        return 0 if _FIRST_IS_RIGHT.search(file.read(_HEAD)) else 1


def right_option(row: dict[str, Any], first: int) -> int:
    """The index of the correct option, which may be no option of the row; `first` is the number of the first one.

    Raises Reject for a value that means no option, or two.
    """
    cop = row.get("cop")
    if isinstance(cop, int) and not isinstance(cop, bool):
        return cop - first
    text = cop.strip() if isinstance(cop, str) else ""
    meant = {number for number, name in enumerate(_OPTIONS) if text and str(row.get(name)).strip() == text}
    if text.isdecimal():
        if meant - {int(text) - first}:
            raise Reject("bad_row", f"'cop' is {cop!r}, which is an option's number and the text of another one")
        return int(text) - first
    if len(text) == 1 and text.lower() in _LETTERS:
        meant |= {_LETTERS.index(text.lower())}
    if len(meant) != 1:
        what = "which means several options" if meant else "wanted: the number, the letter or the text of an option"
        raise Reject("bad_row", f"'cop' is {cop!r}; {what}")
    return meant.pop()
