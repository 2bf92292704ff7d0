"""The report for programs: every score, and the paper's tables with our numbers beside the published ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from eval.report.beside_paper import Ours, ours
from eval.report.paper_tables import PaperTable, document, published
from eval.report.results import Results

FORMAT = 1


def machine_report(all_results: Sequence[Results], tables: Sequence[PaperTable]) -> dict[str, Any]:
    """Return what report.json holds. Ours are fractions; published numbers are as the paper prints them."""
    return {
        "format": FORMAT,
        "results": [
            {
                "folder": results.folder.as_posix(),
                "model": results.title,
                "runs": {run.name: run.header for run in results.runs},
                "scores": [asdict(score) for score in results.scores],
            }
            for results in all_results
        ],
        "paper": {
            "source": document()["source"],
            "notes": document()["notes"],
            "tables": [_table(table, [ours(table, results) for results in all_results]) for table in tables],
        },
    }


def _table(table: PaperTable, columns: Sequence[Ours]) -> dict[str, Any]:
    models = published(table)
    return {
        "title": table.title,
        "published_in_percent": table.percent,
        "rows": [
            {
                "place": list(row.place),
                "benchmark": row.benchmark,
                "metric": row.metric,
                "subgroup": dict(row.subgroup),
                "rescaled_by_an_unpublished_rule": row.starred,
                "rule": row.rule or None,
                "ours": [_number(column, row.place) for column in columns],
                "published": {model: values.get(row.place) for model, values in models.items()},
            }
            for row in table.rows
        ],
        "average": {
            "ours": [
                {"model": column.title, "value": column.average, "why_none": column.no_average} for column in columns
            ],
            "published": {model: values[table.average] for model, values in models.items()} if table.average else None,
        },
        "notes": list(table.notes),
    }


def _number(column: Ours, place: tuple[str, ...]) -> dict[str, Any]:
    if place not in column.scores:
        return {"model": column.title, "value": None, "why_none": column.missing[place]}
    score = column.scores[place]
    return {"model": column.title, **asdict(score)}
