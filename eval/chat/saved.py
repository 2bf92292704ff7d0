"""A conversation on disk, in the form that the source `messages` of data_prep reads as a row."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from data_prep.atomic import atomic_write
from eval.chat.conversation import Conversation
from eval.errors import EvalError


def row_of(conversation: Conversation, model: str) -> dict[str, Any]:
    """Return a row: messages with each image by its file's name, and which model answered.

    A last question without an answer is left out.
    `generator.prompt` is the sha256 of the system text, which is all that stands before the conversation.

    Raises:
        EvalError: there is no answer yet.
    """
    answered = conversation.answered()
    if not answered.turns:
        raise EvalError("Nothing to save yet: no question was answered.")
    files = iter([image.key + image.suffix for image in answered.images()])
    messages = [turn | {"content": [_part(part, files) for part in turn["content"]]} for turn in answered.messages()]
    prompt = hashlib.sha256(conversation.system.encode()).hexdigest()
    digest = hashlib.sha256(json.dumps([model, messages]).encode()).hexdigest()
    generator = {"model": model, "prompt": prompt, "date": date.today().isoformat()}
    return {"id": f"chat-{digest[:16]}", "messages": messages, "generator": generator}


def _part(part: dict[str, Any], files: Iterator[str]) -> dict[str, Any]:
    return part | {"path": next(files)} if part["type"] == "image" else part


def save(rows: list[tuple[Conversation, str]], path: Path) -> Path:
    """Write conversations, each with its model's name, as a JSON list; images go into a folder beside it.

    Returns:
        The folder of images, which exists only if there is one.

    Raises:
        EvalError: nothing was answered, or the file cannot be written; an older file then stays as it was.
    """
    written = [row_of(*row) for row in rows]
    folder = path.with_name(f"{path.stem}_images")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for conversation, _ in rows:
            for image in conversation.answered().images():
                folder.mkdir(exist_ok=True)
                with atomic_write(folder / (image.key + image.suffix)) as partial:
                    partial.write_bytes(image.content)
        with atomic_write(path) as partial:
            partial.write_text(json.dumps(written, ensure_ascii=False, indent=1), encoding="utf-8")
    except OSError as error:
        raise EvalError(f"{path}: cannot be written ({error.strerror}). Give another file.") from None
    return folder


def archive(rows: list[tuple[Conversation, str]]) -> bytes:
    """Return the same as a zip file: chat.json and chat_images/. Raises EvalError if nothing was answered."""
    written = [row_of(*row) for row in rows]
    images = [image for conversation, _ in rows for image in conversation.answered().images()]
    files = {f"chat_images/{image.key}{image.suffix}": image.content for image in images}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("chat.json", json.dumps(written, ensure_ascii=False, indent=1))
        for name, content in files.items():
            packed.writestr(name, content)
    return buffer.getvalue()
