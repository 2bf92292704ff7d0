"""Conversations of one's own: LLaVA JSON, ShareGPT, or the messages that Axolotl reads.

What a row may hold is in data_prep/sources/turns.py. `domain` (LLaVA-Med) gives the modality and `answer_type`, OPEN
or CLOSED (its VQA files), the task; `parent` is the whole id of the row that this one was rewritten from.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from data_prep.rows import LANGUAGES, Sample, spoken
from data_prep.sources.base import About, Source, own_id, wrong_choice, wrong_file
from data_prep.sources.kinds import TASKS, language_of, modality_of
from data_prep.sources.turns import dialogue
from data_prep.sources.vqa import says_closed, task
from data_prep.tables.archive import ImageFolder
from data_prep.tables.base import Table
from data_prep.tables.json_file import JsonTable


@dataclass(frozen=True, kw_only=True)
class Messages(Source):
    """`path` is a JSON list or JSON Lines, `images` the folder or archive of its images.

    `language: auto` goes by the script of each row's answers. `task` and `modality` stand where the row does not tell
    them; a row that has no images is then of modality text. Ids are `id_prefix` (by default the source's name and a
    hyphen) and the row's own id.
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
        """Files that are not there, unknown values, and a licence that nobody gave."""
        found = wrong_file("path", self.path)
        found += ImageFolder(self.images).problems("images") if self.images else []
        found += wrong_choice("language", self.language, ("auto", *LANGUAGES))
        found += wrong_choice("task", self.task, TASKS)
        return found if self.licence else [*found, "licence: this key is needed: the terms of your own files"]

    def tables(self) -> list[Table]:
        """The one file."""
        return [JsonTable(self.path)]

    def image_folder(self) -> ImageFolder | None:
        """The folder or archive under `images`, if there is one."""
        return ImageFolder(self.images) if self.images else None

    def version(self) -> str:
        """As the mixture says."""
        return self.release

    def row_id(self, place: str, row: dict[str, Any]) -> str:
        """The prefix and the row's own id, or else its place."""
        return (self.id_prefix or f"{self.name or 'messages'}-") + own_id(row, "id", place)

    def sample(self, row_id: str, row: dict[str, Any]) -> Sample:
        """The row as it is. Raises Reject."""
        messages, images = dialogue(row)
        parent = row.get("parent")
        closed = says_closed(row.get("answer_type"))
        return Sample(
            id=row_id,
            language=language_of(messages) if self.language == "auto" else self.language,
            task=self.task if closed is None else task(spoken(messages[-1:]), closed),
            modality=self._modality(row, bool(images)),
            messages=messages,
            licence=self.terms,
            images=images,
            parent=parent if isinstance(parent, str) else None,
        )

    def _modality(self, row: dict[str, Any], images: bool) -> str:
        domain = modality_of(row.get("domain"))
        told = self.modality if domain == "unknown" else domain
        return "text" if told == "unknown" and not images else told
