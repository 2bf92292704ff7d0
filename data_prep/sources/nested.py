"""The format of Open Life Science AI's datasets on the Hub, whose rows nest a question under `data`.

A row is {"id", "data": {"Question", "Options": {"A": text, ...}, "Correct Option": letter, "Correct Answer": text},
"subject_name"}; PubMedQA's `data` also has "Context", a list of texts, and "Long Answer". Parquet gives every row the
options of all rows, so those of other rows are null.
Source: huggingface.co/datasets/openlifescienceai (medqa, pubmedqa, mmlu_anatomy and the other subjects).
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Nested:
    """A nested question; values that the row lacks are None.

    Attributes:
        text: the question.
        options: the text of each option by its letter, in the order of the letters.
        letter: that of the correct option.
        answer: the text of the correct option.
        context: the texts that the question is about.
        explanation: the long answer.
    """

    text: Any
    options: dict[str, Any]
    letter: Any
    answer: Any
    context: Any = None
    explanation: Any = None


def nested_question(row: dict[str, Any]) -> Nested | None:
    """The question nested in a row; None for a row of another format."""
    data = row.get("data")
    if not isinstance(data, dict) or "Question" not in data:
        return None
    given = data.get("Options")
    options = {letter: given[letter] for letter in sorted(given) if given[letter] is not None} if given else {}
    letter = data.get("Correct Option")
    return Nested(
        data["Question"],
        options,
        letter,
        data.get("Correct Answer") or options.get(str(letter)),
        data.get("Context"),
        data.get("Long Answer"),
    )


def option_number(question: Nested) -> int | None:
    """The index of the correct option, from 0; None if no option has its letter."""
    letters = [*question.options]
    return letters.index(question.letter) if question.letter in letters else None
