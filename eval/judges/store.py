"""The verdicts of one predictions file: append-only JSON lines, so that no question is paid for twice.

A line with `judge` alone tells who judges from there on and how; the last one tells whose verdicts are scored. Every
other line is a verdict: its content key, the item, what was judged (`kind`, `repeat`, the hash of the answer), and the
judge's reply as it came.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.benchmark import Verdict
from eval.errors import EvalError
from eval.items import Prediction

Judge = dict[str, Any]


def path_of(results: Path, name: str) -> Path:
    """The verdicts file of a predictions file's name."""
    return results / "verdicts" / f"{name}.jsonl"


def sha256(content: Any) -> str:
    """Hash anything that JSON can hold."""
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def identity(judge: Judge) -> str:
    """A short name of a judge by all that decides its replies beside the question. The address is no part of it."""
    return sha256({key: value for key, value in judge.items() if key != "base_url"})[:16]


class VerdictsFile:
    """Append one judge's verdicts; a half line at the end, left by a killed run, is dropped."""

    def __init__(self, path: Path, judge: Judge) -> None:
        """Open or create the file. Raises EvalError for a whole line that is not JSON."""
        self.path, self.identity = path, identity(judge)
        path.parent.mkdir(parents=True, exist_ok=True)
        content = path.read_bytes() if path.exists() else b""
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            with path.open("r+b") as file:
                file.truncate(whole)
        self.keys = keys_in(path)
        judges = [line["judge"] for line in _lines(path) if "key" not in line]
        if not judges or judges[-1] != judge:
            self._append({"judge": judge})

    def append(self, verdict: Verdict) -> None:
        """Write one verdict."""
        self._append({**verdict, "judge": self.identity})
        self.keys.add(verdict["key"])

    def _append(self, line: Mapping[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def keys_in(path: Path) -> set[str]:
    """The content keys of the verdicts that a file holds; none where there is no file."""
    return {line["key"] for line in _lines(path) if "key" in line}


def read_verdicts(results: Path, name: str) -> list[Verdict]:
    """The verdicts of the judge that was asked last; each one's `judge` is then what is known of it.

    There are none for a file that was not judged; a half line at the end is left out.

    Raises:
        EvalError: a whole line is not JSON.
    """
    judge: Judge = {}
    verdicts: list[Verdict] = []
    for line in _lines(path_of(results, name)):
        if "key" in line:
            verdicts.append(line)
        else:
            judge = line["judge"]
    wanted = identity(judge)
    return [{**verdict, "judge": judge} for verdict in verdicts if verdict["judge"] == wanted]


def standing(
    verdicts: Sequence[Verdict], lines: Sequence[Prediction], kind: str, repeat: int = 0
) -> dict[str, Verdict]:
    """The verdicts of one kind and repeat on the answers as they are now, by item; of several the last counts."""
    answers = {line.item: sha256(line.output) for line in lines}
    return {
        verdict["item"]: verdict
        for verdict in verdicts
        if (verdict["kind"], verdict["repeat"]) == (kind, repeat)
        and answers.get(verdict["item"]) == verdict["answer_sha256"]
    }


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    # Not splitlines(): a reply may hold the other line separators of Unicode.
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1] if path.exists() else [], start=1):
        try:
            yield json.loads(line)
        except ValueError as error:
            raise EvalError(f"{path}: line {number} is not JSON ({error}). Take that line out.") from error
