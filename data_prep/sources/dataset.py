"""A dataset folder that `build` or `curate` has written, as a source: its rows as they are, its images by their keys.

`path` is the folder. Rows keep their ids, so that rows made from them, here or elsewhere, name them as `parent`. A row
of a split other than train stays held out: see `Sample.split`.
"""

import operator
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar, override

from data_prep import manifest
from data_prep.images.store import ImageStoreError, open_store
from data_prep.manifest import ManifestError
from data_prep.rows import Loaded, Reject, Sample
from data_prep.shards import split_of
from data_prep.sources.source import About, Source, wrong_choice
from data_prep.tables.parquet import ParquetTable
from data_prep.tables.table import ChangedTable, Table

REVIEW = "review"
"""The split of rows that wait for a reviewer: read only where `splits` names it."""
SPLIT = "_split"
"""Where a row of the tables has the split of its shard."""
_COLUMNS = ["id", "source", "language", "task", "modality", "messages", "images", "parent", "licence"]
_TRAIN = "train"


@dataclass(frozen=True, kw_only=True)
class Dataset(Source):
    """`splits` are those to read, by default all but `review`."""

    ABOUT: ClassVar[About] = About(
        title="A dataset folder of this project",
        get="python -m data_prep build, or curate",
        licence="that of each row",
        redistribute=False,
        layout=("manifest.json", "SPLIT-00000-of-0000N.parquet", "images/"),
    )
    PARENTS_ELSEWHERE: ClassVar[bool] = True

    path: str
    splits: list[str] = field(default_factory=list)

    @property
    @override
    def terms(self) -> str:
        """The licences of the dataset's sources."""
        licences = sorted({entry["licence"] for entry in self._manifest["sources"]})
        return self.licence or " AND ".join(licences)

    @property
    @override
    def redistribute(self) -> bool:
        """Whether rows and images of all of the dataset's sources are redistributable."""
        return all(entry["redistribute"] for entry in self._manifest["sources"])

    @override
    def problems(self) -> list[str]:
        """A folder that is no complete dataset, and unknown splits."""
        try:
            made = self._manifest
        except ManifestError as error:
            return [f"path: {error}"]
        if not manifest.is_complete(self._folder, made["inputs"]):
            return [f"path: {self._folder}: files that its manifest lists are missing or cut; build it again"]
        known = tuple(dict.fromkeys(split_of(name) for name in made["shards"]))
        found = [wrong for name in self.splits for wrong in wrong_choice("splits", name, known)]
        return found if found or self._shards else [f"path: {self._folder}: all its rows wait for review"]

    @override
    def form(self) -> str:
        """The dataset's name."""
        return str(self._manifest["name"]) if (self._folder / manifest.FILE_NAME).is_file() else ""

    @override
    def tables(self) -> list[Table]:
        """One table a shard."""
        made: list[Table] = []
        for name in self._shards:
            columns = [*_COLUMNS, "generator"] if self._manifest["format"] >= manifest.FORMAT else _COLUMNS
            change = partial(operator.or_, {SPLIT: split_of(name)})
            made.append(ChangedTable(ParquetTable(self._folder / name, columns), change))
        return made

    @override
    def row_id(self, place: str, row: dict[str, Any]) -> str:
        """The row's own id."""
        return str(row["id"])

    @override
    def sample(self, row_id: str, row: dict[str, Any]) -> Sample:
        """The row as it is."""
        return Sample(
            id=row_id,
            language=row["language"],
            task=row["task"],
            modality=row["modality"],
            messages=row["messages"],
            licence=self.licence or row["licence"],
            images=tuple(row["images"]),
            parent=row["parent"],
            generator=row.get("generator"),
            split=None if row[SPLIT] == _TRAIN else row[SPLIT],
        )

    @override
    def image_place(self) -> str | None:
        """The dataset's image store."""
        return str(self._images_folder.resolve())

    @override
    def load(self, name: str) -> Loaded:
        """The stored bytes of an image by its key. Raises Reject."""
        try:
            return Loaded(open_store(str(self._images_folder)).bytes(name))
        except ImageStoreError as error:
            raise Reject("missing_image", str(error)) from error

    @override
    def has_image(self, name: str) -> bool:
        """Whether the store holds the key."""
        return name in open_store(str(self._images_folder))

    @override
    def version(self) -> str:
        """The start of the digest of what the dataset was made from."""
        return str(self._manifest["inputs"])[:12]

    @override
    def inputs(self) -> dict[str, str | int]:
        """The hashes of shards and store in the manifest."""
        made = self._manifest
        stored = {f"images/{name}": entry["sha256"] for name, entry in made["images"].items()}
        return {name: made["shards"][name]["sha256"] for name in self._shards} | stored

    def entry_of(self, source: str) -> dict[str, Any]:
        """Version, licence and redistribution of one of the dataset's own sources, as its manifest has them."""
        entry: dict[str, Any] = next((entry for entry in self._manifest["sources"] if entry["name"] == source), {})
        return {key: entry[key] for key in ("version", "licence", "redistribute") if key in entry}

    def test_sources(self) -> set[str]:
        """The names of those of its sources that are a benchmark's test split and nothing else."""
        entries = self._manifest["sources"]
        others = {entry["name"] for entry in entries if not entry.get("test_split")}
        return {entry["name"] for entry in entries} - others

    @property
    def _folder(self) -> Path:
        return Path(self.path)

    @property
    def _images_folder(self) -> Path:
        return self._folder / "images"

    @cached_property
    def _manifest(self) -> dict[str, Any]:
        return manifest.read(self._folder)

    @property
    def _shards(self) -> list[str]:
        """The shards of the wanted splits, in the order of the manifest."""
        names = list(self._manifest["shards"])
        return [name for name in names if (split_of(name) in self.splits if self.splits else split_of(name) != REVIEW)]
