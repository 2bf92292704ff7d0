"""Second stage: the rows of each slice checked and repaired, with the names of their images; the rest in a ledger."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import batched, islice
from typing import Any

import numpy as np
import pyarrow as pa

from data_prep import rows
from data_prep.ledger import Ledger
from data_prep.mixture import Entry, Mixture
from data_prep.pipeline import between
from data_prep.pipeline.slices import Slice
from data_prep.pipeline.stage import Work, putting, run
from data_prep.rows import NOT_SELECTED, Message, Reject, Rejected, Sample, text_part
from data_prep.sources.base import Source
from data_prep.text import clean, faults, identity, language
from data_prep.text.compare import normalised_all
from data_prep.text.suspects import suspects

STAGE = "read"
LEDGER = "ledger.jsonl"
SCHEMA = pa.schema(
    [
        *rows.SCHEMA,
        ("split", pa.string()),
        ("group", pa.string()),
        ("said", pa.list_(pa.string())),
    ]
)
"""The row contract with names in the place of keys; `said` is each turn's text, normalised for comparing."""

_BATCH = 1_000


def read(work: Work, slices: list[Slice], sources: list[Source], mixture: Mixture) -> None:
    """Read every slice. `sources` are the mixture's sources and then its benchmarks.

    Raises RuntimeError when a row of a slice is neither given on, nor in the ledger, nor of another split.
    """
    entries = [*mixture.entries, *(Entry(into="benchmark") for _ in mixture.benchmarks)]

    def task(rank: int, tick: Callable[[int], None]) -> None:
        part = slices[rank]
        source = sources[part.source]
        with ExitStack() as stack:
            ledger = stack.enter_context(Ledger(stack.enter_context(putting(work.path(STAGE, rank, LEDGER)))))
            path = stack.enter_context(putting(work.path(STAGE, rank, "arrow")))
            writer = stack.enter_context(between.writing(path, SCHEMA))
            reading = _Reading(source, entries[part.source], mixture, ledger, part.source >= len(mixture.sources))
            written = 0
            for batch in reading.batches(source.tables()[part.table].rows(part.start, part.rows), tick):
                writer.write_batch(batch)
                written += batch.num_rows
        left_out = sum(ledger.counts.values())
        if part.rows != reading.others + written + left_out:
            raise RuntimeError(
                f"{source.name}, slice {rank}: {part.rows} rows became {written} and {left_out} rejections"
            )
        with putting(work.path(STAGE, rank, "json")) as path:
            path.write_text(json.dumps({"others": reading.others, "masked": reading.masked, "ledger": ledger.counts}))

    run(work, STAGE, task, [part.rows for part in slices])


class _Reading:
    """From one table's rows to rows of SCHEMA.

    `others` counts rows of another split or not asked for, `masked` those with an identity in them.
    """

    def __init__(self, source: Source, entry: Entry, mixture: Mixture, ledger: Ledger, is_benchmark: bool) -> None:
        self.others = self.masked = 0
        self._source = source
        self._entry = entry
        self._mixture = mixture
        self._ledger = ledger
        self._checked = mixture.checks and not is_benchmark
        self._compared = mixture.compares

    def batches(
        self, given: Iterator[tuple[str, dict[str, Any] | Rejected]], tick: Callable[[int], None]
    ) -> Iterator[pa.RecordBatch]:
        """The rows that can be used, some at a time; the others go into the ledger, or are counted as others."""
        for batch in batched(given, _BATCH):
            read = [self._sample(place, raw) for place, raw in batch]
            samples = [sample for sample in read if isinstance(sample, Sample)]
            looked_at = suspects(samples) if self._checked else np.zeros(len(samples), bool)
            looks = iter(looked_at.tolist())
            made = []
            for sample in read:
                if isinstance(sample, Rejected):
                    self._ledger.add(self._source.name, sample.id, sample.reason, sample.detail)
                elif sample is None:
                    self.others += 1
                else:
                    try:
                        made.append(self._row(sample, next(looks)))
                    except Reject as reject:
                        self._ledger.add(self._source.name, sample.id, reject.reason, reject.detail)
            if self._compared:
                _add_said(made)
            tick(len(batch))
            yield self._written(made)

    def _written(self, made: list[dict[str, Any]]) -> pa.RecordBatch:
        """The rows as Arrow has them; one with a lone surrogate, which UTF-8 cannot hold, goes into the ledger."""
        try:
            return pa.RecordBatch.from_pylist(made, schema=SCHEMA)
        except UnicodeEncodeError:
            return pa.RecordBatch.from_pylist([row for row in made if self._is_unicode(row)], schema=SCHEMA)

    def _is_unicode(self, row: dict[str, Any]) -> bool:
        for name, value in row.items():
            try:
                json.dumps(value, ensure_ascii=False).encode()
            except UnicodeEncodeError:
                self._ledger.add(self._source.name, row["id"], "broken_text", f"{name}: a lone surrogate")
                return False
        return True

    def _sample(self, place: str, raw: dict[str, Any] | Rejected) -> Sample | Rejected | None:
        """The sample of a row of the table; None for one of another split, or that is not asked for."""
        row_id = f"{self._source.name} {place}"
        if isinstance(raw, Rejected):
            return Rejected(row_id, raw.reason, raw.detail)
        try:
            row_id = self._source.row_id(place, raw)
            return self._source.sample(row_id, raw)
        except Reject as reject:
            return None if reject.reason == NOT_SELECTED else Rejected(row_id, reject.reason, reject.detail)

    def _row(self, sample: Sample, is_suspect: bool) -> dict[str, Any]:
        if is_suspect:
            messages = self._checked_messages(sample)
        else:
            messages = sample.messages
            rows.check(messages, len(sample.images))
        return {
            **rows.row(sample, self._source.name, list(sample.images)),
            "messages": messages,
            "split": self._mixture.split(sample, self._entry),
            "group": sample.group,
            "said": [],
        }

    def _checked_messages(self, sample: Sample) -> list[Message]:
        messages = clean.repair(sample.messages)
        rows.check(messages, len(sample.images))
        faults.check(messages, len(sample.images))
        answers, questions = rows.said_by(messages, "assistant"), rows.said_by(messages, "user")
        language.check(answers, questions, sample.language)
        return self._without_identities(messages)

    def _without_identities(self, messages: list[Message]) -> list[Message]:
        if self._mixture.identity == "keep":
            return messages
        found = identity.find(rows.spoken(messages))
        if not found:
            return messages
        if self._mixture.identity == "ledger":
            raise Reject("identity", f"{found[0].kind} in the text; `identity: mask` keeps such rows, masked")
        self.masked += 1
        return [
            {
                "role": message["role"],
                "content": [
                    text_part(identity.masked(part["text"] or "")) if part["type"] == "text" else part
                    for part in message["content"]
                ],
            }
            for message in messages
        ]


def _add_said(made: list[dict[str, Any]]) -> None:
    turns = [rows.spoken([message]) for row in made for message in row["messages"]]
    said = iter(normalised_all(turns))
    for row in made:
        row["said"] = list(islice(said, len(row["messages"])))
