"""Show one row of a dataset folder: as JSON, its first image as a file, or as an HTML page with its images."""

import html
import json
from pathlib import Path
from typing import Any

from data_prep import manifest
from data_prep.errors import DataPrepError
from data_prep.images.data_url import data_url
from data_prep.images.store import ImageStore, ImageStoreError
from data_prep.shards import first_ids, row_with_id, split_of

_STYLE = (
    "body{font:1.05rem/1.6 system-ui,sans-serif;max-width:42rem;margin:2rem auto;padding:0 1rem}"
    "img{max-width:100%;display:block;margin:.5rem 0}"
    "section{border-left:.25rem solid #bbb;padding:.1rem 1rem;margin:1rem 0}"
    "section.assistant{border-color:#2a7}h2{font-size:.9rem;margin:0;color:#666}p{white-space:pre-wrap;margin:.3rem 0}"
    "td{padding:0 1rem 0 0;color:#666}"
)


class ShowError(DataPrepError, ValueError):
    """A row that is not in the dataset, or an image that the row does not have."""


def show(folder: Path, row_id: str, image_out: Path | None = None, html_out: Path | None = None) -> str:
    """The row with this id as JSON; writes its first image to `image_out` as stored, and a page to `html_out`.

    Of the dataset it reads ids up to the row, the row's row group, and the row's images, found by the store's index.
    Raises ShowError for an unknown id, for an image that is not stored, and for an `image_out` if the row has no image.
    """
    made = manifest.read(folder)
    shards = list(made["shards"])
    found = row_with_id(folder, shards, row_id)
    if found is None:
        known = ", ".join(first_ids(folder, shards[0], 3))
        raise ShowError(f"{folder}: no row has the id {row_id!r}; known ids are like {known}")
    shard, row = found
    row = {"split": split_of(shard), **row}
    images = _stored(folder, row["images"]) if row["images"] and (image_out or html_out) else {}
    if image_out is not None:
        if not images:
            raise ShowError(f"{row_id}: a row without an image; leave out --image-out")
        image_out.write_bytes(images[row["images"][0]])
    if html_out is not None:
        html_out.write_text(_page(row, images), encoding="utf-8")
    return json.dumps(row, ensure_ascii=False, indent=2)


def _stored(folder: Path, keys: list[str]) -> dict[str, bytes]:
    """The stored bytes of these images by key."""
    try:
        store = ImageStore(folder / "images")
        return {key: store.bytes(key) for key in keys}
    except ImageStoreError as error:
        raise ShowError(str(error)) from error


def _page(row: dict[str, Any], images: dict[str, bytes]) -> str:
    """The row as a self-contained HTML page, Arabic from right to left; `images` maps keys to PNG or JPEG files."""
    pending = iter(row["images"])
    turns = "".join(_turn(message, pending, images) for message in row["messages"])
    facts = ("id", "source", "split", "language", "task", "modality", "licence")
    table = "".join(f"<tr><td>{name}</td><td>{html.escape(str(row[name]))}</td></tr>" for name in facts)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
    title = f"<title>{html.escape(row['id'])}</title>"
    start = f'<!doctype html><html lang="{html.escape(row["language"])}">'
    return f"{start}{head}{title}<table>{table}</table>{turns}</html>\n"


def _turn(message: dict[str, Any], pending: Any, images: dict[str, bytes]) -> str:
    parts = []
    for part in message["content"]:
        if part["type"] == "image":
            parts.append(f'<img alt="" src="{data_url(images[next(pending)])}">')
        else:
            parts.append(f'<p dir="auto">{html.escape(part["text"])}</p>')
    role = html.escape(message["role"])
    return f'<section class="{role}"><h2>{role}</h2>{"".join(parts)}</section>'
