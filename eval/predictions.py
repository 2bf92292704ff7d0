"""The predictions file: a header line, then one JSON line an item; append-only, so an interrupted run goes on."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.errors import EvalError
from eval.items import Prediction

Header = dict[str, Any]


@dataclass(frozen=True)
class Predictions:
    """One read predictions file; `name` is its stem."""

    name: str
    header: Header
    lines: list[Prediction]


class PredictionsFile:
    """Append predictions to a file whose first line is the header of this very run.

    `finished` holds the ids of the items that are answered; one that has an error in place of an answer is not.
    """

    def __init__(self, path: Path, header: Header) -> None:
        """Open or create the file; a half line at its end, left by a killed run, is dropped.

        Raises:
            EvalError: the file holds predictions of a run with another header.
        """
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        _drop_half_line(path)
        if path.exists() and path.stat().st_size:
            found = read_predictions(path)
            _check_header(path, found.header, header)
            self.finished = _answered(found.lines)
        else:
            self.finished = set()
            _append(path, [{"header": header}])

    def append(self, predictions: Iterable[Prediction]) -> None:
        """Write finished items, whole lines at once."""
        lines = list(predictions)
        _append(self.path, [line.record() for line in lines])
        self.finished |= _answered(lines)


def read_predictions(path: Path) -> Predictions:
    """Read a predictions file; a half line at its end is left out.

    Of two lines of one item the later one counts: it was asked again because the earlier one is an error.

    Raises:
        EvalError: a whole line is not JSON, or the first line is no header.
    """
    records: list[dict[str, Any]] = []
    # Not splitlines(): an answer may hold the other line separators of Unicode. What follows the last newline is
    # empty, or half a line.
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):
        try:
            records.append(json.loads(line))
        except ValueError as error:
            raise EvalError(f"{path}: line {number} is not JSON ({error}). Delete the file and run again.") from error
    if not records or "header" not in records[0]:
        raise EvalError(f"{path}: the first line is no header. Delete the file and run again.")
    try:
        latest = {line.item: line for line in map(Prediction.from_record, records[1:])}
    except TypeError as error:
        raise EvalError(f"{path}: a line is no prediction ({error}). Delete the file and run again.") from error
    return Predictions(path.stem, records[0]["header"], list(latest.values()))


def read_all(results: Path) -> list[Predictions]:
    """Read every predictions file of a results folder, in the order in which a report shows them.

    Raises:
        EvalError: there is none.
    """
    paths = sorted((results / "predictions").glob("*.jsonl"))
    if not paths:
        raise EvalError(f"{results / 'predictions'}: no predictions. Make some with `python -m eval run`.")
    return sorted((read_predictions(path) for path in paths), key=_reading_order)


def _reading_order(predictions: Predictions) -> tuple[bool, bool, str, bool, str]:
    """The trained model before the base, its training split first, then its permuted twin, then the other splits."""
    header = predictions.header
    split = header["data"]["split"] if "data" in header else ""
    return header["images"] == "not shown", split != "train", split, header["permuted"] is not None, predictions.name


def _answered(lines: Iterable[Prediction]) -> set[str]:
    return {line.item for line in lines if not line.error}


def _check_header(path: Path, found: Header, wanted: Header) -> None:
    differing = sorted(key for key in {*found, *wanted} if found.get(key) != wanted.get(key))
    if differing:
        details = "; ".join(
            f"{key}: the file has {json.dumps(found.get(key))}, this run has {json.dumps(wanted.get(key))}"
            for key in differing
        )
        raise EvalError(
            f"{path}: these predictions belong to another run ({details}). "
            "Choose another --name or --out, or delete the file."
        )


def _drop_half_line(path: Path) -> None:
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("r+b") as file:
            file.truncate(whole)


def _append(path: Path, records: Iterable[dict[str, Any]]) -> None:
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))
