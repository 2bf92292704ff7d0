"""The predictions file: a header line, then one JSON line an item; append-only, so an interrupted run goes on."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

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

        Raises:
            EvalError: the file holds predictions of a run with another header.
        """
        self.path = path
        self._file = AppendOnlyFile(path, REMEDY, EvalError)
        self._file.open()
        if path.exists() and path.stat().st_size:
            found = read_predictions(path)
            _check_header(path, found.header, header)
            self.finished = _answered(found.lines)
        else:
            self.finished = set()
            self._file.append([{"header": header}])

    def append(self, predictions: Iterable[Prediction]) -> None:
        """Write finished items, whole lines at once."""
        lines = list(predictions)
        self._file.append([line.record() for line in lines])
        self.finished |= _answered(lines)


def read_predictions(path: Path) -> Predictions:
    """Read a predictions file; an incomplete last line is left out.

    Of two lines of one item the later one counts: it was asked again because the earlier one is an error.

    Raises:
        EvalError: a complete line is not JSON or no prediction, or the first line is no header.
    """
    header, *records = list(AppendOnlyFile(path, REMEDY, EvalError).records()) or [{}]
    if "header" not in header:
        raise EvalError(f"{path}: the first line is no header. {REMEDY}")
    try:
        latest = {line.item: line for line in map(Prediction.from_record, records)}
    except TypeError as error:
        raise EvalError(f"{path}: a line is no prediction ({error}). {REMEDY}") from error
    return Predictions(path.stem, header["header"], list(latest.values()))


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
