"""Your own conversations: LLaVA JSON, ShareGPT, or Axolotl messages.

The formats are described in data_prep/sources/turns.py. `domain` (as in LLaVA-Med) gives the modality, `answer_type`
(OPEN or CLOSED, as in its VQA files) the task; `parent` is the full id of the row that this one was rewritten from, and
`generator` what made it: {"model", "prompt", "date"}, the prompt by the sha256 of its file, the date as YYYY-MM-DD.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from data_prep.images.image_folder import ImageFolder
from data_prep.rows import LANGUAGES, Generator, Reject, Sample, text_of
from data_prep.sources.labels import TASKS, is_closed, modality_of, vqa_task
from data_prep.sources.source import About, Source, names_there, own_id, wrong_choice, wrong_file
from data_prep.sources.turns import dialogue
from data_prep.tables.json_file import JsonTable
from data_prep.tables.table import Table
from data_prep.text.language import language_of

_GENERATOR = Generator.__required_keys__
_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Messages(Source):
    """`path` is a JSON list or JSON Lines, `images` the folder or archive of its images.

    With `language: auto` the language is detected by the script of each row's answers. `task` and `modality` are the
    defaults for rows without their own; a row without images then has the modality text. Ids are `id_prefix` (by
    default the source's name and a hyphen) and the row's own id.
    """

    ABOUT: ClassVar[About] = About(
        title="Conversations as LLaVA JSON, ShareGPT or Axolotl messages",
        get="your own files",
        licence="",
        redistribute=False,
        layout=("TABLE.json", "IMAGES/"),
    )

    path: str
    images: str = ""
    language: str = "auto"
    task: str = "conversation"
    modality: str = "unknown"
    id_prefix: str = ""
    release: str = ""

    def problems(self) -> list[str]:
        """Missing files, unknown values, and a missing licence."""
        found = wrong_file("path", self.path)
        found += ImageFolder(self.images).problems("images") if self.images else []
        found += wrong_choice("language", self.language, ("auto", *LANGUAGES))
        found += wrong_choice("task", self.task, TASKS)
        return found if self.licence else [*found, "licence: this key is required: the terms of your own files"]

    def form(self) -> str:
        """The file and the folder of images, where they are there."""
        return names_there(self.path, self.images)

    def tables(self) -> list[Table]:
        """The one file."""
        return [JsonTable(self.path)]

    def image_folder(self) -> ImageFolder | None:
        """The folder or archive under `images`, if there is one."""
        return ImageFolder(self.images) if self.images else None

    def version(self) -> str:
        """The mixture's `release`."""
        return self.release

    def row_id(self, place: str, row: dict[str, Any]) -> str:
        """The prefix and the row's own id, or else its place."""
        return (self.id_prefix or f"{self.name or 'messages'}-") + own_id(row, "id", place)

    def sample(self, row_id: str, row: dict[str, Any]) -> Sample:
        """The row's conversation. Raises Reject."""
        messages, images = dialogue(row)
        parent = row.get("parent")
        closed = is_closed(row.get("answer_type"))
        return Sample(
            id=row_id,
            language=language_of(messages) if self.language == "auto" else self.language,
            task=self.task if closed is None else vqa_task(text_of(messages[-1:]), closed),
            modality=self._modality(row, bool(images)),
            messages=messages,
            licence=self.terms,
            images=images,
            parent=parent if isinstance(parent, str) else None,
            generator=generator_of(row.get("generator")),
        )

    def _modality(self, row: dict[str, Any], images: bool) -> str:
        domain = modality_of(row.get("domain"))
        modality = self.modality if domain == "unknown" else domain
        return "text" if modality == "unknown" and not images else modality


def generator_of(value: Any) -> Generator | None:
    """What made a row, as its file says. Raises Reject unless it is null, or an object of the three texts."""
    if value is None:
        return None
    wanted = "wanted: model, prompt (sha256 in hex) and date (ISO), all text"
    if not isinstance(value, dict) or value.keys() != _GENERATOR or not all(isinstance(v, str) for v in value.values()):
        raise Reject("bad_row", f"'generator' is {value!r:.200}; {wanted}")
    if not value["model"].strip() or not _SHA256.fullmatch(value["prompt"]) or not _is_date(value["date"]):
        raise Reject("bad_row", f"'generator' is {value!r:.200}; {wanted}")
    return Generator(model=value["model"], prompt=value["prompt"], date=value["date"])


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
