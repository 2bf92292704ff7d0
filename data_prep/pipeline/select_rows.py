"""Decide over all rows at once which are written, in which shard, and why the others are dropped."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_prep.mixture import Mixture
from data_prep.pipeline import fingerprints, minhash, read_rows, stage
from data_prep.pipeline.benchmark_names import Named
from data_prep.pipeline.slices import Slice
from data_prep.pipeline.stage import BuildFolder
from data_prep.rows import REASONS

KEPT = ""
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass
class Rows:
    """All rows of the mixture's sources, as columns; row i of slice s has the index `starts[s] + i`.

    Columns of names hold numbers, which `names` resolves; `split` and `named` are added when the links between all rows
    are known.
    """

    starts: np.ndarray
    source: np.ndarray
    columns: dict[str, np.ndarray]
    names: dict[str, list[str]]
    ids: pa.ChunkedArray
    hits: pa.ChunkedArray
    shared: pa.ChunkedArray
    reason: np.ndarray
    detail: dict[int, str] = field(default_factory=dict)
    named: dict[int, Named] = field(default_factory=dict)

    @property
    def kept(self) -> np.ndarray:
        """The indices of the rows that no rule has dropped yet."""
        return np.flatnonzero(self.reason == KEPT)

    def drop(self, rows: np.ndarray, reason: str) -> None:
        """Drop these rows."""
        self.reason[rows] = reason


@dataclass
class Selection:
    """The rows to write, some of them several times: index of the row, number of the copy, shard and position in it."""

    row: np.ndarray
    copy: np.ndarray
    shard: np.ndarray
    place: np.ndarray
    shards: list[str]
    pairs: dict[str, dict[str, int]]
    overlaps: list[dict[str, Any]]
    short: list[str]


def load(workdir: BuildFolder, slices: list[Slice]) -> Rows:
    """The columns that the selection depends on, of every slice."""
    hashes = ["content", "question", "answer", "order"]
    fingerprint_columns = [*hashes, "hits", "shared", "reason", "detail"]
    ours = pa.concat_tables(
        stage.table(workdir.path(fingerprints.STAGE, r, "arrow"), fingerprint_columns) for r in _ranks(slices)
    )
    kinds = ["id", "language", "task", "modality"]
    parts = [stage.table(workdir.path(read_rows.STAGE, rank, "arrow"), kinds) for rank in _ranks(slices)]
    rows, sizes = pa.concat_tables(parts), [part.num_rows for part in parts]
    columns = {name: ours[name].to_numpy() for name in hashes}
    names = {}
    for name in kinds[1:]:
        coded = rows[name].combine_chunks().dictionary_encode()
        columns[name], names[name] = coded.indices.to_numpy(), coded.dictionary.to_pylist()
    made = Rows(
        starts=np.concatenate([[0], np.cumsum(sizes)]),
        source=np.repeat([part.source for part in slices], sizes),
        columns=columns,
        names=names,
        ids=rows["id"],
        hits=ours["hits"],
        shared=ours["shared"],
        reason=np.array([reason or KEPT for reason in ours["reason"].to_pylist()], f"U{max(map(len, REASONS))}"),
    )
    for row in np.flatnonzero(made.reason != KEPT):
        made.detail[int(row)] = ours["detail"][int(row)].as_py()
    return made


def select(workdir: BuildFolder, rows: Rows, mixture: Mixture) -> Selection:
    """Apply the mixture's rules in order (ids, benchmarks, duplicates, quotas), then shuffle and cut into shards."""
    pairs: dict[str, dict[str, int]] = {}
    _drop_duplicates(rows, rows.columns["order"], "duplicate_id", mixture, pairs)
    overlaps = _overlaps(rows, mixture)
    if mixture.duplicates.exact:
        _drop_duplicates(rows, rows.columns["content"], "duplicate", mixture, pairs)
    if mixture.duplicates.near:
        _drop_duplicates(rows, _clusters(workdir, rows), "near_duplicate", mixture, pairs)
    short = _quotas(rows, mixture)
    row, copy = _copies(rows, mixture)
    return _shards(rows, row, copy, mixture, pairs, overlaps, short)


def _ranks(slices: list[Slice]) -> range:
    return range(len(slices))


def _drop_duplicates(
    rows: Rows, value: np.ndarray, reason: str, mixture: Mixture, pairs: dict[str, dict[str, int]]
) -> None:
    """Of the kept rows with equal values keep the first, that of the earlier source in the mixture."""
    kept = rows.kept
    _, first, which = np.unique(value[kept], return_index=True, return_inverse=True)
    preferred = kept[first][which]
    later = np.flatnonzero(preferred != kept)
    dropped, instead = kept[later], preferred[later]
    rows.drop(dropped, reason)
    for row, other in zip(dropped.tolist(), instead.tolist(), strict=True):
        rows.detail[row] = f"kept instead: {rows.ids[other].as_py()}"
        names = [mixture.sources[rows.source[number]].name for number in (other, row)]
        counts = pairs.setdefault(reason, {})
        counts[" / ".join(names)] = counts.get(" / ".join(names), 0) + 1


def _clusters(workdir: BuildFolder, rows: Rows) -> np.ndarray:
    """A number for each row, equal for near duplicates."""
    value = -1 - np.arange(len(rows.source))
    found = minhash.clusters(workdir, len(rows.starts) - 1)
    value[rows.starts[found[:, 0]] + found[:, 1]] = found[:, 2]
    return value


