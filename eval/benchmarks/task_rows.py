"""The rows of a YAML task's files, as items."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep.rows import Rejected
from data_prep.sources.text_source import forms_at, number_of, paths_of, problems_of, table_of
from data_prep.tables.table import TableError, all_rows
from eval.benchmarks.source_benchmark import question_turn
from eval.benchmarks.task_file import CHOICE, TaskFile
from eval.errors import EvalError
from eval.items import Item
from eval.metrics.choice import choice_facts
from eval.metrics.choice_reader import chosen
from eval.metrics.option_letters import LETTERS, letter_of, split_options
from eval.metrics.text_match import normalise

EMBEDDED = "#"
"""Between the file and the row in the name of an image that is embedded in a Parquet file."""


@dataclass(frozen=True)
class TaskRows:
    """The rows of the files of `task` in `folder`; `name` is the benchmark's."""

    name: str
    task: TaskFile
    folder: Path

    def problems(self) -> list[str]:
        """Files that are not there."""
        problems = problems_of("path", self.folder, self.task.files, self._forms())
        return [problem.partition(": ")[2] for problem in problems]

    def items(self) -> list[Item | Rejected]:
        """Every row as an item, or why it cannot be asked.

        Raises:
            EvalError: a file that cannot be read, or that lacks columns; all of these together.
        """
        found: list[Item | Rejected] = []
        wrong: list[str] = []
        paths = paths_of(self._forms())
        try:
            for path in paths:
                rows = all_rows(table_of(path))
                for number, (place, row) in enumerate(rows):
                    if number == 0 and isinstance(row, dict) and (lacking := self._lacking(row)):
                        wrong.append(f"{path}: no column {', '.join(lacking)}; it has {', '.join(row)}")
                        break
                    where = f"{path.name} {place}" if len(paths) > 1 else place
                    found.append(row if isinstance(row, Rejected) else self._item(path, where, row))
        except (TableError, OSError) as error:
            wrong.append(str(error))
        if wrong:
            raise EvalError("; ".join(wrong))
        return found

    def embeds_images(self) -> bool:
        """Whether the images are in the rows; False too for files that cannot be read."""
        try:
            for path in paths_of(self._forms()):
                for _, row in all_rows(table_of(path)):
                    return isinstance(row, dict) and self._is_embedded(row)
        except (TableError, OSError):
            pass
        return False

    def _is_embedded(self, row: Mapping[str, Any]) -> bool:
        return "_row" in row and not isinstance(row.get(str(self.task.columns.get("image"))), str | list)

    def _forms(self) -> list[Any]:
        task = self.task
        return forms_at(self.folder, task.files, (task.hub_split,) if task.hub_split else (), task.hub_configuration)

    def _lacking(self, row: Mapping[str, Any]) -> list[str]:
        # The bytes of an embedded image are not among a Parquet file's values.
        image = self.task.columns.get("image") if "_row" in row else None
        return [column for column in self.task.named_columns() if column not in row and column != image]

    def _item(self, path: Path, place: str, row: Mapping[str, Any]) -> Item | Rejected:
        try:
            return self._made(path, place, row)
        except ValueError as error:
            return Rejected(place, "bad_row", str(error))

    def _made(self, path: Path, place: str, row: Mapping[str, Any]) -> Item:
        task = self.task
        question = _text(row, task.columns["question"]) if "question" in task.columns else ""
        images = tuple(self._images(path, row))
        facts: dict[str, Any] = {}
        asked, lines, gold = question, "", ""
        if task.scorer == CHOICE:
            options = self._options(question, row)
            right = _right(_value(row, task.columns["answer"]), options, task.count_from)
            facts = choice_facts(options, right)
            gold = f"{right}. {options[right]}"
            lines = "\n".join(f"{letter}. {text}" for letter, text in options.items())
            asked = question if task.in_question or "{options}" not in task.template else f"{question}\n{lines}"
        else:
            gold = _text(row, task.columns["answer"])
        facts |= {fact: _plain(row.get(column)) for fact, column in task.facts.items()}
        text = task.template.replace("{options}", lines).replace("{question}", question)
        kind = "choice" if task.scorer == CHOICE else task.scorer
        return Item(
            id=f"{self.name}-{_text(row, task.columns['id']) if 'id' in task.columns else _number(place)}",
            language=task.language,
            task=f"{'vqa' if images else 'text'}_{kind}",
            modality=task.modality or ("unknown" if images else "text"),
            messages=question_turn(text, images=len(images)),
            images=images,
            question=asked or text,
            gold=gold,
            facts=facts,
        )

    def _options(self, question: str, row: Mapping[str, Any]) -> dict[str, str]:
        columns = self.task.columns["options"]
        if self.task.in_question:
            options = split_options(question)[1]
        elif isinstance(columns, str):
            options = _listed(row.get(columns), columns)
        else:
            texts = [_plain(row.get(column)) for column in columns]
            options = {letter: text for letter, text in zip(LETTERS, texts, strict=False) if text}
        if len(options) < 2:
            raise ValueError(f"it has {len(options)} options")
        return options

    def _images(self, path: Path, row: Mapping[str, Any]) -> Iterator[str]:
        column = self.task.columns.get("image")
        if not isinstance(column, str):
            return
        value = row.get(column)
        if self._is_embedded(row):
            yield f"{path.name}{EMBEDDED}{row['_row']}"
            return
        for one in _decoded(value) if isinstance(value, str) else value or ():
            name = (one.get("path") or one.get("image_path")) if isinstance(one, Mapping) else one
            if not isinstance(name, str) or not name.strip():
                raise ValueError(f"column {column}: {one!r} is no name of an image")
            yield name.strip()


