"""One row as a person would see it: a page of its own with the images in place, Arabic from right to left."""

import base64
import html
from typing import Any

_STYLE = (
    "body{font:1.05rem/1.6 system-ui,sans-serif;max-width:42rem;margin:2rem auto;padding:0 1rem}"
    "img{max-width:100%;display:block;margin:.5rem 0}"
    "section{border-left:.25rem solid #bbb;padding:.1rem 1rem;margin:1rem 0}"
    "section.assistant{border-color:#2a7}h2{font-size:.9rem;margin:0;color:#666}p{white-space:pre-wrap;margin:.3rem 0}"
    "td{padding:0 1rem 0 0;color:#666}"
)


def page(row: dict[str, Any], images: dict[str, bytes]) -> str:
    """The row as HTML without anything to fetch; `images` holds the PNG or JPEG file of each of its keys."""
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
            data = images[next(pending)]
            kind = "png" if data.startswith(b"\x89PNG") else "jpeg"
            parts.append(f'<img alt="" src="data:image/{kind};base64,{base64.b64encode(data).decode()}">')
        else:
            parts.append(f'<p dir="auto">{html.escape(part["text"])}</p>')
    role = html.escape(message["role"])
    return f'<section class="{role}"><h2>{role}</h2>{"".join(parts)}</section>'
