"""Where the numbers come from: the headers of the runs, the datasets, and training data that overlaps benchmarks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from data_prep.counted import counted
from eval.dataset import DataSet
from eval.predictions import Predictions
from eval.report.blocks import Block, Facts, Paragraph, Section, Table
from eval.report.tables import in_words, label

NOT_GIVEN = "No training data was given: name its folder with `python -m eval report RESULTS --data data/bimed-v`."
HEAD = ["benchmark", "scored here", "source", "shared", "rows", "action", "examples"]
_KINDS = {"question": "a question", "image": "an image", "document": "a document"}


def run_section(run: Predictions) -> Section:
    """List a run's header, without the counts of its dataset: `data_facts` lists these once for all runs."""
    facts = [("predictions", f"predictions/{run.name}.jsonl, {counted(len(run.lines), 'item')}")]
    facts += [(name, in_words(_without_counts(value))) for name, value in run.header.items()]
    return Section(label(run), [Facts(facts)], level=3, folded=True)


def _without_counts(value: Any) -> Any:
    return {key: item for key, item in value.items() if key != "counts"} if isinstance(value, dict) else value


def data_facts(runs: Sequence[Predictions]) -> Facts:
    """List the counts in the manifest of each dataset, once per dataset."""
    counts = {run.header["data"]["name"]: run.header["data"]["counts"] for run in runs}
    return Facts(
        [
            (f"{name}, rows by {group}", in_words(count))
            for name, groups in counts.items()
            for group, count in groups.items()
        ]
    )


def overlap_blocks(folder: Path | None, scored: Iterable[str]) -> list[Block]:
    """Tell from its manifest which training rows share an image or a question with a benchmark.

    Raises:
        EvalError: the folder is no complete dataset.
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
        blocks.append(Paragraph(f"It was not compared with {', '.join(unknown)}: overlap with these is unknown."))
    left = data.manifest.get("uncompared", [])
    if left:
        items = ", ".join(f"{entry['rows']} of {entry['benchmark']} ({entry['reason']})" for entry in left)
        blocks.append(Paragraph(f"Benchmark items that could not be compared: {items}."))
    found = data.manifest.get("overlaps", [])
    if not found:
        return [*blocks, Paragraph("No overlap was found.")]
    dropped = data.manifest.get("ledger", {}).get("benchmark", 0)
    return [
        *blocks,
        Table([HEAD, *(_overlap_row(entry, names) for entry in found)]),
        Paragraph(f"Rows dropped because they contain a benchmark question: {dropped}; ledger.jsonl lists their ids."),
    ]


def is_same(scored: str, compared: str) -> bool:
    """Tell whether two names mean the same benchmark, or one a part of the other.

    A mixture names its benchmarks freely; the shipped ones use our names followed by the split ("slake_test"), and
    "mmlu" for all subjects together.
    """
    return scored == compared or compared.startswith(f"{scored}_") or scored.startswith(f"{compared}_")


def _overlap_row(entry: dict[str, Any], names: list[str]) -> list[str]:
    done = {"drop": "dropped", "accept": "kept"}.get(entry.get("action", ""), "kept: another question")
    return [
        entry["benchmark"],
        ", ".join(name for name in names if is_same(name, entry["benchmark"])) or "no",
        entry["source"],
        _KINDS[entry["kind"]],
        str(entry["rows"]),
        f"{done}: {entry['why']}" if entry.get("why") else done,
        ", ".join(entry.get("examples", [])),
    ]
