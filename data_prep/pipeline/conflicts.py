"""Rows that give different answers to one question on the same images: found among the written rows, and listed.

Compared are rows of one question and one answer, with images, in one language; texts are normalised. A conversation of
several questions is not compared, nor is a question without a word. The rows stay in the dataset.
"""

import json
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_prep.atomic import atomic_write
from data_prep.rows import text_by_role
from data_prep.shards import rows_at

FILE_NAME = "conflicts.jsonl"
"""One line for each such question: its text, language and images, and the id, source and answer of each row."""

_MOST_TURNS = 3
"""Of a row that is compared: question and answer, and a system turn."""


class Asked(NamedTuple):
    """Hashes of a row: of its question, images and language, and of its answer. Both are 0 if it is not compared."""

    question: int
    answer: int


def is_compared(turns: int, images: int) -> bool:
    """Whether a row with so many turns and images is compared."""
    return images > 0 and turns <= _MOST_TURNS


def asked(turns: list[str], keys: list[str], language: str) -> Asked:
    """The hashes of a row; `turns` are its normalised turns, `keys` those of its images."""
    if not is_compared(len(turns), len(keys)) or not any(turns[-2:-1]):
        return Asked(0, 0)
    return Asked(_hash("\x1f".join([turns[-2], language, *keys])), _hash(turns[-1]))


def groups(question: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """For each row the number of its question, from 0 in the order of the rows; -1 if nothing contradicts its answer.

    `question` and `answer` are the hashes of the rows, of shape (rows,).
    """
    found = np.full(len(question), -1, np.int64)
    mine = np.flatnonzero(question)
    if not len(mine):
        return found
    order = mine[np.lexsort((mine, answer[mine], question[mine]))]
    starts = np.r_[True, question[order][1:] != question[order][:-1]]
    number = np.cumsum(starts) - 1
    differs = ~starts & np.r_[False, answer[order][1:] != answer[order][:-1]]
    conflicting = np.bincount(number, differs) > 0
    rows, number = order[conflicting[number]], number[conflicting[number]]
    first = np.full(len(conflicting), len(question), np.int64)
    np.minimum.at(first, number, rows)
    found[rows] = np.unique(first[number], return_inverse=True)[1]
    return found


def counts(group: np.ndarray, source: np.ndarray, names: list[str]) -> dict[str, dict[str, int]]:
    """The number of questions and of rows by the sources that the rows come from, as in "slake / vqa_rad".

    `source` is the index in `names` of each row's source.
    """
    by: dict[str, dict[str, int]] = {}
    rows = np.flatnonzero(group >= 0)
    rows = rows[np.argsort(group[rows], kind="stable")]
    for one in np.split(rows, np.flatnonzero(np.diff(group[rows])) + 1) if len(rows) else []:
        entry = by.setdefault(
            " / ".join(sorted({names[number] for number in source[one].tolist()})), {"questions": 0, "rows": 0}
        )
        entry["questions"] += 1
        entry["rows"] += len(one)
    return dict(sorted(by.items()))


def save(path: Path, group: np.ndarray, number: np.ndarray) -> None:
    """Write the groups of rows; `number` is the number of each row over all shards."""
    rows = np.flatnonzero(group >= 0)
    rows = rows[np.argsort(number[rows])]
    with atomic_write(path) as partial:
        pq.write_table(pa.table({"number": number[rows], "group": group[rows]}), partial)


def lines(saved: Path, folder: Path, shards: dict[str, int]) -> Iterator[str]:
    """Yield the lines of FILE_NAME, in the order in which the shards hold the questions.

    `shards` maps the names of the shards in `folder` to their numbers of rows.
    """
    table = pq.read_table(saved)
    by: dict[int, dict[str, Any]] = {}
    found = rows_at(folder, shards, table["number"].to_pylist())
    for group, row in zip(table["group"].to_pylist(), found, strict=True):
        question = text_by_role(row["messages"], "user").strip()
        entry = by.setdefault(
            group, {"question": question, "language": row["language"], "images": row["images"], "rows": []}
        )
        answer = text_by_role(row["messages"], "assistant")
        entry["rows"].append({"id": row["id"], "source": row["source"], "answer": answer})
    for entry in by.values():
        yield json.dumps(entry, ensure_ascii=False)


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) or 1
