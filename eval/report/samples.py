"""Sample predictions with their images: in both languages, right and wrong, and a few of every benchmark.

Those of a judged benchmark stand beside what the judge held them to and what it replied.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from eval.benchmark import Verdict
from eval.benchmarks.data_split import DataSplit, is_right, kind_of
from eval.errors import EvalError
from eval.images import read_image
from eval.items import Prediction, Predictions
from eval.judge.instructions import PLAIN, JudgedBenchmark
from eval.judge.verdicts import latest_by_item, read_verdicts
from eval.registry import of_header
from eval.report.blocks import Block, Paragraph, Sample, Section, Text, direction
from eval.report.results import Results, about_run
from eval.report.tables import label

JUDGED_KINDS = {"closed", "short", "text"}
PER_LANGUAGE = 2
"""Samples of a benchmark in each of its languages."""
LONGEST_SIDE = 512
QUALITY = 80

ReadImage = Callable[[str], bytes]
Texts = dict[str, str]
"""Texts of a sample by their labels."""
Picked = tuple[Predictions, Prediction]


def pick_samples(runs: Sequence[Predictions], count: int = 10) -> list[Picked]:
    """Pick `count` answers of dataset runs, taking turns between languages and between right and wrong ones.

    Only runs that were shown the true images count, and only question kinds that exact match can judge fairly.
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
    """Pick a few answers in each language, spread over the file."""
    languages: dict[str, list[Picked]] = {}
    for line in run.lines:
        languages.setdefault(line.language, []).append((run, line))
    return [
        sample for language in sorted(languages) for sample in _spread(languages[language], PER_LANGUAGE)[:PER_LANGUAGE]
    ]


def sample_sections(results: Results, root: Path, data: Path | None) -> list[Section]:
    """Show sample predictions; benchmarks that are not redistributable are only named."""
    benchmarks = list(results.benchmark_runs.values())
    closed = [label(run) for run in benchmarks if not _is_redistributable(run)]
    first: list[Block] = _blocks(pick_samples(results.data_runs), root, data)
    if closed:
        first.append(
            Paragraph(f"Not shown, because their texts and images are not redistributable: {', '.join(closed)}.")
        )
    sections = [
        Section(
            f"Samples: {label(run)}",
            _blocks(pick_of_benchmark(run), root, data, _judgements(results.folder, run, root)),
            level=3,
            folded=True,
        )
        for run in benchmarks
        if label(run) not in closed
    ]
    if not first and not sections:
        first.append(Paragraph("No sample can be shown."))
    return [Section("Sample predictions", first), *sections]


def _blocks(
    picked: Sequence[Picked], root: Path, data: Path | None, judgements: Mapping[str, Texts] | None = None
) -> list[Block]:
    """Lay out predictions; `judgements` are the texts beside an item's answer."""
    readers = {run.name: _readers(run, root, data) for run, _ in picked}
    return [
        sample_block(
            number, run, line, thumbnails(readers[run.name], _names(line)), (judgements or {}).get(line.item, {})
        )
        for number, (run, line) in enumerate(picked, start=1)
    ]


def _judgements(folder: Path, run: Predictions, root: Path) -> dict[str, Texts]:
    """The rubric and the judge's reply for each answer of a judged benchmark; none of another one."""
    benchmark = of_header(run.header, root)
    if not isinstance(benchmark, JudgedBenchmark):
        return {}
    read = read_verdicts(folder, run.name)
    verdicts = {kind: latest_by_item(read, run.lines, kind) for kind in benchmark.KINDS}
    return {
        line.item: {"Rubric": benchmark.rubric(line), "Judge's verdict": _said(verdicts, line.item)}
        for line in run.lines
    }


def _said(verdicts: Mapping[str, Mapping[str, Verdict]], item: str) -> str:
    """The judge's reply, with what it is about where a benchmark asks for several."""
    replies = {kind: found[item]["reply"] for kind, found in verdicts.items() if item in found}
    named = [reply if kind == PLAIN else f"{kind}: {reply}" for kind, reply in replies.items()]
    return "\n".join(named) or "not judged"


def _verdict(line: Prediction) -> str:
    right = is_right(line) if kind_of(line) in JUDGED_KINDS else None
    return {True: "right", False: "wrong", None: ""}[right]


def sample_block(number: int, run: Predictions, line: Prediction, images: Sequence[str], judgement: Texts) -> Sample:
    """Lay out one prediction, each text in its own writing direction.

    One of a dataset's split has a verdict by exact match; benchmarks have metrics of their own.
    """
    count = len(_names(line))
    shown = f"images: {count}" + (f", shown: {len(images)}" if len(images) < count else "")
    about = f"{line.item} ({label(run)}; {kind_of(line)}; {line.modality or 'no modality'}; {shown})"
    own = {"Question": line.question, "Answer": line.error or line.output, "Reference": line.gold}
    texts_by_label = own | judgement
    verdict = _verdict(line) if "data" in run.header else ""
    texts = [_text(name, text, line.language) for name, text in texts_by_label.items() if text or name == "Answer"]
    return Sample(number, verdict, about, texts, images)


def _names(line: Prediction) -> list[str]:
    """The names of a prediction's images; for a dataset these are their hashes."""
    return list(line.images or line.image_hashes)


def _text(name: str, text: str, language: str) -> Text:
    written = direction(text, language)
    own = (written == "rtl") == (language == "ar")
    return Text(name, text.strip(), language if own else "", written)


def _is_redistributable(run: Predictions) -> bool:
    about = about_run(run.header)
    return about is not None and about.redistribute


def _spread(pool: list[Picked], count: int) -> list[Picked]:
    """Return evenly spaced samples of the pool: at least `count`, or all of a smaller pool."""
    step = max(1, len(pool) // count)
    return pool[::step]


def thumbnails(readers: Sequence[ReadImage], keys: Sequence[str]) -> list[str]:
    """Return the images as data URLs, in order, each by the first reader that can; unreadable ones are left out."""
    found = (next(filter(None, (_thumbnail(read, key) for read in readers)), None) for key in keys)
    return [url for url in found if url]


def _readers(run: Predictions, root: Path, data: Path | None) -> list[ReadImage]:
    """Read images from the benchmark's files under `root`, or from the image store of the dataset, or of `data`."""
    benchmark = of_header(run.header, root)
    readers: list[ReadImage] = [benchmark.image]
    if data and isinstance(benchmark, DataSplit):  # for a dataset that was moved after the run
        readers.append(DataSplit(data, benchmark.selection, benchmark.dataset_name).image)
    return readers


def _thumbnail(read: ReadImage, key: str) -> str | None:
    try:
        image = read_image(read(key), key).image
    except (EvalError, OSError):
        return None
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
