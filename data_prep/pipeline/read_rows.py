"""Second stage: read the rows of each slice, repair and check their text, and write the rejected ones to a ledger."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import batched
from typing import Any

import numpy as np
import pyarrow as pa

from data_prep import rows
from data_prep.atomic import atomic_write
from data_prep.ledger import Ledger
from data_prep.mixture import Mixture
from data_prep.pipeline import row_columns, stage
from data_prep.pipeline.row_columns import SCHEMA
from data_prep.pipeline.slices import Slice, read_together
from data_prep.pipeline.stage import BuildFolder, run
from data_prep.rows import NOT_SELECTED, Message, Reject, Rejected, Sample, text_part
from data_prep.sources.source import Source
from data_prep.tables.table import PlacedRow
from data_prep.text import clean, identity, language, rejections
from data_prep.text.documents import documents
from data_prep.text.parts import Parts
from data_prep.text.prefilter import needs_checks

STAGE = "read"
LEDGER = "ledger.jsonl"
REJECTED = "rejected.arrow"
KIN = pa.schema([SCHEMA.field(name) for name in ("id", "parent", "group", "documents")])
"""What links a row to others; REJECTED holds it for the rejected rows, through which others may descend."""

_BATCH = 1_000
_BLOCK = 4_000
"""Rows searched for suspicious text at once: RE2 compiles its patterns anew for each search."""


def read_slices(workdir: BuildFolder, slices: list[Slice], sources: list[Source], mixture: Mixture) -> None:
    """Read every slice. `sources` are the mixture's sources, followed by its benchmarks.

    Raises RuntimeError if a row of a slice is neither written, nor in the ledger, nor of another split.
    """
    groups = read_together(slices, sources)

    def task(group: int, advance: Callable[[int], None]) -> None:
        ranks = groups[group]
        first = slices[ranks[0]]
        table = sources[first.source].tables()[first.table]
        with ExitStack() as stack:
            readers = [stack.enter_context(_reading(workdir, rank, slices, sources, mixture)) for rank in ranks]
            for block in batched(table.rows(first.start, first.rows), _BLOCK):
                for read in readers:
                    read(block)
                advance(len(block) * len(ranks))

    run(workdir, STAGE, task, [sum(slices[rank].rows for rank in ranks) for ranks in groups])


@contextmanager
def _reading(
    workdir: BuildFolder, rank: int, slices: list[Slice], sources: list[Source], mixture: Mixture
) -> Iterator[Callable[[tuple[PlacedRow, ...]], None]]:
    """Yield a function that takes the next rows of a slice; its files appear when all are taken."""
    part = slices[rank]
    source = sources[part.source]
    with ExitStack() as stack:
        ledger = stack.enter_context(Ledger(stack.enter_context(atomic_write(workdir.path(STAGE, rank, LEDGER)))))
        writer = stack.enter_context(stage.writing(workdir.path(STAGE, rank, "arrow"), SCHEMA))
        reader = _RowReader(source, mixture, ledger, part.source >= len(mixture.sources))
        written = 0

        def read(block: tuple[PlacedRow, ...]) -> None:
            nonlocal written
            for batch in reader.batches(block):
                writer.write_batch(batch)
                written += batch.num_rows

        yield read
    left_out = sum(ledger.counts.values())
    if part.rows != reader.others + written + left_out:
        raise RuntimeError(f"{source.name}, slice {rank}: {part.rows} rows became {written} and {left_out} rejections")
    with stage.writing(workdir.path(STAGE, rank, REJECTED), KIN) as writer:
        writer.write_batch(pa.RecordBatch.from_pylist(reader.rejected, schema=KIN))
    with atomic_write(workdir.path(STAGE, rank, "json")) as path:
        path.write_text(json.dumps({"others": reader.others, "masked": reader.masked, "ledger": ledger.counts}))


class _RowReader:
    """Turns the rows of one slice into rows of SCHEMA.

    `others` counts the rows of other splits and those not selected, `masked` those with identifiers that were masked.
    `rejected` holds the rejected rows, by the columns of KIN.
    """

    def __init__(self, source: Source, mixture: Mixture, ledger: Ledger, is_benchmark: bool) -> None:
        self.others = self.masked = 0
        self.rejected: list[dict[str, Any]] = []
        self._source = source
        self._mixture = mixture
        self._ledger = ledger
        self._is_benchmark = is_benchmark
        self._checked = mixture.checks and not is_benchmark

    def batches(self, block: tuple[PlacedRow, ...]) -> Iterator[pa.RecordBatch]:
        """Yield batches of the usable rows; the other rows go to the ledger or are counted in `others`."""
        read = [self._sample(place, raw) for place, raw in block]
        plain, suspicious, columns = self._looked_at([sample for sample in read if isinstance(sample, Sample)])
        flags = zip(plain.tolist(), suspicious.tolist(), strict=True)
        start = 0
        for batch in batched(read, _BATCH):
            ready, others = self._rows(batch, flags)
            yield _in_order(columns.slice(start, len(ready)), ready, *self._written(others))
            start += len(ready)

    def _looked_at(self, samples: list[Sample]) -> tuple[np.ndarray, np.ndarray, pa.RecordBatch]:
        """Which samples are written as they are, which need the checks of their text, and the columns of the first.

        Samples that are neither need the check of their form alone. Text with a lone surrogate has no columns.
        """
        suspicious = np.full(len(samples), self._checked)
        try:
            parts = Parts.of(samples)
            suspicious = needs_checks(parts) if self._checked else suspicious
            plain = parts.well_formed() & ~suspicious
            return plain, suspicious, self._columns(parts.where(plain))
        except UnicodeEncodeError:
            return np.zeros(len(samples), bool), suspicious, self._columns(Parts.of([]))

    def _rows(
        self, batch: tuple[Sample | Rejected | None, ...], flags: Iterator[tuple[bool, bool]]
    ) -> tuple[list[int], dict[int, Sample]]:
        """The places in a batch of the rows that are written as they are, and the other usable rows by place.

        `flags` says of each sample whether it is one of the former, and whether it is suspicious.
        """
        ready: list[int] = []
        others: dict[int, Sample] = {}
        for place, sample in enumerate(batch):
            if isinstance(sample, Rejected):
                links = {"parent": sample.parent, "group": sample.group}
                self._reject(sample.id, sample.reason, sample.detail, links)
                continue
            if sample is None:
                self.others += 1
                continue
            is_plain, is_suspicious = next(flags)
            if is_plain:
                ready.append(place)
                continue
            try:
                others[place] = self._checked_sample(sample, is_suspicious)
            except Reject as reject:
                self._reject(sample.id, reject.reason, reject.detail, self._links(sample))
        return ready, others

    def _reject(self, row_id: str, reason: str, detail: str, links: dict[str, Any] | None = None) -> None:
        """Write a row to the ledger; `links` holds its columns of KIN, as far as it could be read."""
        self._ledger.add(self._source.name, row_id, reason, detail)
        kin = {"id": row_id, **(links or {})}
        # UTF-8 cannot encode a lone surrogate
        self.rejected.append({name: _encodable(kin.get(name)) for name in KIN.names})

    def _links(self, sample: Sample) -> dict[str, Any]:
        named = documents(sample) if self._mixture.benchmarks else []
        return {"parent": sample.parent, "group": sample.group, "documents": named}

    def _columns(self, parts: Parts) -> pa.RecordBatch:
        return row_columns.columns(parts, self._source.name, self._mixture)

    def _written(self, rows_by_place: dict[int, Sample]) -> tuple[pa.RecordBatch, list[int]]:
        """The rows and their places; one with a lone surrogate, which UTF-8 cannot encode, goes to the ledger."""
        kept = rows_by_place
        try:
            return self._columns(Parts.of([*kept.values()])), [*kept]
        except UnicodeEncodeError:
            kept = {place: sample for place, sample in rows_by_place.items() if self._is_unicode(sample)}
            return self._columns(Parts.of([*kept.values()])), [*kept]

    def _is_unicode(self, sample: Sample) -> bool:
        links = self._links(sample)
        for name, value in {**rows.row(sample, self._source.name, list(sample.images)), **links}.items():
            try:
                json.dumps(value, ensure_ascii=False).encode()
            except UnicodeEncodeError:
                self._reject(sample.id, "broken_text", f"{name}: a lone surrogate", links)
                return False
        return True

    def _sample(self, place: str, raw: dict[str, Any] | Rejected) -> Sample | Rejected | None:
        """The sample of a row of the table; None for a row of another split or one that is not selected."""
        row_id = f"{self._source.name} {place}"
        if isinstance(raw, Rejected):
            return Rejected(row_id, raw.reason, raw.detail)
        sample = None
        try:
            row_id = self._source.row_id(place, raw)
            sample = self._source.sample(row_id, raw)
            if sample is not None and not self._is_benchmark:
                rows.check_length(sample.messages, self._mixture.max_characters)
            return sample
        except Reject as reject:
            links = (sample.parent, sample.group) if sample is not None else ()
            return None if reject.reason == NOT_SELECTED else Rejected(row_id, reject.reason, reject.detail, *links)

    def _checked_sample(self, sample: Sample, is_suspicious: bool) -> Sample:
        if is_suspicious:
            return sample._replace(messages=self._checked_messages(sample))
        rows.check(sample.messages, len(sample.images))
        return sample

    def _checked_messages(self, sample: Sample) -> list[Message]:
        messages = clean.repair(sample.messages)
        rows.check(messages, len(sample.images))
        rejections.check(messages, len(sample.images))
        answers, questions = rows.text_by_role(messages, "assistant"), rows.text_by_role(messages, "user")
        language.check(answers, questions, sample.language)
        return self._masked(messages, sample.language)

    def _masked(self, messages: list[Message], language: str) -> list[Message]:
        if self._mixture.identity == "keep":
            return messages
        texts = [part["text"] or "" for message in messages for part in message["content"] if part["type"] == "text"]
        first = next((found for one in identity.find(texts) for found in one), None)
        if first is None:
            return messages
        if self._mixture.identity == "ledger":
            raise Reject("identity", f"{first.kind} in the text; `identity: mask` keeps such rows, masked")
        self.masked += 1
        masked = iter(identity.masked(texts, language))
        return [
            {
                "role": message["role"],
                "content": [text_part(next(masked)) if part["type"] == "text" else part for part in message["content"]],
            }
            for message in messages
        ]


def _encodable(value: Any) -> Any:
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    return value.encode(errors="replace").decode() if isinstance(value, str) else value


def _in_order(first: pa.RecordBatch, places: list[int], second: pa.RecordBatch, others: list[int]) -> pa.RecordBatch:
    """The rows of two batches, in the order of their places."""
    if not others:
        return first
    return pa.concat_batches([first, second]).take(np.argsort([*places, *others]))
