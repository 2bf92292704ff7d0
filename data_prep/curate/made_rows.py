"""The rows that a step has made, as sources of a mixture: one for each source that they come from, and each split."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import InitVar, dataclass
from pathlib import Path
from typing import IO, Any, ClassVar, override

from data_prep.curate.items import Input
from data_prep.mixture import Entry
from data_prep.rows import Loaded, Reject, Sample
from data_prep.sources.dataset import Dataset
from data_prep.sources.source import About, Source
from data_prep.tables.json_file import JsonTable
from data_prep.tables.table import Table


@dataclass(frozen=True, kw_only=True)
class Made(Source):
    """Rows in the file `path`, made from rows of `inner`, whose images they show."""

    ABOUT: ClassVar[About] = About(
        title="Rows made by a step of curation",
        get="python -m data_prep curate",
        licence="that of each row",
        redistribute=False,
        layout=(),
    )
    PARENTS_ELSEWHERE: ClassVar[bool] = True

    path: str
    release: str = ""
    may_be_given_on: bool = False
    inner: InitVar[Source]

    def __post_init__(self, inner: Source) -> None:
        object.__setattr__(self, "_inner", inner)

    @property
    @override
    def redistribute(self) -> bool:
        return self.may_be_given_on

    @override
    def problems(self) -> list[str]:
        return []

    @override
    def tables(self) -> list[Table]:
        return [JsonTable(self.path)]

    @override
    def row_id(self, place: str, row: dict[str, Any]) -> str:
        return str(row["id"])

    @override
    def sample(self, row_id: str, row: dict[str, Any]) -> Sample:
        if "reason" in row:
            raise Reject(row["reason"], row["detail"])
        return Sample(**{**row["sample"], "images": tuple(row["sample"]["images"])})

    @override
    def image_place(self) -> str | None:
        return self._source.image_place()

    @override
    def load(self, name: str) -> Loaded:
        return self._source.load(name)

    @override
    def version(self) -> str:
        return self.release

    @override
    def inputs(self) -> dict[str, str | int]:
        of_images = {f"input {name}": value for name, value in self._source.inputs().items()}
        return {**super().inputs(), **of_images}

    @property
    def _source(self) -> Source:
        source: Source = vars(self)["_inner"]
        return source


class MadeFiles:
    """Writes what is made of each row, and the lines of curation.jsonl beside it.

    A context manager; `sources` gives the files as sources of a mixture.
    """

    def __init__(self, folder: Path, inputs: list[Input]) -> None:
        self._folder, self._inputs = folder, inputs
        self._files: dict[tuple[int, str, str], tuple[Path, IO[str]]] = {}
        self._stack = ExitStack()

    def __enter__(self) -> "MadeFiles":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add(self, place: int, source: str, split: str, made: Sample, line: dict[str, Any]) -> None:
        """Write a row, with its line of curation.jsonl."""
        sample = {key: value for key, value in made._asdict().items() if key != "split"}
        self._write((place, source, split), {"id": made.id, "sample": sample, "line": line})

    def reject(self, place: int, source: str, row_id: str, reason: str, detail: str) -> None:
        """Write that nothing is made of a row."""
        self._write((place, source, "train"), {"id": row_id, "reason": reason, "detail": detail})

    def _write(self, group: tuple[int, str, str], record: dict[str, Any]) -> None:
        if group not in self._files:
            path = self._folder / f"{len(self._files):05d}.jsonl"
            self._files[group] = path, self._stack.enter_context(path.open("w", encoding="utf-8", newline="\n"))
        # escaped: a lone surrogate in a reply then reaches the build, which puts its row into the ledger
        self._files[group][1].write(json.dumps(record) + "\n")

    def sources(self) -> list[tuple[Source, Entry]]:
        """The files as sources, in the order of their first rows, each with the split of its rows."""
        made: list[tuple[Source, Entry]] = []
        for (place, name, split), (path, _) in self._files.items():
            inner = self._inputs[place].source
            terms = {"licence": inner.terms, "redistribute": inner.redistribute, "version": inner.version()}
            if isinstance(inner, Dataset):
                terms |= inner.entry_of(name)
            source = Made(
                name=name,
                path=str(path),
                licence=str(terms["licence"]),
                release=str(terms["version"]),
                may_be_given_on=bool(terms["redistribute"]),
                inner=inner,
            )
            made.append((source, Entry(into=split)))
        return made

    def places(self) -> dict[str, tuple[Path, int]]:
        """The file and the offset of each made row, by its id."""
        found: dict[str, tuple[Path, int]] = {}
        for path, _ in self._files.values():
            for offset, record in _records(path):
                if "line" in record:
                    found.setdefault(record["id"], (path, offset))
        return found


def line_at(path: Path, offset: int) -> dict[str, Any]:
    """The line of curation.jsonl of the row at an offset."""
    with path.open("rb") as file:
        file.seek(offset)
        line: dict[str, Any] = json.loads(file.readline())["line"]
    return line


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    offset = 0
    with path.open("rb") as file:
        for line in file:
            yield offset, json.loads(line)
            offset += len(line)
