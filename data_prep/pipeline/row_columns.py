"""The rows that the second stage writes, column by column."""

import numpy as np
import pyarrow as pa

from data_prep import rows
from data_prep.mixture import Mixture
from data_prep.pipeline import conflicts
from data_prep.rows import Message, Sample, text_of
from data_prep.text.documents import documents
from data_prep.text.normalise import normalised_all
from data_prep.text.parts import Parts

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


def columns(parts: Parts, source: str, mixture: Mixture) -> pa.RecordBatch:
    """The rows of SCHEMA of these samples of a source. Raises UnicodeEncodeError for a lone surrogate in a name."""
    samples = parts.samples
    fields = dict(zip(Sample._fields, zip(*samples, strict=True), strict=True)) if samples else {}
    given = {
        **fields,
        "source": [source] * len(samples),
        "named": [mixture.named(sample) or sample.split for sample in samples],
        "documents": [documents(sample) if mixture.benchmarks else [] for sample in samples],
    }
    made = {"messages": parts.messages(), "normalised": _normalised(samples, mixture)}
    arrays = [
        made[field.name] if field.name in made else pa.array(given.get(field.name, ()), field.type) for field in SCHEMA
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def _normalised(samples: list[Sample], mixture: Mixture) -> pa.ListArray:
    """The normalised turns of each row; none of a row that is not compared with others."""
    compared = [mixture.compares or conflicts.is_compared(len(one.messages), len(one.images)) for one in samples]
    turns = [one.messages if is_compared else [] for one, is_compared in zip(samples, compared, strict=True)]
    texts = normalised_all([_text(message) for messages in turns for message in messages])
    offsets = np.cumsum([0, *map(len, turns)])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(texts[: offsets[-1]], pa.string()))


def _text(message: Message) -> str:
    content = message["content"]
    return content[0].get("text") or "" if len(content) == 1 else text_of([message])
