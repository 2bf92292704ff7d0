"""Questions over a folder of DICOM files.

`table` is JSON Lines (or a JSON list) of {"id", "file", "question", "answer"}, optionally with "language", "task",
"modality", "frame" (from 0) and "window" ([centre, width]). `file` is relative to `folder`. The name of an image is
its file, or {"file", "frame", "window"} as JSON if a frame or a window is given.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from data_prep import manifest
from data_prep.images.dicom_pixels import decode
from data_prep.images.encode import png_file
from data_prep.images.image_folder import ImageFolder
from data_prep.rows import LANGUAGES, Loaded, Reject, Sample
from data_prep.sources.source import About, Source, conversation, field, names_there, own_id, wrong_choice, wrong_file
from data_prep.tables.json_file import JsonTable
from data_prep.tables.table import Table


@dataclass(frozen=True, kw_only=True)
class Dicom(Source):
    """`language`, `task` and `modality` are the defaults for rows without their own.

    Ids are `id_prefix` (by default the source's name) and the row's own id.
    """

    ABOUT: ClassVar[About] = About(
        title="A folder of DICOM files with a table of questions",
        get="your own files",
        licence="",
        redistribute=False,
        layout=("TABLE.jsonl", "STUDIES/"),
    )

    folder: str
    table: str
    language: str = "en"
    task: str = "vqa_open"
    modality: str = "unknown"
    id_prefix: str = ""
    release: str = ""

    def problems(self) -> list[str]:
        """Missing files, an unknown language, and a missing licence."""
        found = [] if Path(self.folder).is_dir() else [f"folder: {self.folder}: there is no such folder"]
        found += wrong_file("table", self.table) + wrong_choice("language", self.language, LANGUAGES)
        return found if self.licence else [*found, "licence: this key is required: the terms of your own files"]

    def form(self) -> str:
        """The folder and the table, where they are there."""
        return names_there(self.folder, self.table)

    def tables(self) -> list[Table]:
        """The one table."""
        return [JsonTable(self.table)]

    def image_folder(self) -> ImageFolder:
        """The folder of the DICOM files."""
        return ImageFolder(self.folder)

    def version(self) -> str:
        """The mixture's `release`."""
        return self.release

    def row_id(self, place: str, row: dict[str, Any]) -> str:
        """The prefix and the row's own id, or else its place."""
        return (self.id_prefix or f"{self.name or 'dicom'}-") + own_id(row, "id", place)

    def sample(self, row_id: str, row: dict[str, Any]) -> Sample:
        """A question on one frame. Raises Reject."""
        return Sample(
            id=row_id,
            language=str(row.get("language", self.language)),
            task=str(row.get("task", self.task)),
            modality=str(row.get("modality", self.modality)),
            messages=conversation([field(row, "question"), field(row, "answer")], images=1),
            licence=self.terms,
            images=(_name(row),),
        )

    def has_image(self, name: str) -> bool:
        """Whether the file of a frame is in the folder."""
        return super().has_image(_chosen(name)["file"])

    def image_place(self) -> str | None:
        """The folder of DICOM files."""
        return f"{Path(self.folder).resolve()}/*.dcm"

    def load(self, name: str) -> Loaded:
        """The frame with this name, as a PNG file. Raises Reject."""
        chosen = _chosen(name)
        path = Path(self.folder) / chosen["file"]
        if not path.parent.resolve().is_relative_to(Path(self.folder).resolve()):
            raise Reject("missing_image", f"{chosen['file']}: leads out of {self.folder}")
        return load(path, chosen.get("frame"), chosen.get("window"))


def load(
    path: Path,
    frame: int | None = None,
    window: tuple[float, float] | None = None,
    crop: tuple[int, int, int, int] | None = None,
) -> Loaded:
    """A frame as a PNG file; `crop` is (left, top, right, bottom) in pixels. Raises Reject."""
    decoded = decode(path, frame, window)
    image = decoded.image.crop(crop) if crop else decoded.image
    note = f"frame {decoded.index} of {decoded.frames}, {decoded.window}"
    cropped = f", crop {' '.join(map(str, crop))}" if crop else ""
    return Loaded(png_file(image), note + cropped, manifest.sha256(path))


def _name(row: dict[str, Any]) -> str:
    """The name of a row's image, with all that `Dicom.load` needs. Raises Reject."""
    file, frame, window = row.get("file"), row.get("frame"), row.get("window")
    if not isinstance(file, str) or not file:
        raise Reject("bad_row", f"'file' is {file!r}; wanted: text")
    if not (frame is None or type(frame) is int):
        raise Reject("bad_row", f"'frame' is {frame!r}; wanted: a whole number, from 0")
    if not (window is None or _is_window(window)):
        raise Reject("bad_row", f"'window' is {window!r}; wanted: [centre, width], the width at least 1")
    chosen = {key: value for key, value in (("frame", frame), ("window", window)) if value is not None}
    if not chosen and not file.startswith("{"):
        return file
    return json.dumps({"file": file, **chosen}, ensure_ascii=False)


def _chosen(name: str) -> dict[str, Any]:
    """The file of an image, and its frame and window where they are in its name."""
    chosen: dict[str, Any] = json.loads(name) if name.startswith("{") else {"file": name}
    return chosen


def _is_window(value: Any) -> bool:
    numbers = isinstance(value, list) and len(value) == 2 and all(type(number) in (int, float) for number in value)
    return numbers and value[1] >= 1
