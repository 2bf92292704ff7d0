"""The quickstart's own questions about images shipped by installed packages.

data_prep/quickstart/images.yml lists the images: package, file, frame, window, crop and labels. The JSON Lines beside
it hold the conversations: {"id", "images": [names], "language", "task", "turns": [question, answer, ...]}. Nothing is
downloaded, and only images in the list are used.
"""

from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Any, ClassVar

import yaml

from data_prep import manifest
from data_prep.rows import Loaded, Reject, Sample
from data_prep.sources.dicom import load
from data_prep.sources.source import About, Source, conversation, names_there
from data_prep.tables.json_file import JsonTable
from data_prep.tables.table import Table

FOLDER = Path(__file__).parent.parent / "quickstart"
TEXT_LICENCE = "Apache-2.0"


@dataclass(frozen=True, kw_only=True)
class Quickstart(Source):
    """`questions` names files of data_prep/quickstart."""

    ABOUT: ClassVar[About] = About(
        title="The quickstart's own questions",
        get="pip install 'bimedix2[quickstart]'",
        licence=f"{TEXT_LICENCE}, and each image its package's",
        redistribute=True,
        layout=(),
    )

    questions: list[str]

    def problems(self) -> list[str]:
        """Unknown question files, and images whose package is not installed."""
        known = sorted(path.name for path in FOLDER.glob("*.jsonl"))
        found = [f"questions: no {name!r}; known: {', '.join(known)}" for name in self.questions if name not in known]
        for entry in self._entries.values():
            try:
                path = image_path(entry)
            except PackageNotFoundError:
                found.append(f"image {entry['name']}: install {entry['package']}: pip install 'bimedix2[quickstart]'")
                continue
            if not path.is_file():
                found.append(f"image {entry['name']}: {entry['package']} has no {entry['file']}; reinstall it")
        return found

    def form(self) -> str:
        """The files of questions."""
        return names_there(*(FOLDER / name for name in self.questions))

    def tables(self) -> list[Table]:
        """One table per file of questions."""
        return [JsonTable(FOLDER / name) for name in self.questions]

    def version(self) -> str:
        """The packages that the images come from."""
        packages = sorted({entry["package"] for entry in self._entries.values()})
        return ", ".join(f"{package} {version(package)}" for package in packages)

    def inputs(self) -> dict[str, str | int]:
        """The list, the questions and the images, by content."""
        own = [FOLDER / name for name in ("images.yml", *self.questions)]
        images = [image_path(entry) for entry in self._entries.values()]
        return {path.name: manifest.sha256(path) for path in (*own, *images)}

    def row_id(self, place: str, row: dict[str, Any]) -> str:
        """The row's own id, which starts with "qs-"."""
        return str(row["id"])

    def sample(self, row_id: str, row: dict[str, Any]) -> Sample:
        """The conversation; its licence combines those of the text and the images."""
        entries = [self._entries[name] for name in row["images"]]
        return Sample(
            id=row_id,
            language=row["language"],
            task=row["task"],
            modality=" and ".join(dict.fromkeys(entry["modality"] for entry in entries)) or "text",
            messages=conversation(row["turns"], images=len(entries)),
            licence=self.licence or " AND ".join(sorted({TEXT_LICENCE, *(entry["licence"] for entry in entries)})),
            images=tuple(entry["name"] for entry in entries),
        )

    def image_place(self) -> str | None:
        """images.yml, which all of the quickstart's tables refer to."""
        return "images.yml"

    def has_image(self, name: str) -> bool:
        """Whether images.yml lists it, and its package is whole."""
        return name in self._entries and image_path(self._entries[name]).is_file()

    def load(self, name: str) -> Loaded:
        """The image of this name in images.yml. Raises Reject."""
        entry = self._entries[name]
        path = image_path(entry)
        if path.suffix == ".dcm":
            return load(path, entry.get("frame"), entry.get("window"), entry.get("crop"))
        try:
            return Loaded(path.read_bytes())
        except OSError as error:
            raise Reject("missing_image", f"{path}: {error.strerror}; reinstall {entry['package']}") from error

    @cached_property
    def _entries(self) -> dict[str, dict[str, Any]]:
        return {entry["name"]: entry for entry in listed_images()}


def listed_images() -> list[dict[str, Any]]:
    """The entries of images.yml."""
    entries: list[dict[str, Any]] = yaml.safe_load((FOLDER / "images.yml").read_text(encoding="utf-8"))
    return entries


def image_path(entry: dict[str, Any]) -> Path:
    """The image's path in the installed package. Raises PackageNotFoundError."""
    return Path(str(distribution(entry["package"]).locate_file(entry["file"])))
