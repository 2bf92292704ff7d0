"""What the training data has in common with the benchmarks, by its manifest: whoever reads a score has to know."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from eval.dataset import DataSet
from eval.report.blocks import Block, Paragraph, Table

NOT_GIVEN = "The training data was not given: `python -m eval report RESULTS --data data/bimed-v` names its folder."
HEAD = ["benchmark", "scored here", "source", "in common", "rows", "what was done", "such as"]


def overlap_blocks(folder: Path | None, scored: Iterable[str]) -> list[Block]:
    """Say which rows of the training data are on a benchmark's pictures or hold its questions.

    Raises:
        EvalError: the folder is no complete data set.
    """
    if folder is None:
        return [Paragraph(NOT_GIVEN)]
    data = DataSet.open(folder)
    compared = data.manifest.get("benchmarks", [])
    if not compared:
        return [Paragraph(f"{data.name} was not compared with any benchmark when it was built.")]
    names = list(scored)
    blocks: list[Block] = [Paragraph(f"{data.name} was compared with {', '.join(compared)} when it was built.")]
    unknown = [name for name in names if not any(is_same(name, other) for other in compared)]
    if unknown:
        blocks.append(Paragraph(f"It was not compared with {', '.join(unknown)}, so nothing is known of these."))
    left = data.manifest.get("uncompared", [])
    if left:
        items = ", ".join(f"{entry['rows']} of {entry['benchmark']} ({entry['reason']})" for entry in left)
        blocks.append(Paragraph(f"Items of benchmarks that nothing could be compared with: {items}."))
    found = data.manifest.get("overlaps", [])
    if not found:
        return [*blocks, Paragraph("Nothing in common was found.")]
    dropped = data.manifest.get("ledger", {}).get("benchmark", 0)
    return [
        *blocks,
        Table([HEAD, *(_row(entry, names) for entry in found)]),
        Paragraph(f"Rows left out because they hold a question of a benchmark: {dropped}; ledger.jsonl has their ids."),
    ]


def is_same(scored: str, compared: str) -> bool:
    """Whether a benchmark here and one that data was compared with are the same, or one is a part of the other.

    A mixture names its benchmarks freely; the recipes' names are ours with the split behind ("slake_test"), and "mmlu"
    for all its subjects.
    """
    return scored == compared or compared.startswith(f"{scored}_") or scored.startswith(f"{compared}_")


def _row(entry: dict[str, Any], names: list[str]) -> list[str]:
    done = {"drop": "left out", "accept": "kept"}.get(entry.get("action", ""), "kept: another question")
    return [
        entry["benchmark"],
        ", ".join(name for name in names if is_same(name, entry["benchmark"])) or "no",
        entry["source"],
        "a question" if entry["kind"] == "question" else "an image",
        str(entry["rows"]),
        f"{done}: {entry['why']}" if entry.get("why") else done,
        ", ".join(entry.get("examples", [])),
    ]
