"""Second stage: read the rows of each slice, repair and check their text, and write the rejected ones to a ledger."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import batched, islice
from typing import Any

import numpy as np
import pyarrow as pa

from data_prep import rows
from data_prep.atomic import atomic_write
from data_prep.ledger import Ledger
from data_prep.mixture import Mixture
from data_prep.pipeline import conflicts, stage
from data_prep.pipeline.slices import Slice
from data_prep.pipeline.stage import BuildFolder, run
from data_prep.rows import NOT_SELECTED, Message, Reject, Rejected, Sample, text_part
from data_prep.sources.source import Source
from data_prep.text import clean, identity, language, rejections
from data_prep.text.documents import documents
from data_prep.text.normalise import normalised_all
from data_prep.text.prefilter import needs_checks

STAGE = "read"
LEDGER = "ledger.jsonl"
REJECTED = "rejected.arrow"
SCHEMA = pa.schema(
    [
        *rows.SCHEMA,
        ("named", pa.string()),
        ("group", pa.string()),
        ("documents", pa.list_(pa.string())),
        ("normalised", pa.list_(pa.string())),
    ]
)
"""The row contract with image names instead of keys; `named` is the split of the first rule that names the row, or else
the one that holds it out in its dataset, `documents` the names of its figures and articles if there are benchmarks,
`normalised` the normalised text of each turn, or empty if the row is not compared with others."""

KIN = pa.schema([SCHEMA.field(name) for name in ("id", "parent", "group", "documents")])
"""What links a row to others; REJECTED holds it for the rejected rows, through which others may descend."""

_BATCH = 1_000
_BLOCK = 4_000
"""Rows searched for suspicious text at once: RE2 compiles its patterns anew for each search."""


def read_slices(workdir: BuildFolder, slices: list[Slice], sources: list[Source], mixture: Mixture) -> None:
    """Read every slice. `sources` are the mixture's sources, followed by its benchmarks.

    Raises RuntimeError if a row of a slice is neither written, nor in the ledger, nor of another split.
    """

    def task(rank: int, advance: Callable[[int], None]) -> None:
        part = slices[rank]
        source = sources[part.source]
        with ExitStack() as stack:
            ledger = stack.enter_context(Ledger(stack.enter_context(atomic_write(workdir.path(STAGE, rank, LEDGER)))))
            writer = stack.enter_context(stage.writing(workdir.path(STAGE, rank, "arrow"), SCHEMA))
            reader = _RowReader(source, mixture, ledger, part.source >= len(mixture.sources))
            written = 0
            for batch in reader.batches(source.tables()[part.table].rows(part.start, part.rows), advance):
                writer.write_batch(batch)
                written += batch.num_rows
        left_out = sum(ledger.counts.values())
        if part.rows != reader.others + written + left_out:
            raise RuntimeError(
                f"{source.name}, slice {rank}: {part.rows} rows became {written} and {left_out} rejections"
            )
        with stage.writing(workdir.path(STAGE, rank, REJECTED), KIN) as writer:
            writer.write_batch(pa.RecordBatch.from_pylist(reader.rejected, schema=KIN))
        with atomic_write(workdir.path(STAGE, rank, "json")) as path:
            path.write_text(json.dumps({"others": reader.others, "masked": reader.masked, "ledger": ledger.counts}))

    run(workdir, STAGE, task, [part.rows for part in slices])


class _RowReader:
    """Turns the rows of one table into rows of SCHEMA.

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
        self._compared = mixture.compares

    def batches(
        self, given: Iterator[tuple[str, dict[str, Any] | Rejected]], advance: Callable[[int], None]
    ) -> Iterator[pa.RecordBatch]:
        """Yield batches of the usable rows; the other rows go to the ledger or are counted in `others`."""
        for block in batched(given, _BLOCK):
            read = [self._sample(place, raw) for place, raw in block]
            samples = [sample for sample in read if isinstance(sample, Sample)]
            suspicious = needs_checks(samples) if self._checked else np.zeros(len(samples), bool)
            flags = iter(suspicious.tolist())
            for batch in batched(read, _BATCH):
                made = self._rows(batch, flags)
                advance(len(batch))
                yield self._record_batch(made)

    def _rows(self, batch: tuple[Sample | Rejected | None, ...], flags: Iterator[bool]) -> list[dict[str, Any]]:
        """The usable rows of a batch; `flags` says of each sample whether it is suspicious."""
        made = []
        for sample in batch:
            if isinstance(sample, Rejected):
                links = {"parent": sample.parent, "group": sample.group}
                self._reject(sample.id, sample.reason, sample.detail, links)
            elif sample is None:
                self.others += 1
            else:
                try:
                    made.append(self._row(sample, next(flags)))
                except Reject as reject:
                    self._reject(sample.id, reject.reason, reject.detail, self._links(sample))
        _add_normalised(made if self._compared else _conflicting(made))
        return made

    def _reject(self, row_id: str, reason: str, detail: str, links: dict[str, Any] | None = None) -> None:
        """Write a row to the ledger; `links` holds its columns of KIN, as far as it could be read."""
        self._ledger.add(self._source.name, row_id, reason, detail)
        kin = {"id": row_id, **(links or {})}
        # UTF-8 cannot encode a lone surrogate
        self.rejected.append({name: _encodable(kin.get(name)) for name in KIN.names})

    def _links(self, sample: Sample) -> dict[str, Any]:
        named = documents(sample) if self._mixture.benchmarks else []
        return {"parent": sample.parent, "group": sample.group, "documents": named}

    def _record_batch(self, made: list[dict[str, Any]]) -> pa.RecordBatch:
        """The rows as an Arrow batch; a row with a lone surrogate, which UTF-8 cannot encode, goes to the ledger."""
        try:
            return pa.RecordBatch.from_pylist(made, schema=SCHEMA)
        except UnicodeEncodeError:
            return pa.RecordBatch.from_pylist([row for row in made if self._is_unicode(row)], schema=SCHEMA)

    def _is_unicode(self, row: dict[str, Any]) -> bool:
        for name, value in row.items():
            try:
                json.dumps(value, ensure_ascii=False).encode()
            except UnicodeEncodeError:
                self._reject(row["id"], "broken_text", f"{name}: a lone surrogate", row)
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

    def _row(self, sample: Sample, is_suspicious: bool) -> dict[str, Any]:
        if is_suspicious:
            messages = self._checked_messages(sample)
        else:
            messages = sample.messages
            rows.check(messages, len(sample.images))
        return {
            **rows.row(sample, self._source.name, list(sample.images)),
            "messages": messages,
            "named": self._mixture.named(sample) or sample.split,
            **self._links(sample),
            "normalised": [],
        }

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


def _conflicting(made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows that are compared with others if the mixture compares none: for conflicting answers."""
    return [row for row in made if conflicts.is_compared(len(row["messages"]), len(row["images"]))]


def _add_normalised(made: list[dict[str, Any]]) -> None:
    turns = [rows.text_of([message]) for row in made for message in row["messages"]]
    texts = iter(normalised_all(turns))
    for row in made:
        row["normalised"] = list(islice(texts, len(row["messages"])))
