"""MedQ-Bench's reasoning tasks (arXiv 2510.01691): the quality of one medical image described, or of two compared.

A judge grades each answer four times beside the reference, 0, 1 or 2: completeness, preciseness, consistency of the
verdict with the description, accuracy of the verdict. A score is the mean of a mark, and `overall` of their sum, as in
the authors' tables. Files, columns, prompts and the form of a grade are those of VLMEvalKit
(vlmeval/dataset/medqbench_caption.py, medqbench_paired_description.py); the published instructions to the judge are
read from a clone of it. Not confirmed: the sizes of the splits, and whether the released files name images by path
(read here) or hold them in base64 (refused). Multiple-choice questions are the task medq_bench_perception.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, override

from data_prep.images.image_folder import ImageFolder
from data_prep.rows import Rejected
from data_prep.sources import hub
from data_prep.tables.csv_file import CsvTable
from data_prep.tables.table import TableError, absent, all_rows
from eval.benchmark import About, Metric, Metrics, Verdict, subgroups
from eval.benchmarks.source_benchmark import image_data, question_turn, tell_left_out
from eval.errors import EvalError
from eval.items import Item, Prediction, Predictions
from eval.judge.grades import MALFORMED, Outcome, note_of, outcomes_of
from eval.judge.instructions import Instructions, JudgedBenchmark, fill, own, texts_in

FOLDER = "MedQ-Bench"
MARKS = ("completeness", "preciseness", "consistency", "quality_accuracy")
HIGHEST = 2.0
OVERALL = "judge.overall"
NOT_ALL = "without all four marks"
SCRIPTS = ("VLMEvalKit/vlmeval/dataset", "VLMEvalKit", f"{FOLDER}")
_PLACES = {"MLLM DESC": "{answer}", "GOLDEN DESC": "{reference}"}
_OTHERS = r"\s*(?:[/|,]\s*[0-2]\s*(?:[/|,]|or\b)|(?:[-–]|,?\s*or|to)\s*[0-2]\b)"
"""Further marks to choose from: the instructions, and no verdict."""
_SCORE = re.compile(rf"score\s*[\"']?\s*[:：=]\s*([0-2](?:\.\d+)?+)\b(?!{_OTHERS})", re.IGNORECASE)
_BARE = re.compile(r"\s*([0-2](?:\.\d+)?)\s*")


class _Reasoning(JudgedBenchmark):
    """One of the two tasks. `SCRIPT` and `CONSTANT` name where VLMEvalKit has the instructions to the judge."""

    KINDS: ClassVar[tuple[str, ...]] = MARKS
    MAX_NEW_TOKENS: ClassVar[int] = 512
    TYPICAL_REPLY_TOKENS: ClassVar[int] = 8
    FILE: ClassVar[str]
    PROMPT: ClassVar[str]
    IMAGES: ClassVar[range]
    """How many images an item may have."""
    SCRIPT: ClassVar[str]
    CONSTANT: ClassVar[str]
    OWN: ClassVar[Mapping[str, str]]
    """Mark -> our own instructions."""

    @override
    def problems(self) -> list[str]:
        wrong = absent(self._file)
        return [f"{self._file}: {wrong}. Get it: {self.ABOUT.get}."] if wrong else []

    @override
    def items(self) -> list[Item]:
        """One item a row. Rows that cannot be asked are left out and told."""
        items: list[Item] = []
        left_out: list[Rejected] = []
        try:
            for place, row in all_rows(CsvTable(self._file, "\t")):
                made = row if isinstance(row, Rejected) else self._item(place, row)
                if isinstance(made, Item):
                    items.append(made)
                else:
                    left_out.append(made)
        except TableError as error:
            raise EvalError(f"{self.name}: {error}") from error
        if not items:
            why = f"the first is {left_out[0].id}: {left_out[0].detail}" if left_out else "there is none"
            raise EvalError(f"{self._file}: no row can be asked; {why}. Get it: {self.ABOUT.get}.")
        tell_left_out(self.name, len(items) + len(left_out), left_out)
        return items

    @override
    def image(self, name: str) -> bytes:
        return image_data(self.name, lambda: ImageFolder(self._folder).read(name))

    @override
    def instructions(self) -> Instructions:
        """The published instructions out of VLMEvalKit's clone, else our own; the text is that of the first mark."""
        published = self._published
        first = own(self.OWN[MARKS[0]])
        return Instructions(f"published, {self.SCRIPT}", "", published[MARKS[0]]) if published else first

    @override
    def question(self, instructions: Instructions, line: Prediction, *, swapped: bool) -> str:
        return self.question_of(instructions, line, MARKS[0])

    @override
    def question_of(self, instructions: Instructions, line: Prediction, kind: str) -> str:
        """The instructions for one mark, with the answer and the reference in them."""
        template = self._published[kind] if self._published else own(self.OWN[kind]).text
        return fill(template, {"answer": line.output, "reference": line.gold})

    @override
    def metrics(self, predictions: Predictions, verdicts: Sequence[Verdict] = ()) -> Metrics:
        """Every mark and their sum, overall and by modality."""
        lines, note = predictions.lines, note_of(verdicts)
        marks = {mark: outcomes_of(lines, verdicts, grade, mark) for mark in MARKS}
        found = {f"judge.{mark}": outcomes for mark, outcomes in marks.items()}
        found[OVERALL] = {line.item: _sum([marks[mark][line.item] for mark in MARKS]) for line in lines}
        groups = subgroups(lines, "modality")
        return {name: Metric(outcomes, groups, note, unit="score") for name, outcomes in found.items()}

    def _item(self, place: str, row: Mapping[str, Any]) -> Item | Rejected:
        lacking = [column for column in ("image_path", "description") if column not in row]
        if lacking:
            held = " (it holds images in base64)" if {"image", "image_a"} & set(row) else ""
            raise TableError(f"{self._file}: no column {', '.join(lacking)}{held}; it has {', '.join(row)}")
        images = tuple(_names(row["image_path"]))
        if len(images) not in self.IMAGES:
            return Rejected(place, "bad_row", f"{len(images)} images in {row['image_path']!r}")
        if not row["description"].strip():
            return Rejected(place, "bad_row", "no description")
        question = (row.get("question") or "").strip() or self.PROMPT
        return Item(
            id=f"{self.name}-{(row.get('index') or '').strip() or place.rpartition(' ')[2]}",
            language="en",
            task="image_quality",
            modality=(row.get("modality") or "").strip().lower() or "unknown",
            messages=question_turn(question, images=len(images)),
            images=images,
            question=question,
            gold=row["description"].strip(),
        )

    @property
    def _folder(self) -> Path:
        return hub.folder(self.root / FOLDER)

    @property
    def _file(self) -> Path:
        return self._folder / self.FILE

    @cached_property
    def _published(self) -> dict[str, str]:
        """Mark -> published instructions; empty where there is no clone."""
        for place in SCRIPTS:
            folder = self.root / place
            if (folder / self.SCRIPT).is_file():
                base = texts_in(folder / "medqbench_caption.py", "PROMPT_TEMPLATES")
                found = base | texts_in(folder / self.SCRIPT, self.CONSTANT)
                if set(MARKS) <= set(found):
                    return {mark: _with_names(found[mark]) for mark in MARKS}
                raise EvalError(
                    f"{folder / self.SCRIPT}: no {self.CONSTANT} for each mark. Use the file as it was released."
                )
        return {}


