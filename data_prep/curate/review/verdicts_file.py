"""Verdicts as JSON Lines: written from one file of reviews, read into another."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from data_prep.atomic import atomic_write
from data_prep.curate.review.curated import CuratedSet, texts_of
from data_prep.curate.review.errors import ReviewError
from data_prep.curate.review.store import NAME_RULE, SKIP, VERDICTS, Store, Verdict, is_name, now
from data_prep.sources.source import PLACEHOLDER

_SHOWN = 10
_TYPES: dict[str, type | tuple[type, ...]] = {
    "dataset": str,
    "reviewer": str,
    "role": str,
    "row": str,
    "verdict": str,
    "reason": str,
    "texts": (list, type(None)),
    "seconds": (int, float),
    "at": str,
    "adjudicated": bool,
}


def write(store: Store, curated: CuratedSet, path: Path) -> int:
    """Write all verdicts, one a line, each with the digest of its dataset; return their number."""
    roles = store.roles()
    verdicts = store.verdicts()
    try:
        with atomic_write(path) as partial, partial.open("w", encoding="utf-8", newline="\n") as file:
            for one in verdicts:
                line = {"dataset": curated.dataset, "role": roles.get(one.reviewer, "reviewer"), **vars(one)}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
    except OSError as error:
        raise ReviewError(f"{path}: cannot be written ({error.strerror}); give another --export") from error
    return len(verdicts)


def read(store: Store, curated: CuratedSet, path: Path) -> int:
    """Add the verdicts of a file, and return how many were new; of two by one reviewer on one row, the later counts.

    Raises ReviewError, which names all wrong lines, for verdicts on another dataset, unknown rows and unknown verdicts;
    nothing is then kept.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # a byte-order mark is that of a spreadsheet
    except (OSError, UnicodeDecodeError) as error:
        raise ReviewError(f"{path}: cannot be read as UTF-8 text ({error}); give another --import") from error
    found: dict[tuple[str, str, bool], Verdict] = {}
    roles: dict[str, str] = {}
    wrong: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            given = _checked(json.loads(line), curated)
        except (ValueError, RecursionError, ReviewError) as error:
            wrong.append(f"line {number}: {error}")
            continue
        roles[given["reviewer"]] = given.pop("role")
        del given["dataset"]
        one = Verdict(**given)
        earlier = found.setdefault(_place(one), one)
        found[_place(one)] = max(earlier, one, key=lambda verdict: verdict.at)
    if wrong:
        more = [f"and {len(wrong) - _SHOWN} more lines"] if len(wrong) > _SHOWN else []
        raise ReviewError("\n  ".join([f"{path}: no verdict was read:", *wrong[:_SHOWN], *more]))
    kept = {_place(one): one.at for one in store.verdicts()}
    new = [one for place, one in found.items() if one.at > kept.get(place, "")]
    for name, role in roles.items():
        store.register(name, role, draws=False)
    store.put_all(new)
    return len(new)


def _place(one: Verdict) -> tuple[str, str, bool]:
    """What a reviewer has one verdict for."""
    return one.reviewer, one.row, one.adjudicated


def _checked(line: Any, curated: CuratedSet) -> dict[str, Any]:
    """The line, if it is a verdict on a row of the dataset."""
    if not isinstance(line, dict) or set(line) != set(_TYPES):
        raise ReviewError(f"not a verdict: it needs the keys {', '.join(_TYPES)} and no others")
    wrong = [key for key, kind in _TYPES.items() if not isinstance(line[key], kind)]
    if wrong:
        raise ReviewError(f"of the wrong type: {', '.join(wrong)}")
    if line["dataset"] != curated.dataset:
        raise ReviewError(
            f"a verdict on another dataset ({line['dataset'][:12]}, not {curated.dataset[:12]}, which is "
            f"{curated.folder}); import it into the reviews of that one"
        )
    if line["row"] not in curated.by_id:
        raise ReviewError(f"the dataset has no row {line['row']!r}")
    if line["verdict"] not in (*VERDICTS, SKIP):
        raise ReviewError(f"verdict {line['verdict']!r}; known: {', '.join((*VERDICTS, SKIP))}")
    if not is_name(line["reviewer"]):
        raise ReviewError(f"reviewer {line['reviewer']!r}: {NAME_RULE}")
    if isinstance(line["seconds"], bool) or not 0 <= line["seconds"] < float("inf"):
        raise ReviewError(f"seconds {line['seconds']}: wanted: 0 or more")
    try:
        datetime.fromisoformat(line["at"])
    except ValueError:
        raise ReviewError(f"at {line['at']!r}: not a time such as {now()}") from None
    return {**line, "texts": None if line["texts"] is None else _texts(line["texts"], curated.row(line["row"]))}


def _texts(given: list[Any], row: dict[str, Any]) -> tuple[str, ...] | None:
    """The corrected texts of a row, or None if they are its own."""
    own = texts_of(row["messages"])
    if len(given) != len(own) or not all(isinstance(text, str) and text.strip() for text in given):
        raise ReviewError(f"texts: the row has {len(own)} texts; all are needed, none empty")
    if any(PLACEHOLDER in text for text in given):
        raise ReviewError(f"texts: {PLACEHOLDER} marks the place of an image; write it otherwise")
    return None if [text.strip() for text in given] == own else tuple(given)
