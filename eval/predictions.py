"""The predictions file: a header line, then one JSON line an item; append-only, so an interrupted run goes on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from data_prep.llm.append_only import AppendOnlyFile
from eval.errors import EvalError
from eval.items import Header, Prediction, Predictions

REMEDY = "Delete the file and run again."


class PredictionsFile:
    """Append predictions to a file whose first line is the header of this very run.

    `finished` holds the ids of the items that are answered; one that has an error in place of an answer is not.
    """

    def __init__(self, path: Path, header: Header) -> None:
        """Open or create the file; an incomplete last line, left by a killed run, is dropped.

        A file of another run in which no item is answered holds nothing to keep: it begins anew.

        Raises:
            EvalError: the file holds answers of a run with another header.
        """
        self.path = path
        self._file = AppendOnlyFile(path, REMEDY, EvalError)
        self._file.open()
        self.finished: set[str] = set()
        if path.exists() and path.stat().st_size:
            found = read_predictions(path)
            self.finished = _answered(found.lines)
            if self.finished:
                _check_header(path, found.header, header)
            elif found.header != header:
                path.unlink()
        if not path.exists() or not path.stat().st_size:
            self._file.append([{"header": header}])

    def append(self, predictions: Iterable[Prediction]) -> None:
        """Write finished items, whole lines at once."""
        lines = list(predictions)
        self._file.append([line.record() for line in lines])
        self.finished |= _answered(lines)


def check_same_run(path: Path, header: Header) -> None:
    """Check that the answers in a file are of a run with this header, where there are any.

    Raises:
        EvalError: they are of a run with another header.
    """
    records = iter(AppendOnlyFile(path, REMEDY, EvalError).records())
    first = next(records, None)
    if first is not None:
        found = _header_in(path, first)
        if any(not record.get("error") for record in records):
            _check_header(path, found, header)


def read_predictions(path: Path) -> Predictions:
    """Read a predictions file; an incomplete last line is left out.

    Of two lines of one item the later one counts: it was asked again because the earlier one is an error.

    Raises:
        EvalError: a complete line is not JSON or no prediction, or the first line is no header.
    """
    header, *records = list(AppendOnlyFile(path, REMEDY, EvalError).records()) or [{}]
    found = _header_in(path, header)
    try:
        latest = {line.item: line for line in map(Prediction.from_record, records)}
    except TypeError as error:
        raise EvalError(f"{path}: a line is no prediction ({error}). {REMEDY}") from error
    return Predictions(path.stem, found, list(latest.values()))


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
    split = header.get("data", {}).get("split", "")
    return header["images"] == "not shown", split != "train", split, header["permuted"] is not None, predictions.name


def _answered(lines: Iterable[Prediction]) -> set[str]:
    return {line.item for line in lines if not line.error}


def _header_in(path: Path, first: Mapping[str, Any]) -> Header:
    header = first.get("header")
    if not isinstance(header, dict) or any(key not in header for key in ("model", "images", "permuted")):
        raise EvalError(f"{path}: the first line is no header. {REMEDY}")
    return header


def _check_header(path: Path, found: Header, wanted: Header) -> None:
    old, new = _leaves(found), _leaves(wanted)
    differing = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
    if differing:
        details = "; ".join(
            f"{key}: the file has {json.dumps(old.get(key))}, this run has {json.dumps(new.get(key))}"
            for key in differing
        )
        other = "--name or --out" if "data" in wanted else "--out"
        raise EvalError(
            f"{path}: these predictions belong to another run ({details}). Choose another {other}, or delete the file."
        )


def _leaves(header: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return the single values of a header, each under the keys that lead to it, such as "benchmark.limit"."""
    found: dict[str, Any] = {}
    for key, value in header.items():
        found |= _leaves(value, f"{above}{key}.") if isinstance(value, dict) and value else {f"{above}{key}": value}
    return found
