"""LLaVA-style conversations: LLaVA-Med's instruct and alignment sets, and what is written after them.

A row is {"id", "image", "conversations": [{"from": "human" | "gpt", "value"}, ...]}; LLaVA-Med's alignment set
spells the key `conversatons`. Turns with `role` and `content` are read too. `image` is a name, a list of names, or
absent; `<image>` in a human turn is an image's place. `domain` (LLaVA-Med) gives the modality, `answer_type`
(VQA sets) the task.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from data_prep import manifest
from data_prep.rows import LANGUAGES, Message, Picture, Reject, Rejected, Sample, arabic_share, spoken
from data_prep.sources.base import Source, content, inside, read_image, sizes
from data_prep.sources.json_file import json_rows

_ROLES = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system"}
_TASKS = {"OPEN": "vqa_open", "CLOSED": "vqa_closed"}


@dataclass(frozen=True, kw_only=True)
class LlavaJson(Source):
    """`path` is a JSON list or JSON Lines, `images` the folder that its image names start from."""

    path: str
    licence: str
    images: str = ""
    language: str = "auto"
    task: str = "conversation"
    modality: str = "unknown"
    version: str = ""
    id_prefix: str = ""

    def problems(self) -> list[str]:
        """Files that are not there, and an unknown language."""
        found = []
        if not Path(self.path).is_file():
            found.append(f"path: {self.path}: there is no such file")
        if self.images and not Path(self.images).is_dir():
            found.append(f"images: {self.images}: there is no such folder")
        if self.language not in ("auto", *LANGUAGES):
            found.append(f"language: {self.language!r}; known: auto, {', '.join(LANGUAGES)}")
        return found

    def about(self) -> dict[str, str]:
        """As the mixture says."""
        return {"version": self.version, "licence": self.licence}

    def inputs(self) -> dict[str, str | int]:
        """The table by content, the images by size."""
        images = sizes(Path(self.images)) if self.images else {}
        return {self.path: manifest.sha256(Path(self.path)), **images}

    def read(self) -> Iterator[Sample | Rejected]:
        """One sample a row."""
        for place, row in json_rows(Path(self.path)):
            if isinstance(row, Rejected):
                yield row
                continue
            row_id = self.id_prefix + str(row.get("id") or place)
            try:
                yield self._sample(row_id, row)
            except Reject as reject:
                yield Rejected(row_id, reject.reason, reject.detail)

    def _sample(self, row_id: str, row: dict[str, Any]) -> Sample:
        messages = _messages(row)
        answers = spoken([message for message in messages if message["role"] == "assistant"])
        by_script = "ar" if arabic_share(answers) > 0.5 else "en"
        return Sample(
            id=row_id,
            language=by_script if self.language == "auto" else self.language,
            task=_TASKS.get(str(row.get("answer_type", "")).strip().upper(), self.task),
            modality=_modality(row.get("domain")) or self.modality,
            messages=messages,
            licence=self.licence,
            pictures=tuple(self._picture(name) for name in _image_names(row)),
        )

    def _picture(self, name: str) -> Picture:
        return Picture(name, partial(read_image, inside(Path(self.images), name)))


def _messages(row: dict[str, Any]) -> list[Message]:
    turns = row.get("conversations", row.get("conversatons"))
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        raise Reject("bad_row", "no list of turns under `conversations` (or `conversatons`)")
    messages: list[Message] = []
    for number, turn in enumerate(turns, start=1):
        role, text = turn.get("from", turn.get("role")), turn.get("value", turn.get("content"))
        if not isinstance(role, str) or role not in _ROLES:
            raise Reject("unknown_role", f"turn {number}: {role!r}; known: {', '.join(_ROLES)}")
        if not isinstance(text, str):
            raise Reject("bad_row", f"turn {number}: the text is {text!r}")
        messages.append({"role": _ROLES[role], "content": content(text)})
    return messages


def _image_names(row: dict[str, Any]) -> list[str]:
    value = row.get("image", row.get("images")) or []
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Reject("bad_row", f"`image` is {value!r}; wanted: a name or a list of names")
    return names


def _modality(domain: Any) -> str:
    true = [name for name, is_it in domain.items() if is_it is True] if isinstance(domain, dict) else []
    return true[0] if len(true) == 1 else ""