class MedQDescription(_Reasoning):
    """The quality of one image, described."""

    FILE: ClassVar[str] = "medqbench_description_test.tsv"
    SCRIPT: ClassVar[str] = "medqbench_caption.py"
    CONSTANT: ClassVar[str] = "PROMPT_TEMPLATES"
    IMAGES: ClassVar[range] = range(1, 2)
    OWN: ClassVar[Mapping[str, str]] = {mark: f"medq_{mark}" for mark in MARKS}
    PROMPT: ClassVar[str] = (
        "As a medical image quality assessment expert, provide a concise description focusing on low-level appearance "
        'of the image in details. Conclude with "Overall, the quality of this image is [good/usable/reject]". Please '
        "provide a comprehensive but concise assessment in 3-5 sentences."
    )
    ABOUT: ClassVar[About] = About(
        title="MedQ-Bench no-reference reasoning",
        table="",
        get="https://huggingface.co/datasets/jiyaoliufd/MedQ-Bench; the published instructions to the judge are read "
        "from a clone of https://github.com/open-compass/VLMEvalKit",
        licence="Apache-2.0",
        split="test",
        layout=(f"{FOLDER}/{FILE}", f"{FOLDER}/ (images)", f"VLMEvalKit/vlmeval/dataset/{SCRIPT}"),
    )


class MedQComparison(_Reasoning):
    """The quality of two images, compared."""

    FILE: ClassVar[str] = "medqbench_paired_description_test.tsv"
    SCRIPT: ClassVar[str] = "medqbench_paired_description.py"
    CONSTANT: ClassVar[str] = "PAIRED_PROMPT_TEMPLATES"
    IMAGES: ClassVar[range] = range(2, 3)
    OWN: ClassVar[Mapping[str, str]] = {mark: f"medq_{'paired_' if mark in MARKS[2:] else ''}{mark}" for mark in MARKS}
    PROMPT: ClassVar[str] = (
        "As a medical image quality assessment expert, provide a concise description comparing two images focusing on "
        "low-level appearance. Conclude with which image has higher quality. Please provide a comprehensive but "
        "concise assessment in 3-5 sentences."
    )
    ABOUT: ClassVar[About] = About(
        title="MedQ-Bench comparative reasoning",
        table="",
        get=MedQDescription.ABOUT.get,
        licence="Apache-2.0",
        split="test",
        layout=(f"{FOLDER}/{FILE}", f"{FOLDER}/ (images)", f"VLMEvalKit/vlmeval/dataset/{SCRIPT}"),
    )


def grade(reply: str) -> Outcome:
    """The mark, from 0 to 2: behind "Score:", or the reply as a whole."""
    found = _SCORE.search(reply) or _BARE.fullmatch(reply)
    value = float(found[1]) if found else None
    return MALFORMED if value is None or value > HIGHEST else value


def _sum(outcomes: Sequence[Outcome]) -> Outcome:
    numbers = [outcome for outcome in outcomes if not isinstance(outcome, str)]
    if len(numbers) == len(outcomes):
        return sum(numbers)
    reasons = {outcome for outcome in outcomes if isinstance(outcome, str)}
    return reasons.pop() if len(reasons) == 1 else NOT_ALL


def _names(value: str) -> list[str]:
    """One name, or those of a list as Python or JSON writes it."""
    value = value.strip()
    if value.startswith("["):
        try:
            listed = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            return []
        return [str(name) for name in listed]
    return [value] if value else []


def _with_names(template: str) -> str:
    for place, name in _PLACES.items():
        template = template.replace(place, name)
    return template