def _decoded(value: str) -> list[Any]:
    """A list in JSON, or the one text that the value is."""
    value = value.strip()
    if value.startswith("["):
        try:
            return list(json.loads(value.replace("'", '"')))
        except ValueError:
            return [value]
    return [value] if value else []


def _listed(value: Any, column: str) -> dict[str, str]:
    """The options in one value: a list, an object by letter, or a list of objects with a letter and a text."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise ValueError(f"column {column}: {value!r} is neither a list nor JSON") from error
    if isinstance(value, Mapping):
        pairs = [(letter_of(str(letter)), text) for letter, text in value.items()]
    elif isinstance(value, list) and all(isinstance(one, Mapping) for one in value):
        pairs = [(letter_of(str(one.get("letter"))), one.get("content") or one.get("text")) for one in value]
    elif isinstance(value, list):
        pairs = list(zip(LETTERS, value, strict=False))
    else:
        raise ValueError(f"column {column}: {value!r} holds no options")
    return {letter: _plain(text) for letter, text in pairs if letter and _plain(text)}


def _right(value: Any, options: Mapping[str, str], count_from: int | None) -> str:
    """The letter of the right option: by its letter, its number, or its text.

    Raises:
        ValueError: it is none of the options.
    """
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    text = _plain(value)
    if count_from is not None and text.isdecimal():
        number = int(text) - count_from
        letter = LETTERS[number] if 0 <= number < len(LETTERS) else None
    else:
        same = [name for name, option in options.items() if normalise(option) == normalise(text)]
        letter = letter_of(text) or (same[0] if same else chosen(text, options))
    if letter is None or letter not in options:
        raise ValueError(f"the answer is {text!r}, the options are {', '.join(options)}")
    return letter


def _value(row: Mapping[str, Any], column: str | list[str]) -> Any:
    return row.get(column) if isinstance(column, str) else None


def _text(row: Mapping[str, Any], column: str | list[str]) -> str:
    text = _plain(_value(row, column))
    if not text:
        raise ValueError(f"no {column}")
    return text


def _plain(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _number(place: str) -> str:
    return "-".join([*place.split()[:-2], number_of(place)]) if len(place.split()) > 2 else number_of(place)
