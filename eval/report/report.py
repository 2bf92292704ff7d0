"""The report of a results folder as Markdown, HTML and JSON, and the short table for the terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from data_prep.atomic import atomic_write
from eval.registry import ROOT
from eval.report.beside_paper import Column, is_partial, our_columns, with_rules
from eval.report.blocks import Caution, Figure, Section
from eval.report.figures import draw_losses
from eval.report.head import capability_sections, head_sections, language_records
from eval.report.languages import gaps
from eval.report.markdown import markdown, plain_table
from eval.report.page import html_page
from eval.report.paper import TABLES, PaperTable, paper_document, published
from eval.report.provenance import data_facts, overlap_blocks, run_section
from eval.report.results import Results
from eval.report.samples import sample_sections
from eval.report.sections import (
    PUBLISHED,
    compared_sections,
    further_sections,
    other_results,
    paper_sections,
    split_sections,
)
from eval.report.tables import exact_table, score_lines

TITLE = "Evaluation report"
WARNING = Caution(
    "Not for medical use.",
    "This model is a research artefact. Its answers can be wrong and still look plausible. Do not use it for "
    "diagnosis, treatment or advice to patients.",
)
FORMAT = 1
"""Version of report.json."""


def write_report(
    results: Path,
    training: Sequence[Path],
    out: Path,
    against: str | None = None,
    data: Path | None = None,
    *,
    root: Path = ROOT,
    starred: Sequence[str] = (),
) -> list[Path]:
    """Write report.md, report.html and report.json, and the figures of the Markdown page beside them.

    Args:
        results: folder with predictions and scores.json.
        training: training runs whose loss is drawn.
        out: the Markdown page; the HTML and JSON files are written beside it with the same stem.
        against: "published" for the paper's numbers, or another results folder.
        data: folder of the training data, for its overlap with the benchmarks.
        root: folder of all benchmarks, for the images of samples.
        starred: rules for the paper's starred rows, such as "bleu4=times10".

    Returns:
        The paths of the three pages. Each is written atomically.

    Raises:
        EvalError: predictions, scores, the dataset's manifest or a training run's trainer state are missing, or a rule
            is unknown.
    """
    tables = with_rules(TABLES, starred)
    found, other = Results.read(results), other_results(against)
    both = [found, other] if other else [found]
    languages = gaps(found)
    sections = [
        Section("", [WARNING]),
        *head_sections(found, languages),
        *paper_sections(both, tables, with_published=against == PUBLISHED),
        *further_sections(found),
        *capability_sections(found),
        *(compared_sections(found, other) if other else []),
        *split_sections(found),
        *([Section("Training", [draw_losses(training)])] if training else []),
        *sample_sections(found, root, data),
        *_training_data(found, data),
        *([Section("Data", [data_facts(found.data_runs)])] if found.data_runs else []),
        Section("How the numbers were made"),
        *map(run_section, found.runs),
    ]
    content = json_report(both, tables) | {"languages": language_records(languages)}
    return _write(out, sections, json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def summary(results: Path) -> str:
    """Return the short table, then the paths of the checkpoint and of the report.

    Raises:
        EvalError: predictions or scores are missing.
    """
    found = Results.read(results)
    tables = [exact_table(found)] if found.data_runs else []
    tables += [score_lines(found)] if found.benchmark_runs else []
    report = results / "report.md"
    pages = f"{report.as_posix()}, {report.with_suffix('.html').as_posix()}"
    last = f"merged checkpoint: {found.runs[0].header['model']}\nreport: {pages}"
    return "\n\n".join([*map(plain_table, tables), last])


def json_report(all_results: Sequence[Results], tables: Sequence[PaperTable]) -> dict[str, Any]:
    """Return the content of report.json. Our scores are fractions; published numbers are as the paper prints them."""
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
            "source": paper_document()["source"],
            "notes": paper_document()["notes"],
            "tables": [_json_table(table, our_columns(table, all_results)) for table in tables],
        },
    }


def _training_data(found: Results, data: Path | None) -> list[Section]:
    """The overlap of training data and benchmarks; no section where there is neither."""
    if data is None and not found.benchmark_runs:
        return []
    return [Section("Training data and benchmarks", overlap_blocks(data, found.benchmark_runs))]


def _write(out: Path, sections: Sequence[Section], content: str) -> list[Path]:
    figures = [block for section in sections for block in section.blocks if isinstance(block, Figure)]
    pages = {
        out.with_suffix(".md"): markdown(TITLE, sections),
        out.with_suffix(".html"): html_page(TITLE, sections),
        out.with_suffix(".json"): content,
    }
    for path, text in ({out.parent / f"{figure.name}.svg": figure.svg for figure in figures} | pages).items():
        with atomic_write(path) as partial:
            partial.write_text(text, encoding="utf-8", errors="replace")
    return list(pages)


def _json_table(table: PaperTable, columns: Sequence[Column]) -> dict[str, Any]:
    models = published(table)
    partial = any(is_partial(row.place, columns) for row in table.rows)
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
                "ours": [_json_score(column, row.place) for column in columns],
                "published": {
                    model: None if is_partial(row.place, columns) else values.get(row.place)
                    for model, values in models.items()
                },
            }
            for row in table.rows
        ],
        "average": {
            "ours": [
                {"model": column.title, "value": column.average, "why_none": column.no_average} for column in columns
            ],
            "published": {model: values[table.average] for model, values in models.items()}
            if table.average and not partial
            else None,
        },
        "notes": list(table.notes),
    }


def _json_score(column: Column, place: tuple[str, ...]) -> dict[str, Any]:
    if place not in column.scores:
        return {"model": column.title, "value": None, "why_none": column.missing[place]}
    score = column.scores[place]
    return {"model": column.title, **asdict(score)}
