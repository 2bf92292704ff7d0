"""The report of a results folder as Markdown, HTML and JSON, and the short table for the terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from eval.registry import ROOT
from eval.report.benchmark_sections import (
    PUBLISHED,
    compared_section,
    further_sections,
    other_results,
    paper_sections,
)
from eval.report.blocks import Block, Caution, Figure, Paragraph, Section, Table
from eval.report.figures import draw_losses, draw_scores
from eval.report.machine import machine_report
from eval.report.made import data_facts, run_section
from eval.report.markdown import markdown
from eval.report.overlap import overlap_blocks
from eval.report.paper_tables import TABLES
from eval.report.results import Results
from eval.report.samples import sample_sections
from eval.report.starred import with_rules
from eval.report.tables import exact_table, kind_table, multimedeval_table, score_lines, terminal
from eval.report.web import web_page

TITLE = "Evaluation report"
WARNING = Caution(
    "Not for medical use.",
    "This model is a research artefact. Its answers can be wrong in ways that look right. Do not use it for "
    "diagnosis, for treatment or for advice to patients.",
)
EXACT_NOTE = "Mean in percent ± standard error (n = scored items)."
MULTIMEDEVAL_NOTE = (
    "MultiMedEval's metrics know English only: a question counts as closed if its gold answer is yes or no, so "
    "Arabic yes/no questions are among the open ones here. Exact match above goes by the question kind in both "
    "languages."
)


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
    """Write report.md, report.html and report.json, and beside them the figures of the Markdown page.

    Args:
        results: folder with predictions and scores.json.
        training: training runs whose loss is drawn.
        out: the Markdown page; the others stand beside it under the same stem.
        against: "published" for the paper's numbers, or another results folder.
        data: the training data's folder, for what it has in common with the benchmarks.
        root: folder of all benchmarks, for the pictures of samples.
        starred: rules for the paper's starred rows, such as "bleu4=times10".

    Returns:
        The three pages. Each appears only when it is complete.

    Raises:
        EvalError: predictions, scores, the data set's manifest or a training run's trainer state are missing, or there
            is no such rule.
    """
    tables = with_rules(TABLES, starred)
    found, other = Results.read(results), other_results(against)
    both = [found, other] if other else [found]
    sections = [
        Section("", [WARNING]),
        *paper_sections(both, tables, with_published=against == PUBLISHED),
        *further_sections(found),
        *([compared_section(found, other)] if other else []),
        *_data_sections(found),
        *([Section("Training", [draw_losses(training)])] if training else []),
        *sample_sections(found.data_runs, found.benchmark_runs.values(), root, data),
        *_training_data(found, data),
        *([Section("Data", [data_facts(found.data_runs)])] if found.data_runs else []),
        Section("How it was made"),
        *map(run_section, found.runs),
    ]
    return _write(out, sections, json.dumps(machine_report(both, tables), ensure_ascii=False, indent=1) + "\n")


def summary(results: Path) -> str:
    """Return the short table and, below it, the paths of the checkpoint and of the report.

    Raises:
        EvalError: predictions or scores are missing.
    """
    found = Results.read(results)
    tables = [exact_table(found.data_runs, found.scores)] if found.data_runs else []
    tables += [score_lines(found.benchmark_runs.values(), found.scores)] if found.benchmark_runs else []
    report = results / "report.md"
    pages = f"{report.as_posix()}, {report.with_suffix('.html').as_posix()}"
    last = f"merged checkpoint: {found.runs[0].header['model']}\nreport: {pages}"
    return "\n\n".join([*map(terminal, tables), last])


def _data_sections(found: Results) -> list[Section]:
    """The tables of runs over data sets: exact match, and MultiMedEval's metrics."""
    runs, scores = found.data_runs, found.scores
    if not runs:
        return []
    exact: list[Block] = [
        Paragraph(EXACT_NOTE),
        Table(exact_table(runs, scores)),
        draw_scores(runs, scores),
        Table(kind_table(runs, scores)),
    ]
    metrics: list[Block] = [Paragraph(MULTIMEDEVAL_NOTE), Table(multimedeval_table(runs, scores))]
    return [Section("Exact match", exact), Section("MultiMedEval VQA metrics", metrics)]


def _training_data(found: Results, data: Path | None) -> list[Section]:
    """What training data and benchmarks have in common; there is nothing to say where neither is given."""
    if data is None and not found.benchmark_runs:
        return []
    return [Section("Training data and benchmarks", overlap_blocks(data, found.benchmark_runs))]


def _write(out: Path, sections: Sequence[Section], machine: str) -> list[Path]:
    out.parent.mkdir(parents=True, exist_ok=True)
    for section in sections:
        for block in section.blocks:
            if isinstance(block, Figure):
                (out.parent / f"{block.name}.svg").write_text(block.svg, encoding="utf-8")
    pages = {
        out.with_suffix(".md"): markdown(TITLE, sections),
        out.with_suffix(".html"): web_page(TITLE, sections),
        out.with_suffix(".json"): machine,
    }
    for path, content in pages.items():
        part = path.with_name(path.name + ".part")
        part.write_text(content, encoding="utf-8", errors="replace")
        part.replace(path)
    return list(pages)
