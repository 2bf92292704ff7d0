"""Convert the conversations of released files to messages.

A row has its turns under one of LISTS (`conversatons` is LLaVA-Med's spelling). A turn has `from` and `value`, as in
LLaVA and ShareGPT, or `role` and `content`, as in Axolotl, where `content` is a text or a list of parts
{"type": "text", "text"}, {"type": "image", "path"} and {"type": "image_url", "image_url": {"url"}}. In a text, each
`<image>` marks the position of an image; a turn whose text is null or missing is empty. Images are named in their
parts, or else by `image` or `images` beside the turns.
"""

from typing import Any, NamedTuple

from data_prep.rows import Message, Part, Reject, image_part, text_part
from data_prep.sources.source import PLACEHOLDER, content

LISTS = ("conversations", "conversatons", "conversation", "messages", "dialogue", "chat")
_ROLES = {
    "system": "system",
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "patient": "user",
    "doctor": "assistant",
}
_SPEAKERS = ("from", "role", "speaker")
_TEXTS = ("value", "content", "text")
_NAME_KEYS = ("path", "image", "url", "image_url")
_IMAGE_KEYS = (*_NAME_KEYS, "base64")


class Dialogue(NamedTuple):
    """Messages, and the names of their images in the order of the image parts."""

    messages: list[Message]
    images: tuple[str, ...]


def dialogue(row: dict[str, Any]) -> Dialogue:
    """The conversation of a row. Raises Reject: bad_row, unknown_role or missing_image."""
    messages: list[Message] = []
    own: list[str] = []
    for number, turn in enumerate(_turns(row), start=1):
        role = _role(number, _first(turn, _SPEAKERS))
        text = _first(turn, _TEXTS)
        if isinstance(text, str):
            messages.append({"role": role, "content": content(text)})
            own += [""] * text.count(PLACEHOLDER)
            continue
        parts, names = _parts(number, text)
        messages.append({"role": role, "content": parts})
        own += names
    return Dialogue(messages, _in_order(own, image_names(row)))


def _role(number: int, role: Any) -> str:
    known = _ROLES.get(role) or _ROLES.get(role.strip().lower()) if isinstance(role, str) else None
    if known is None:
        raise Reject("unknown_role", f"turn {number}: {role!r:.50}; known: {', '.join(_ROLES)}")
    return known


def image_names(row: dict[str, Any]) -> list[str]:
    """The images named beside the turns of a row: a name, a list of names, or none. Raises Reject."""
    value = row.get("image") or row.get("images") or []
    return [_image_name(name) for name in (value if isinstance(value, list) else [value])]


def _turns(row: dict[str, Any]) -> list[dict[str, Any]]:
    turns = row.get(LISTS[0]) or next((row[key] for key in LISTS if row.get(key)), None)
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        raise Reject("bad_row", f"no list of turns under {' or '.join(f'`{key}`' for key in LISTS)}")
    return turns


def _parts(number: int, value: Any) -> tuple[list[Part], list[str]]:
    """The parts of a turn that is no text, and the name of each image part ("" if it is named beside the turns)."""
    if value is None:
        return [], []
    if not isinstance(value, list):
        raise Reject("bad_row", f"turn {number}: the text is {value!r:.200}")
    parts, names = [], []
    for part in value:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "text" and isinstance(text := _written(part), str):
            parts += [text_part(text)] if text.strip() else []
        elif kind in ("image", "image_url"):
            parts.append(image_part())
            names.append(_image_name(part) if _first(part, _IMAGE_KEYS) else "")
        else:
            raise Reject("bad_row", f"turn {number}: a part is {part!r:.200}; wanted: text, image or image_url")
    return parts, names


def _written(part: dict[str, Any]) -> Any:
    return "" if part.get("text") is None else part["text"]


def _image_name(value: Any) -> str:
    given = value
    while isinstance(value, dict):
        value = _first(value, _NAME_KEYS)
    if not isinstance(value, str):
        raise Reject("bad_row", f"an image is {given!r:.200}; wanted: the name of a file")
    if "://" in value or value.startswith("data:"):
        raise Reject("missing_image", f"{value:.200}: save it as a file under `images` and give that file's name")
    return value


def _in_order(own: list[str], listed: list[str]) -> tuple[str, ...]:
    """The names in the order of the parts: a part's own, else the next in the list. Unused names come last."""
    if not any(own):
        return tuple(filter(None, listed))
    rest = [name for name in listed if name not in own]
    named = [name or (rest.pop(0) if rest else "") for name in own]
    return tuple(name for name in named + rest if name)


def _first(values: dict[str, Any], keys: tuple[str, ...]) -> Any:
    for key in keys:
        if (value := values.get(key)) is not None:
            return value
    return None
