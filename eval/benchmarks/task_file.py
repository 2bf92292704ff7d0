"""A benchmark as a YAML file: which files, which columns, what is asked, how it is scored.

    title: My questions
    files: questions.csv            # or a list of patterns, of which the first that is there is read
    columns: {question: stem, options: [a, b, c, d], answer: key}
    licence: CC-BY-4.0
    scorer: choice                  # or short, report

The other keys are those of `TaskFile`. Files are CSV, TSV, JSON, JSON Lines or Parquet, in a folder or in the Hub's
cache. A user's own file is read relative to where it stands, one of this project's relative to the root.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from eval.errors import EvalError
from eval.metrics.option_letters import ASK_FOR_LETTER

SHIPPED = Path(__file__).with_name("tasks")
"""The folder of this project's own."""
SUFFIXES = (".yml", ".yaml")
CHOICE, SHORT, REPORT = "choice", "short", "report"
SCORERS = (CHOICE, SHORT, REPORT)
COLUMNS = ("id", "question", "options", "answer", "image")
STOP, LEAVE_OUT = "stop", "leave out"


@dataclass(frozen=True, kw_only=True)
class TaskFile:
    """The content of such a file.

    Attributes:
        title: the name in the field.
        files: patterns below the folder; the first that matches is read.
        columns: the column of `question`, `answer`, `options`, `id`, `image`. Options are in several columns, in one
            (a list, an object by letter, or either as JSON), or in the question's own text. An answer is a letter, an
            option's text, or with `count_from` a number. An image is a file's name, a list of them, or embedded.
        licence: SPDX identifier or name.
        scorer: choice, short or report.
        folder: where the files are.
        get: where they are downloaded.
        redistribute: whether a report that is redistributed may show texts and images.
        hub_split, hub_configuration: of a dataset in the Hub's layout, read where no pattern matches.
        images: folders or archives of the images.
        split, size: the split that is scored, and how many questions it has.
        language: en or ar.
        modality: of the images, or text.
        prompt: what is asked, with {question} and {options}; images stand before it.
        max_new_tokens: of an answer.
        facts: fact -> column, kept with each prediction.
        by: the facts by which scores are split.
        count_from: the number of the first option, where answers are numbers.
        faulty_rows: stop (rows that cannot be asked are an error) or leave out (they are told).
    """

    title: str
    files: tuple[str, ...]
    columns: Mapping[str, str | list[str]]
    licence: str
    scorer: str
    folder: str = "."
    get: str = "ask whoever made this task"
    redistribute: bool = True
    hub_split: str = ""
    hub_configuration: str = ""
    images: tuple[str, ...] = (".",)
    split: str = "test"
    size: int | None = None
    language: str = "en"
    modality: str = ""
    prompt: str = ""
    max_new_tokens: int = 64
    facts: Mapping[str, str] = field(default_factory=dict)
    by: tuple[str, ...] = ()
    count_from: int | None = None
    faulty_rows: str = STOP

    @property
    def in_question(self) -> bool:
        """Whether the options stand in the question's text."""
        return "options" in self.columns and self.columns["options"] == self.columns.get("question")

    @property
    def template(self) -> str:
        """The prompt, or the default: the question, its options a line each, and for a choice the wish for a letter."""
        if self.prompt:
            return self.prompt
        lines = ["{question}", *(["{options}"] if self.scorer == CHOICE and not self.in_question else [])]
        return "\n".join([*lines, *([ASK_FOR_LETTER[self.language]] if self.scorer == CHOICE else [])])

    def named_columns(self) -> list[str]:
        """All columns that rows must have, each once."""
        named = [column for value in self.columns.values() for column in ([value] if isinstance(value, str) else value)]
        return list(dict.fromkeys([*named, *self.facts.values()]))

    def record(self) -> dict[str, Any]:
        """The keys and values, as JSON has them, for a header."""
        record: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return record


def read_task(path: Path) -> tuple[TaskFile, list[str]]:
    """Read a file; what is wrong with it and does not prevent the reading of its data comes beside it.

    Raises:
        EvalError: it is not there, is no YAML, or lacks what the reading of data needs; all problems together.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise EvalError(f"--task {path}: the file cannot be read ({error.strerror}).") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise EvalError(f"--task {path}: not YAML ({error}).") from error
    if not isinstance(content, dict):
        raise EvalError(f"--task {path}: no keys and values. It needs {', '.join(_required())}.")
    return task_of(content, f"--task {path}")


def task_of(content: Mapping[str, Any], where: str) -> tuple[TaskFile, list[str]]:
    """Make a task of its keys and values, as `read_task` does."""
    wrong, fatal, values = [], [], {}
    known = {each.name: each for each in fields(TaskFile)}
    for key, value in content.items():
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            wrong.append(f"unknown key {key!r}" + (f" (did you mean {near[0]}?)" if near else ""))
            continue
        expected, read = _READERS[known[key].type]
        try:
            values[key] = read(value)
        except ValueError:
            fatal.append(f"{key}: {value!r} is not {expected}")
    fatal += [f"no {key}" for key in _required() if key not in content]
    task = TaskFile(**values) if values.keys() >= {*_required()} else None
    fatal += _contradictions(task) if task else []
    if fatal or not task:
        raise EvalError(f"{where}: {'; '.join([*wrong, *fatal])}.")
    return task, wrong


def _required() -> list[str]:
    return [each.name for each in fields(TaskFile) if each.default is MISSING and each.default_factory is MISSING]


def _contradictions(task: TaskFile) -> list[str]:
    found = [f"columns: unknown {name!r}; known: {', '.join(COLUMNS)}" for name in task.columns if name not in COLUMNS]
    needed = ["answer", *(["options", "question"] if task.scorer == CHOICE else [])]
    found += [f"columns: no {name}" for name in needed if name not in task.columns]
    several = [name for name, value in task.columns.items() if not isinstance(value, str) and name != "options"]
    found += [f"columns: {name} is one column, not several" for name in several]
    for key, known in (("scorer", SCORERS), ("language", tuple(ASK_FOR_LETTER)), ("faulty_rows", (STOP, LEAVE_OUT))):
        if getattr(task, key) not in known:
            found.append(f"{key}: {getattr(task, key)!r}; known: {', '.join(known)}")
    if not task.prompt and "question" not in task.columns:
        found.append("no prompt, and columns has no question to ask")
    found += [f"by: {name!r} is none of the facts" for name in task.by if name not in task.facts]
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError
    return value


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(_text, [value] if isinstance(value, str) else _list(value)))


def _list(value: Any) -> list[Any] | tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError
    return value


def _count_or_none(value: Any) -> int | None:
    return None if value is None else _count(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError
    return {_text(key): _text(one) if isinstance(one, str) else list(_texts(one)) for key, one in value.items()}


def _facts(value: Any) -> dict[str, str]:
    return {key: _text(one) for key, one in _mapping(value).items()}


def _maybe_text(value: Any) -> str:
    return "" if value == "" else _text(value)


_READERS: dict[Any, tuple[str, Callable[[Any], Any]]] = {
    "str": ("a text", _maybe_text),
    "tuple[str, ...]": ("a text or a list of them", _texts),
    "int": ("a number", _count),
    "int | None": ("a number", _count_or_none),
    "bool": ("true or false", _flag),
    "Mapping[str, str | list[str]]": ("a mapping to columns", _mapping),
    "Mapping[str, str]": ("a mapping to columns", _facts),
}
"""By the field's type: what a value must be, and its reader, which raises ValueError for any other."""
