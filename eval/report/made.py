"""How the numbers were made: the headers of the predictions files, and what the data sets hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eval.items import Predictions
from eval.report.blocks import Facts, Section
from eval.report.tables import label


def run_section(run: Predictions) -> Section:
    """List a run's header, without the counts of its data set, which are said once for all runs."""
    header = {**run.header}
    if "data" in header:
        header["data"] = {name: value for name, value in header["data"].items() if name != "counts"}
    facts = [("predictions", f"predictions/{run.name}.jsonl, {len(run.lines)} items")]
    facts += [(name, in_words(value)) for name, value in header.items()]
    return Section(label(run), [Facts(facts)], level=3, folded=True)


def data_facts(runs: Sequence[Predictions]) -> Facts:
    """List the counts of each data set's manifest, once a data set."""
    counts = {run.header["data"]["name"]: run.header["data"]["counts"] for run in runs}
    return Facts(
        [
            (f"{name}, rows by {group}", in_words(count))
            for name, groups in counts.items()
            for group, count in groups.items()
        ]
    )


def in_words(value: Any) -> str:
    """Write a header's value in words."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {in_words(item)}" for key, item in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(in_words, value)) or "all"
    return "none" if value is None else str(value)