def _overlaps(rows: Rows, mixture: Mixture) -> list[dict[str, Any]]:
    """Count by benchmark, source and kind the rows that share something; drop those that the mixture drops."""
    actions = {(overlap.benchmark, overlap.source): overlap for overlap in mixture.overlaps}
    counts: dict[tuple[str, str, str], list[Any]] = {}
    has = pc.or_(pc.greater(_lengths(rows.hits), 0), pc.greater(_lengths(rows.shared), 0)).to_numpy().copy()
    has[list(rows.named)] = True
    for row in rows.kept[has[rows.kept]].tolist():
        source, row_id = mixture.sources[rows.source[row]].name, rows.ids[row].as_py()
        named = rows.named.get(row, Named())
        hits = list(dict.fromkeys([*(rows.hits[row].as_py() or ()), *named.items]))
        asked = {hit.partition("\x1f")[0] for hit in hits}
        for benchmark in asked:
            _count(counts, (benchmark, source, "question"), row_id)
            overlap = actions.get((benchmark, source))
            if overlap and overlap.action == "drop" and rows.reason[row] == KEPT:
                rows.drop(np.array([row]), "benchmark")
                rows.detail[row] = ", ".join(hits[:3]).replace("\x1f", " ")
        shown = {*(rows.shared[row].as_py() or ()), *named.figures} - asked
        for kind, benchmarks in (("image", shown), ("document", named.documents - shown - asked)):
            for benchmark in benchmarks:
                _count(counts, (benchmark, source, kind), row_id)
    found = []
    for (benchmark, source, kind), (number, examples) in sorted(counts.items()):
        overlap = actions.get((benchmark, source))
        entry = {"benchmark": benchmark, "source": source, "kind": kind, "rows": number, "examples": examples}
        if kind == "question":
            entry |= {"action": overlap.action, "why": overlap.why} if overlap else {"action": "fail"}
        found.append(entry)
    return found


def _lengths(lists: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.fill_null(pc.list_value_length(lists), 0)


def _count(counts: dict[tuple[str, str, str], list[Any]], key: tuple[str, str, str], row_id: str) -> None:
    entry = counts.setdefault(key, [0, []])
    entry[0] += 1
    if len(entry[1]) < 5:
        entry[1].append(row_id)


def _quotas(rows: Rows, mixture: Mixture) -> list[str]:
    """Drop the rows above each source's `rows` and `weight` and each quota; return the sources with too few rows."""
    short = []
    order = rows.columns["order"]
    for number, entry in enumerate(mixture.entries):
        mine = rows.kept[rows.source[rows.kept] == number]
        most = len(mine) if entry.weight >= 1 else round(len(mine) * entry.weight)
        if entry.rows is not None:
            most = min(most, entry.rows)
            if len(mine) < entry.rows:
                short.append(f"{mixture.sources[number].name}: {len(mine)} of {entry.rows} rows")
        _cut(rows, mine, most, order)
    for quota in mixture.quotas:
        mine = rows.kept
        for name in ("language", "modality", "task"):
            wanted = getattr(quota, name)
            if wanted is not None:
                codes = [code for code, value in enumerate(rows.names[name]) if value == wanted]
                mine = mine[np.isin(rows.columns[name][mine], codes)]
        if quota.source is not None:
            numbers = [number for number, source in enumerate(mixture.sources) if source.name == quota.source]
            mine = mine[np.isin(rows.source[mine], numbers)]
        _cut(rows, mine, quota.rows, order)
    return short


def _cut(rows: Rows, mine: np.ndarray, most: int, order: np.ndarray) -> None:
    if len(mine) > most:
        rows.drop(mine[np.argsort(order[mine], kind="stable")[most:]], "over_quota")


def _copies(rows: Rows, mixture: Mixture) -> tuple[np.ndarray, np.ndarray]:
    """Repeat the rows of sources with a weight above 1: the index of each row, and the number of each copy, from 0."""
    kept = rows.kept
    times = np.ones(len(kept), np.int64)
    order = rows.columns["order"]
    for number, entry in enumerate(mixture.entries):
        if entry.weight > 1:
            mine = np.flatnonzero(rows.source[kept] == number)
            whole, part = divmod(entry.weight, 1)
            times[mine] = int(whole)
            once_more = np.argsort(order[kept[mine]], kind="stable")[: round(len(mine) * part)]
            times[mine[once_more]] += 1
    row = np.repeat(kept, times)
    copy = np.arange(len(row)) - np.repeat(np.cumsum(times) - times, times)
    return row, copy


def _shards(rows: Rows, row: np.ndarray, copy: np.ndarray, mixture: Mixture, *rest: Any) -> Selection:
    """Shuffle each split and cut it into shards; the order depends on seed and ids alone."""
    order = rows.columns["order"][row] + copy.astype(np.uint64) * _GOLDEN if mixture.shuffle else row
    split = rows.columns["split"][row]
    shard, place = np.zeros(len(row), np.int64), np.zeros(len(row), np.int64)
    names: list[str] = []
    for code in sorted(np.unique(split), key=lambda code: rows.names["split"][code]):
        mine = np.flatnonzero(split == code)
        mine = mine[np.lexsort((row[mine], order[mine]))]
        number = -(-len(mine) // mixture.rows_per_shard)
        shard[mine], place[mine] = np.divmod(np.arange(len(mine)), mixture.rows_per_shard)
        shard[mine] += len(names)
        name = rows.names["split"][code]
        names += [f"{name}-{part:05d}-of-{number:05d}.parquet" for part in range(number)]
    return Selection(row, copy, shard, place, names, *rest)
