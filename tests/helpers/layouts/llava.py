"""Rows and files as LLaVA and those after it write them."""

import json
from pathlib import Path


def row(row_id, image, *said, key="conversations", **more):
    """A row whose turns are said by human and gpt in turn; without the key `image` when it is "absent"."""
    turns = [{"from": ("human", "gpt")[number % 2], "value": text} for number, text in enumerate(said)]
    image = {} if image == "absent" else {"image": image}
    return {"id": row_id, **image, key: turns, **more}


def as_list(path: Path, rows) -> Path:
    """Write a JSON list."""
    return _write(path, json.dumps(rows, ensure_ascii=False, indent=1).encode())


def as_lines(path: Path, rows, end: str = "\n", start: bytes = b"") -> Path:
    """Write JSON Lines, whatever the file's name says."""
    return _write(path, start + "".join(json.dumps(row, ensure_ascii=False) + end for row in rows).encode())


def _write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
