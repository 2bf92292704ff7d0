"""BiMed1.3M, the text instructions of BiMediX v1 (English and Arabic; arXiv:2402.13253).

Its files have not been published, so their format is a guess. A row has turns under any of the keys of
data_prep/sources/turns.py, or `question` and `answer`, or `instruction`, `input` and `output`; its language is detected
by script. A file named .parquet is Parquet, any other JSON (a list, or one object per line).
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from data_prep.rows import LANGUAGES, Message, Reject, Sample
from data_prep.sources.labels import TURNS, select, task_of, wrong_choices
from data_prep.sources.source import About, Source, conversation, names_there, own_id, wrong_choice, wrong_file
from data_prep.sources.source import field as text_field
from data_prep.sources.turns import LISTS, dialogue
from data_prep.tables.json_file import JsonTable
from data_prep.tables.parquet import ParquetTable
from data_prep.tables.table import Table
from data_prep.text.language import language_of


@dataclass(frozen=True, kw_only=True)
class Bimed13m(Source):
    """`path` is one file; `languages` and `turns` (any, single, multi) select rows."""

    ABOUT: ClassVar[About] = About(
        title="BiMed1.3M",
        get="not published; ask the authors (github.com/mbzuai-oryx/BiMediX)",
        licence="CC-BY-NC-SA-4.0",
        redistribute=False,
        layout=("FILE.json, FILE.jsonl or FILE.parquet",),
    )

    path: str
    languages: list[str] = field(default_factory=lambda: list(LANGUAGES))
    turns: str = "any"

    def problems(self) -> list[str]:
        """A missing file, and unknown or empty selections."""
        found = wrong_file("path", self.path) + wrong_choices("languages", self.languages, LANGUAGES)
        return found + wrong_choice("turns", self.turns, TURNS)

    def form(self) -> str:
        """The file."""
        return names_there(self.path)

    def tables(self) -> list[Table]:
        """The one file."""
        return [ParquetTable(self.path) if self.path.endswith(".parquet") else JsonTable(self.path)]

    def row_id(self, place: str, row: dict[str, Any]) -> str:
        """The row's id, or else its place in the file."""
        return f"bimed13m-{own_id(row, 'id', place)}"

    def sample(self, row_id: str, row: dict[str, Any]) -> Sample:
        """A question or a conversation without images. Raises Reject."""
        messages = messages_of(row)
        language = language_of(messages)
        select(messages, language, self.languages, self.turns)
        return Sample(
            id=row_id,
            language=language,
            task=task_of(messages, images=False),
            modality="text",
            messages=messages,
            licence=self.terms,
        )


def messages_of(row: dict[str, Any]) -> list[Message]:
    """The turns of a row in any of these formats. Raises Reject."""
    if any(row.get(key) for key in LISTS):
        return dialogue(row).messages
    if row.get("options") or row.get("choices"):
        raise Reject(
            "bad_row", "options apart from the question, in a form that is not known; write them into its text"
        )
    if "instruction" in row:
        asked = [text_field(row, "instruction"), text_field(row, "input") if row.get("input") else ""]
        return conversation(["\n".join(part for part in asked if part), text_field(row, "output")], images=0)
    if "question" in row:
        return conversation([text_field(row, "question"), text_field(row, "answer")], images=0)
    raise Reject("bad_row", f"none of {', '.join(LISTS)}, question, instruction")
