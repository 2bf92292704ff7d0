"""The judge's instructions: the published ones where the user's copy of a benchmark has them, else our own.

Numbers compare with published ones only if the judge is told the same words. Those words are part of works under
licences of their own, so they are read from the clone that the benchmark's data is in, and never run. Our own
instructions ask for the same reply; scores that come of them say so.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from eval.errors import EvalError

OWN = "this project's own"
_OWN_FILE = Path(__file__).with_name("prompts.yml")


@dataclass(frozen=True)
class Wording:
    """`system` and `text` are the judge's instructions, `source` says whose they are."""

    source: str
    system: str
    text: str

    @property
    def note(self) -> str:
        """What a reader of a score must know of the instructions."""
        differs = ", so not comparable with published numbers" if self.source == OWN else ""
        return f"instructions: {self.source}{differs}"


def fill(template: str, values: Mapping[str, str]) -> str:
    """Put values in the place of their {names}, once: what stands in a value is never taken for a name."""
    names = "|".join(map(re.escape, values))
    return re.sub(rf"\{{({names})\}}", lambda match: values[match[1]], template)


def own(name: str) -> Wording:
    """Our own instructions of that name."""
    found = _own_file()[name]
    return Wording(OWN, found["system"], found["text"])


@cache
def _own_file() -> dict[str, dict[str, str]]:
    content: dict[str, dict[str, str]] = yaml.safe_load(_OWN_FILE.read_text(encoding="utf-8"))
    return content


def _first_file(paths: Iterable[Path]) -> Path | None:
    return next((path for path in paths if path.is_file()), None)


def from_script(paths: Iterable[Path], name: str) -> Wording | None:
    """The constant `name` and the system message of the first of these Python files that is there.

    Raises:
        EvalError: the file is there and has not both.
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
        raise EvalError(f"{path}: no {name} and one system message in it. Take the file as it was released.") from error
    return Wording(f"published, {path.name}", system, str(text))


def _names(node: ast.Assign) -> list[str]:
    return [target.id for target in node.targets if isinstance(target, ast.Name)]


def _system(node: ast.Dict) -> list[str]:
    cells = {
        key.value: value.value
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and isinstance(value, ast.Constant)
    }
    return [str(cells["content"])] if cells.get("role") == "system" and "content" in cells else []


def from_yaml(paths: Iterable[Path], name: str) -> Wording | None:
    """The texts `system` and `user` under `name` in the first of these YAML files that is there.

    Raises:
        EvalError: the file is there and has not both.
    """
    path = _first_file(paths)
    if path is None:
        return None
    try:
        found: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        system, text = found[name]["system"], found[name]["user"]
    except (ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise EvalError(f"{path}: no texts system and user under {name}. Take the file as it was released.") from error
    return Wording(f"published, {path.name}", system, text)
