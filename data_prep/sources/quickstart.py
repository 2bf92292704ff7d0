"""The quickstart's own questions over images that installed packages carry.

data_prep/quickstart/images.yml lists the images: package, file, frame, window, crop and what is known of each. The
JSON Lines beside it hold the conversations: {"id", "images": [names], "language", "task", "turns": [question,
answer, ...]}. Nothing is downloaded, and no image of a package is used that the list does not name.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Any

import yaml

from data_prep import manifest
from data_prep.rows import Loaded, Picture, Rejected, Sample
from data_prep.sources.base import Source, conversation, read_image
from data_prep.sources.dicom import load
from data_prep.sources.json_file import json_rows

FOLDER = Path(__file__).parent.parent / "quickstart"
TEXT_LICENCE = "Apache-2.0"


@dataclass(frozen=True, kw_only=True)
class Quickstart(Source):
    """`questions` names files of data_prep/quickstart."""

    questions: list[str]

    def problems(self) -> list[str]:
        """Question files that are not there, and images whose package is not installed."""
        known = sorted(path.name for path in FOLDER.glob("*.jsonl"))
        found = [f"questions: no {name!r}; known: {', '.join(known)}" for name in self.questions if name not in known]
        for entry in self._images.values():
            try:
                path = image_path(entry)
            except PackageNotFoundError:
                found.append(f"image {entry['name']}: install {entry['package']}: pip install 'bimedix2[quickstart]'")
                continue
            if not path.is_file():
                found.append(f"image {entry['name']}: {entry['package']} has no {entry['file']}; reinstall it")
        return found

    def about(self) -> dict[str, str]:
        """The packages that the images come from, and the licences of the texts and of the images."""
        packages = sorted({entry["package"] for entry in self._images.values()})
        return {
            "version": ", ".join(f"{package} {version(package)}" for package in packages),
            "licence": _licence(list(self._images.values())),
        }

    def inputs(self) -> dict[str, str | int]:
        """The list, the questions and the images, by content."""
        own = [FOLDER / name for name in ("images.yml", *self.questions)]
        images = [image_path(entry) for entry in self._images.values()]
        return {path.name: manifest.sha256(path) for path in (*own, *images)}

    def read(self) -> Iterator[Sample | Rejected]:
        """One sample a line."""
        for name in self.questions:
            for _, row in json_rows(FOLDER / name):
                yield row if isinstance(row, Rejected) else self._sample(row)

    def _sample(self, row: dict[str, Any]) -> Sample:
        entries = [self._images[name] for name in row["images"]]
        return Sample(
            id=row["id"],
            language=row["language"],
            task=row["task"],
            modality=" and ".join(dict.fromkeys(entry["modality"] for entry in entries)) or "text",
            messages=conversation(row["turns"], images=len(entries)),
            licence=_licence(entries),
            pictures=tuple(Picture(entry["name"], partial(_load, entry)) for entry in entries),
        )

    @cached_property
    def _images(self) -> dict[str, dict[str, Any]]:
        return {entry["name"]: entry for entry in listed_images()}


def listed_images() -> list[dict[str, Any]]:
    """The entries of images.yml."""
    entries: list[dict[str, Any]] = yaml.safe_load((FOLDER / "images.yml").read_text(encoding="utf-8"))
    return entries


def image_path(entry: dict[str, Any]) -> Path:
    """Where the installed package has the image. Raises PackageNotFoundError."""
    return Path(str(distribution(entry["package"]).locate_file(entry["file"])))


def _load(entry: dict[str, Any]) -> Loaded:
    path = image_path(entry)
    if path.suffix == ".dcm":
        return load(path, entry.get("frame"), entry.get("window"), entry.get("crop"))
    return read_image(path)


def _licence(entries: list[dict[str, Any]]) -> str:
    return " AND ".join(sorted({TEXT_LICENCE, *(entry["licence"] for entry in entries)}))
