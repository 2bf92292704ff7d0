"""Questions over a folder of DICOM files.

`table` is JSON Lines (or a JSON list) of {"id", "file", "question", "answer"} with, where wanted, "language",
"task", "modality", "frame" (from 0) and "window" ([centre, width]). `file` starts from `folder`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from data_prep import manifest
from data_prep.dicom_pixels import decode
from data_prep.image_file import png_file
from data_prep.rows import LANGUAGES, Loaded, Picture, Reject, Rejected, Sample
from data_prep.sources.base import Source, conversation, inside, sizes
from data_prep.sources.json_file import json_rows


@dataclass(frozen=True, kw_only=True)
class Dicom(Source):
    """`language`, `task` and `modality` hold for the rows that do not say their own."""

    folder: str
    table: str
    licence: str
    language: str = "en"
    task: str = "vqa_open"
    modality: str = "unknown"
    version: str = ""

    def problems(self) -> list[str]:
        """Files that are not there, and an unknown language."""
        found = []
        if not Path(self.folder).is_dir():
            found.append(f"folder: {self.folder}: there is no such folder")
        if not Path(self.table).is_file():
            found.append(f"table: {self.table}: there is no such file")
        if self.language not in LANGUAGES:
            found.append(f"language: {self.language!r}; known: {', '.join(LANGUAGES)}")
        return found

    def about(self) -> dict[str, str]:
        """As the mixture says."""
        return {"version": self.version, "licence": self.licence}

    def inputs(self) -> dict[str, str | int]:
        """The table by content, the DICOM files by size."""
        return {self.table: manifest.sha256(Path(self.table)), **sizes(Path(self.folder))}

    def read(self) -> Iterator[Sample | Rejected]:
        """One sample a line of the table."""
        for place, row in json_rows(Path(self.table)):
            if isinstance(row, Rejected):
                yield row
                continue
            row_id = str(row.get("id") or place)
            try:
                yield self._sample(row_id, row)
            except Reject as reject:
                yield Rejected(row_id, reject.reason, reject.detail)

    def _sample(self, row_id: str, row: dict[str, Any]) -> Sample:
        for name in ("file", "question", "answer"):
            if not isinstance(row.get(name), str):
                raise Reject("bad_row", f"{name!r} is {row.get(name)!r}; wanted: text")
        return Sample(
            id=row_id,
            language=str(row.get("language", self.language)),
            task=str(row.get("task", self.task)),
            modality=str(row.get("modality", self.modality)),
            messages=conversation([row["question"], row["answer"]], images=1),
            licence=self.licence,
            pictures=(self._picture(row),),
        )

    def _picture(self, row: dict[str, Any]) -> Picture:
        frame, window = row.get("frame"), row.get("window")
        if not (frame is None or type(frame) is int):
            raise Reject("bad_row", f"'frame' is {frame!r}; wanted: a whole number, from 0")
        if not (window is None or _is_window(window)):
            raise Reject("bad_row", f"'window' is {window!r}; wanted: [centre, width], the width at least 1")
        chosen = [f"{key} {row[key]}" for key in ("frame", "window") if row.get(key) is not None]
        name = " ".join([row["file"], *chosen])
        return Picture(name, partial(load, inside(Path(self.folder), row["file"]), frame, window))


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
    return Loaded(png_file(image), f"{note}, crop {' '.join(map(str, crop))}" if crop else note)


def _is_window(value: Any) -> bool:
    numbers = isinstance(value, list) and len(value) == 2 and all(type(number) in (int, float) for number in value)
    return numbers and value[1] >= 1
