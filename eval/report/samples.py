"""Sample predictions for the report: both languages, right and wrong ones, a few of every benchmark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from pathlib import Path

from eval.benchmarks.data_split import is_right, kind_of
from eval.items import Prediction, Predictions
from eval.registry import load
from eval.report.blocks import Block, Paragraph, Sample, Section, Text
from eval.report.pictures import thumbnails
from eval.report.tables import label
from eval.report.text import direction

JUDGED_KINDS = {"closed", "short", "text"}
EACH = 2
"""Samples of a benchmark in each of its languages."""
Picked = tuple[Predictions, Prediction]


def pick_samples(runs: Sequence[Predictions], count: int = 10) -> list[Picked]:
    """Take turns between the pools (language, right or wrong) of data sets' runs until there are enough.

    Only runs of the trained model with the true images count, and only kinds of which exact match is a fair judge.
    """
    pools: dict[tuple[str, bool], list[Picked]] = {}
    for run in runs:
        if run.header["images"] != "shown":
            continue
        for line in run.lines:
            right = is_right(line)
            if right is not None and kind_of(line) in JUDGED_KINDS:
                pools.setdefault((line.language, right), []).append((run, line))
    ordered = [_spread(pools[key], count) for key in sorted(pools)]
    rounds = (sample for samples in zip_longest(*ordered) for sample in samples if sample is not None)
    return [sample for _, sample in zip(range(count), rounds, strict=False)]


def pick_of_benchmark(run: Predictions) -> list[Picked]:
    """Pick a few answers in each language, from all over the file."""
    languages: dict[str, list[Picked]] = {}
    for line in run.lines:
        languages.setdefault(line.language, []).append((run, line))
    return [sample for language in sorted(languages) for sample in _spread(languages[language], EACH)[:EACH]]


def sample_sections(
    data_runs: Sequence[Predictions], benchmark_runs: Iterable[Predictions], root: Path, data: Path | None
) -> list[Section]:
    """Show the picked samples; a benchmark whose terms forbid to give its texts on is named in their place."""
    benchmarks = list(benchmark_runs)
    closed = [label(run) for run in benchmarks if not _may_be_shown(run)]
    first: list[Block] = _laid_out(pick_samples(data_runs), root, data)
    if closed:
        told = "Not shown, since their terms do not let texts or pictures be given on"
        first.append(Paragraph(f"{told}: {', '.join(closed)}."))
    sections = [
        Section(f"Samples: {label(run)}", _laid_out(pick_of_benchmark(run), root, data), level=3, folded=True)
        for run in benchmarks
        if label(run) not in closed
    ]
    if not first and not sections:
        first.append(Paragraph("No sample can be shown."))
    return [Section("Sample predictions", first), *sections]


def _laid_out(picked: Sequence[Picked], root: Path, data: Path | None) -> list[Block]:
    return [
        sample_block(number, run, line, thumbnails(run, root, data, _names(line)))
        for number, (run, line) in enumerate(picked, start=1)
    ]


def sample_block(number: int, run: Predictions, line: Prediction, pictures: Sequence[str]) -> Sample:
    """Lay out one prediction, each text in its own direction of writing."""
    # A benchmark's own metrics judge its answers; exact match would call most of the right ones wrong.
    right = is_right(line) if "data" in run.header and kind_of(line) in JUDGED_KINDS else None
    verdict = {True: "right", False: "wrong", None: ""}[right]
    count = len(_names(line))
    images = f"images: {count}" + (f", shown: {len(pictures)}" if len(pictures) < count else "")
    about = f"{line.item} ({label(run)}; {kind_of(line)}; {line.modality or 'no modality'}; {images})"
    said = {"Question": line.question, "Answer": line.error or line.output, "Gold": line.gold}
    texts = [_text(name, text, line.language) for name, text in said.items() if text or name == "Answer"]
    return Sample(number, verdict, about, texts, pictures)


def _names(line: Prediction) -> list[str]:
    """The names of a prediction's pictures; in a data set's they are their hashes."""
    return list(line.images or line.image_hashes)


def _text(name: str, text: str, language: str) -> Text:
    written = direction(text, language)
    own = (written == "rtl") == (language == "ar")
    return Text(name, text.strip(), language if own else "", written)


def _may_be_shown(run: Predictions) -> bool:
    try:
        return load(run.header["benchmark"]["name"], Path()).ABOUT.redistribute
    except (KeyError, ImportError):  # a benchmark of another version, or one whose package is not installed
        return False


def _spread(pool: list[Picked], count: int) -> list[Picked]:
    """Return up to `count` samples at even distances, so that they are not neighbours in the file."""
    step = max(1, len(pool) // count)
    return pool[::step]
