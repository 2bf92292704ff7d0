"""What a judge is asked: the instructions, and what a judged benchmark adds to a benchmark.

Scores compare with published ones only if the judge gets the published instructions. Those are part of works under
licences of their own, so they are read from the user's clone of the benchmark, and never executed. Without a clone,
this project's own instructions ask for the same form of reply; scores that come from them say so.
"""

from __future__ import annotations

import ast
import re
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import yaml

from eval.benchmark import Benchmark
from eval.errors import EvalError
from eval.items import Prediction

OWN = "this project's own"
PLAIN, SWAPPED = "plain", "swapped"
"""Kinds of questions: the answers in the published order, or in the other one."""

_OWN_FILE = Path(__file__).with_name("instructions.yml")


@dataclass(frozen=True)
class Instructions:
    """Instructions to a judge: a system message, a text for the user's turn, and their source."""

    source: str
    system: str
    text: str

    @property
    def note(self) -> str:
        """What a reader of a score must know about the instructions."""
        differs = ", so not comparable with published numbers" if self.source == OWN else ""
        return f"instructions: {self.source}{differs}"


class JudgedBenchmark(Benchmark):
    """A benchmark whose scores need verdicts."""

    JUDGED: ClassVar[bool] = True
    PAIRS: ClassVar[bool] = False
    """Whether the judge compares two answers, so that their order can be swapped."""
    KINDS: ClassVar[tuple[str, ...]] = (PLAIN,)
    """What is asked about every answer, a verdict each."""
    MAX_REPLY_TOKENS: ClassVar[int | None] = None
    """The longest reply that the protocol allows; None leaves it to the server."""
    TYPICAL_REPLY_TOKENS: ClassVar[int] = 300
    """The length of a reply that the cost estimate assumes."""

    @abstractmethod
    def instructions(self) -> Instructions:
        """The judge's instructions. Raises EvalError for a published file that cannot be used."""

    @abstractmethod
    def question(self, instructions: Instructions, line: Prediction, *, swapped: bool) -> str:
        """What the judge is asked about one prediction, after the system message."""

    def question_of(self, instructions: Instructions, line: Prediction, kind: str) -> str:
        """The question of one of KINDS, or in the other order."""
        return self.question(instructions, line, swapped=kind == SWAPPED)

    def rubric(self, line: Prediction) -> str:
        """What the judge holds an answer to, for a reader of the report; "" where that is its reference."""
        return ""


def fill(template: str, values: Mapping[str, str]) -> str:
    """Replace each {name} by its value, in one pass: braces inside a value are left alone."""
    names = "|".join(map(re.escape, values))
    return re.sub(rf"\{{({names})\}}", lambda match: values[match[1]], template)


def own(name: str) -> Instructions:
    """Our own instructions under that name."""
    found = _own_file()[name]
    return Instructions(OWN, found["system"], found["text"])


@cache
def _own_file() -> dict[str, dict[str, str]]:
    content: dict[str, dict[str, str]] = yaml.safe_load(_OWN_FILE.read_text(encoding="utf-8"))
    return content


def _first_file(paths: Iterable[Path]) -> Path | None:
    return next((path for path in paths if path.is_file()), None)


def from_script(paths: Iterable[Path], name: str) -> Instructions | None:
    """The constant `name` and the system message in the first of these Python files that exists; None if none does.

    Raises:
        EvalError: the file lacks one of them.
    """
    path = _first_file(paths)
    if path is None:
        return None
    try:
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        (text,) = [
            node.value.value
            for node in nodes
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and _names(node) == [name]
        ]
        (system,) = [found for node in nodes if isinstance(node, ast.Dict) for found in _system(node)]
    except (ValueError, SyntaxError) as error:
        raise EvalError(f"{path}: no {name} and one system message in it. Use the file as it was released.") from error
    return Instructions(f"published, {path.name}", system, str(text))


def _names(node: ast.Assign) -> list[str]:
    return [target.id for target in node.targets if isinstance(target, ast.Name)]


def _system(node: ast.Dict) -> list[str]:
    cells = {
        key.value: value.value
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and isinstance(value, ast.Constant)
    }
    return [str(cells["content"])] if cells.get("role") == "system" and "content" in cells else []


def texts_in(path: Path, name: str) -> dict[str, str]:
    """The texts of the dictionary `name` in a Python file, without its other entries; none if there is no file.

    Raises:
        EvalError: the file is not Python.
    """
    if not path.is_file():
        return {}
    try:
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    except (SyntaxError, UnicodeDecodeError) as error:
        raise EvalError(f"{path}: not Python ({error}). Use the file as it was released.") from error
    found = [node.value for node in nodes if isinstance(node, ast.Assign) and _names(node) == [name]]
    return {
        str(key.value): value.value
        for content in found
        if isinstance(content, ast.Dict)
        for key, value in zip(content.keys, content.values, strict=True)
        if isinstance(key, ast.Constant) and isinstance(value, ast.Constant) and isinstance(value.value, str)
    }


def from_yaml(paths: Iterable[Path], name: str) -> Instructions | None:
    """The texts `system` and `user` under `name` in the first of these YAML files that exists; None if none does.

    Raises:
        EvalError: the file lacks one of them.
    """
    path = _first_file(paths)
    if path is None:
        return None
    try:
        found: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        system, text = found[name]["system"], found[name]["user"]
    except (ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise EvalError(f"{path}: no texts system and user under {name}. Use the file as it was released.") from error
    return Instructions(f"published, {path.name}", system, text)
