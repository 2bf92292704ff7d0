"""MedQA, the English part: questions in the style of the United States Medical Licensing Examination.

Three formats are read. The original JSON Lines hold `question`, `options` by letter, `answer` and `answer_idx`, in
folders for five and for four options. The Hub's four-option format (MedQA-USMLE-4-options-hf) holds `sent1`, `ending0`
to `ending3` and `label`, from 0; its `sent2` is empty. Open Life Science AI's (medqa) nests a question with four
options under `data`, and its validation split is named dev.
Source: github.com/jind11/MedQA, huggingface.co/datasets/GBaker/MedQA-USMLE-4-options-hf, openlifescienceai/medqa.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from data_prep.rows import Reject, Sample
from data_prep.sources.nested import nested_question
from data_prep.sources.source import About, choice, field, own_id
from data_prep.sources.text_source import TextSource, number_of
from data_prep.tables.table import ChangedTable, Table

_HUB_OPTIONS = ("ending0", "ending1", "ending2", "ending3")


@dataclass(frozen=True, kw_only=True)
class Medqa(TextSource):
    """`options` is the number of options: 4, as in the benchmark, or 5, as in the exam; the Hub has only four."""

    ABOUT: ClassVar[About] = About(
        title="MedQA (USMLE)",
        get="the archive that https://github.com/jind11/MedQA links to, or "
        "https://huggingface.co/datasets/GBaker/MedQA-USMLE-4-options-hf",
        licence="unknown",
        redistribute=False,
        layout=(
            "data_clean/questions/US/4_options/phrases_no_exclude_train.jsonl",
            "data_clean/questions/US/train.jsonl",
            "or data/train-*.parquet, data/dev-*.parquet",
            "or train.json",
        ),
    )

    options: int = 4

    def problems(self) -> list[str]:
        """Also a number of options other than 4 or 5."""
        if self.options not in (4, 5):
            return [f"options: {self.options}; known: 4, 5"]
        return super().problems()

    def patterns(self) -> tuple[str, ...]:
        """The original files, inside or outside the folders of their archive; for four options also the Hub's."""
        original = "dev" if self.split == "validation" else self.split
        four = f"4_options/phrases_no_exclude_{original}.jsonl"
        name = four if self.options == 4 else f"{original}.jsonl"
        here = tuple(f"{folder}{name}" for folder in ("data_clean/questions/US/", "questions/US/", "US/"))
        if self.options == 5:
            return here
        files = (f"phrases_no_exclude_{original}.jsonl", *(f"{original}{kind}" for kind in (".json", ".jsonl")))
        return (*here, f"data/{self.split}-*.parquet", *files)

    def hub_splits(self) -> tuple[str, ...]:
        """The Hub's names of the split; none for five options."""
        if self.options == 5:
            return ()
        return ("validation", "dev") if self.split == "validation" else (self.split,)

    def tables(self) -> list[Table]:
        """One table per file; a nested question is in the original's format."""
        return [ChangedTable(table, original_format) for table in super().tables()]

    def row_id(self, place: str, row: dict[str, Any]) -> str:
        """The number of options and the Hub's id ("train-00000"), or else the split and the line."""
        return f"medqa-{self.options}-{own_id(row, 'id', f'{self.split}-{number_of(place)}')}"

    def sample(self, row_id: str, row: dict[str, Any]) -> Sample:
        """The question with its options. Raises Reject."""
        question, options, right = self._original(row) if "options" in row else self._hub(row)
        if len(options) != self.options or not all(options):
            raise Reject("bad_row", f"{sum(map(bool, options))} options with text instead of {self.options}")
        return self.exchange(row_id, choice(question, options, right), "text_choice")

    def _original(self, row: dict[str, Any]) -> tuple[str, list[str], int]:
        by_letter = row["options"]
        if not isinstance(by_letter, dict) or row.get("answer_idx") not in by_letter:
            raise Reject("bad_row", "no option has the letter under 'answer_idx'")
        letters = sorted(by_letter)
        options, right = [field(by_letter, letter) for letter in letters], letters.index(row["answer_idx"])
        if options[right] != field(row, "answer"):
            raise Reject("bad_row", f"'answer' is not the text of option {row['answer_idx']}")
        return field(row, "question"), options, right

    def _hub(self, row: dict[str, Any]) -> tuple[str, list[str], int]:
        label = row.get("label")
        if not isinstance(label, int):
            raise Reject("bad_row", f"'label' is {label!r}; wanted: the number of the right option, from 0")
        return field(row, "sent1"), [field(row, name) for name in _HUB_OPTIONS], label


def original_format(row: dict[str, Any]) -> dict[str, Any]:
    """A nested row in the original's format, and any other row as it is."""
    nested = nested_question(row)
    if nested is None:
        return row
    return {
        "id": row.get("id"),
        "question": nested.text,
        "options": nested.options,
        "answer": nested.answer,
        "answer_idx": nested.letter,
    }
