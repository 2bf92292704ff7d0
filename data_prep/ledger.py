"""The ledger: one JSON line for each row that was read and not written."""

import json
from collections import Counter
from pathlib import Path
from types import TracebackType

FILE_NAME = "ledger.jsonl"


class Ledger:
    """A context manager that writes a ledger to `path`; `counts` holds the number of entries by reason."""

    def __init__(self, path: Path) -> None:
        self.counts: Counter[str] = Counter()
        self._path = path

    def __enter__(self) -> "Ledger":
        # A lone surrogate in an id is written as a JSON escape, \udXXX.
        self._file = self._path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n")
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._file.close()

    def add(self, source: str, row_id: str, reason: str, detail: str) -> None:
        """Record that a row of a source is not written, and why."""
        self.counts[reason] += 1
        entry = {"source": source, "id": row_id, "reason": reason, "detail": detail}
        self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")
