"""The prompt of a step: a YAML file with `system`, `user` and `examples`, whose placeholders are checked.

`system` and `user` are texts with placeholders such as {question}; a brace of the text itself is doubled. `examples`
names a JSON Lines file beside it, one {"user", "assistant"} a line: what the model is shown before the row.
"""

import hashlib
import json
import string
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from data_prep import keys
from data_prep.llm.client import Messages


@dataclass(frozen=True, kw_only=True)
class _Keys:
    user: str
    system: str = ""
    examples: str | None = None


@dataclass(frozen=True)
class Prompt:
    """A prompt file as read; `sha256` is that of the file, `examples_sha256` that of its examples, "" without."""

    system: str
    user: str
    examples: tuple[tuple[str, str], ...]
    sha256: str
    examples_sha256: str

    def messages(self, fields: dict[str, str]) -> Messages:
        """The turns that ask about a row with these fields."""
        system = [{"role": "system", "content": self.system.format_map(fields).strip()}] if self.system else []
        shown = [
            {"role": role, "content": text}
            for pair in self.examples
            for role, text in zip(("user", "assistant"), pair, strict=True)
        ]
        return [*system, *shown, {"role": "user", "content": self.user.format_map(fields).strip()}]


def read(path: Path, known: Collection[str], found: list[str]) -> Prompt | None:
    """Read a prompt file; `known` are the fields of the step's kind. Errors are appended to `found`."""
    try:
        data = path.read_bytes()
        given = yaml.safe_load(data.decode())
    except OSError as error:
        found.append(f"prompt: {path}: {error.strerror}")
        return None
    except (UnicodeDecodeError, yaml.YAMLError, ValueError) as error:
        found.append(f"prompt: {path}: not YAML in UTF-8: {error}")
        return None
    wrong = [f"prompt: {path}: {error}" for error in keys.errors("", given, _Keys)]
    is_readable = not wrong
    if is_readable:
        for key in ("system", "user"):
            wrong += [f"prompt: {path}: {key}: {one}" for one in _wrong_fields(given.get(key, ""), known)]
    examples, sha256 = _examples(path.parent, given.get("examples") if is_readable else None, wrong)
    found += wrong
    if wrong:
        return None
    return Prompt(given.get("system", ""), given["user"], examples, hashlib.sha256(data).hexdigest(), sha256)


def _wrong_fields(text: str, known: Collection[str]) -> list[str]:
    try:
        parts = [part for part in string.Formatter().parse(text) if part[1] is not None]
    except ValueError as error:
        return [f"{error}; write a brace that is no field twice"]
    wrong = [f"{{{name}}} is no field; known: {', '.join(sorted(known))}" for _, name, *_ in parts if name not in known]
    return wrong + [f"{{{name}}} has a format; write the name alone" for _, name, form, how in parts if form or how]


def _examples(folder: Path, name: str | None, wrong: list[str]) -> tuple[tuple[tuple[str, str], ...], str]:
    if not name:
        return (), ""
    path = folder / name
    try:
        data = path.read_bytes()
    except OSError as error:
        wrong.append(f"examples: {path}: {error.strerror}")
        return (), ""
    pairs: list[tuple[str, str]] = []
    for number, line in enumerate(data.splitlines(), start=1):
        pair = _pair(line) if line.strip() else ()
        if pair is None:
            wrong.append(f'examples: {path}: line {number}: wanted: {{"user": text, "assistant": text}}')
        elif pair:
            pairs.append(pair)
    return tuple(pairs), hashlib.sha256(data).hexdigest()


def _pair(line: bytes) -> tuple[str, str] | None:
    try:
        given: Any = json.loads(line)
    except ValueError:
        return None
    if not isinstance(given, dict) or given.keys() != {"user", "assistant"}:
        return None
    user, assistant = given["user"], given["assistant"]
    return (user, assistant) if isinstance(user, str) and isinstance(assistant, str) else None
