"""Kept replies: an append-only file beside the dataset, so that no request is sent twice.

A reply is kept under the sha256 of everything that it depends on: model and settings, the prompt and its examples, the
row's text and images, and the attempt. The first reply kept under a key stays.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from data_prep.curate.errors import CurateError
from data_prep.llm.append_only import AppendOnlyFile, DamagedFileError
from data_prep.llm.client import Reply

_ABRIDGED = 2_000
"""The characters that are kept of a reply that is too long to be used."""


@dataclass(frozen=True)
class Kept:
    """A reply as it is kept; `date` is the day it came, in UTC, and `characters` its length before it was abridged."""

    text: str
    finish: str | None
    date: str
    tokens_in: int
    tokens_out: int
    characters: int


def key_of(what: dict[str, Any]) -> str:
    """The key of a request that depends on these values, in hex."""
    text = json.dumps(what, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


class Replies:
    """The replies of one dataset. Only their places in the file are held in memory."""

    def __init__(self, path: Path, max_characters: int) -> None:
        """Read the places of the replies at `path`. Raises CurateError for a damaged file."""
        self._file = AppendOnlyFile(path, remedy="Remove that line; the row is then asked about again.")
        self._max_characters = max_characters
        self._places: dict[bytes, int] = {}
        try:
            self._file.open()
            for offset, record in self._file.placed_records():
                self._places.setdefault(bytes.fromhex(record["key"]), offset)
        except (DamagedFileError, KeyError, TypeError, ValueError) as error:
            raise CurateError(f"{path}: not a file of kept replies: {error}") from error
        except OSError as error:
            raise CurateError(f"{path}: it cannot be written: {error.strerror}; give another --out") from error

    def __contains__(self, key: str) -> bool:
        return bytes.fromhex(key) in self._places

    def get(self, key: str) -> Kept | None:
        """The reply under a key."""
        place = self._places.get(bytes.fromhex(key))
        if place is None:
            return None
        record = self._file.record_at(place)
        return Kept(**{name: record[name] for name in Kept.__dataclass_fields__})

    def add(self, key: str, about: dict[str, Any], reply: Reply) -> None:
        """Keep a reply; `about` is written beside it, for readers of the file. Raises OSError, as on a full disk."""
        text = reply.text or ""
        kept = Kept(
            text=text if len(text) <= self._max_characters else text[:_ABRIDGED],
            finish=reply.finish_reason,
            date=datetime.now(UTC).date().isoformat(),
            tokens_in=reply.tokens_in or 0,
            tokens_out=reply.tokens_out or 0,
            characters=len(text),
        )
        place = self._file.append([{"key": key, **about, **vars(kept)}])
        self._places.setdefault(bytes.fromhex(key), place)
