"""The verdicts of one predictions file: append-only JSON Lines, so that no question is paid for twice.

A line with `judge` alone says who judges from there on, and how; the last one says whose verdicts are scored. Every
other line is a verdict: its content key, the item, what was judged (`kind`, `repeat`, the hash of the answer), and the
judge's reply as it came.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data_prep.llm.append_only import AppendOnlyFile
from eval.benchmark import Verdict
from eval.errors import EvalError
from eval.items import Prediction

Judge = dict[str, Any]


def path_of(results: Path, name: str) -> Path:
    """The verdicts file that belongs to the predictions file of that name."""
    return results / "verdicts" / f"{name}.jsonl"


def sha256(content: Any) -> str:
    """Hash any JSON value."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def identity(judge: Judge) -> str:
    """A short hash of all that decides a judge's replies besides the question; the address does not."""
    return sha256({key: value for key, value in judge.items() if key != "base_url"})[:16]


class VerdictsFile:
    """Append one judge's verdicts; half a line at the end, left by a killed run, is removed."""

    def __init__(self, path: Path, judge: Judge) -> None:
        """Open or create the file. Raises EvalError for a complete line that is not JSON."""
        self.path, self.identity = path, identity(judge)
        self._file = _file(path)
        self._file.open()
        self.keys = keys_in(path)
        judges = [line["judge"] for line in self._file.records() if "key" not in line]
        if not judges or judges[-1] != judge:
            self._file.append([{"judge": judge}])

    def append(self, verdict: Verdict) -> None:
        """Write one verdict."""
        self._file.append([{**verdict, "judge": self.identity}])
        self.keys.add(verdict["key"])


def keys_in(path: Path) -> set[str]:
    """The content keys of the verdicts in a file; none if there is no file."""
    return {line["key"] for line in _file(path).records() if "key" in line}


def read_verdicts(results: Path, name: str) -> list[Verdict]:
    """The verdicts of the judge that was asked last, with all that is known of it as their `judge`.

    There are none for a file that was not judged; half a line at the end is ignored.

    Raises:
        EvalError: a complete line is not JSON.
    """
    judge: Judge = {}
    verdicts: list[Verdict] = []
    for line in _file(path_of(results, name)).records():
        if "key" in line:
            verdicts.append(line)
        else:
            judge = line["judge"]
    wanted = identity(judge)
    return [{**verdict, "judge": judge} for verdict in verdicts if verdict["judge"] == wanted]


def latest_by_item(
    verdicts: Sequence[Verdict], lines: Sequence[Prediction], kind: str, repeat: int = 0
) -> dict[str, Verdict]:
    """The verdicts of one kind and repeat on the answers as they are now, by item; the last one per item counts."""
    answers = {line.item: sha256(line.output) for line in lines}
    return {
        verdict["item"]: verdict
        for verdict in verdicts
        if (verdict["kind"], verdict["repeat"]) == (kind, repeat)
        and answers.get(verdict["item"]) == verdict["answer_sha256"]
    }


def _file(path: Path) -> AppendOnlyFile:
    return AppendOnlyFile(path, "Remove that line.", EvalError)
