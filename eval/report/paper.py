"""The paper's tables (arXiv 2412.07769): the published numbers, and the score of ours that each row shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

Place = tuple[str, ...]
"""The position of a number in a published table: (column,), or (dataset, metric)."""


@dataclass(frozen=True)
class Row:
    """One number of a table, and our metric and subgroup for it.

    `starred`: the paper rescaled it by an unpublished rule, so ours is raw and not comparable. `rule`: the rule for
    ours that the reader chose, a key of RULES in eval.report.beside_paper.
    """

    place: Place
    benchmark: str
    metric: str
    subgroup: Mapping[str, str] = field(default_factory=dict)
    starred: bool = False
    rule: str = ""


@dataclass(frozen=True)
class PaperTable:
    """One published table. `percent`: shown in percent, else as fractions. `average`: the place of the paper's average.

    The average is the plain mean of all rows.
    """

    key: Place
    title: str
    rows: tuple[Row, ...]
    percent: bool
    average: Place | None = None
    independent: bool = False
    """Whether the rows have different items, so that the interval of the average follows from theirs."""
    notes: tuple[str, ...] = ()

    def label(self, place: Place) -> Place:
        """Return the row label of a place; the dataset is left out if the table has only one."""
        return place[1:] if len(place) > 1 and len({row.place[0] for row in self.rows}) == 1 else place


@cache
def paper_document() -> dict[str, Any]:
    """Return the content of published.json."""
    content: dict[str, Any] = json.loads(Path(__file__).with_name("published.json").read_text(encoding="utf-8"))
    return content


def published(table: PaperTable) -> dict[str, dict[Place, float]]:
    """Return model -> place -> published number, the paper's own models first."""
    found: Any = paper_document()
    for key in table.key:
        found = found[key]
    flat = {model: dict(_flat(values)) for model, values in found.items()}
    return dict(sorted(flat.items(), key=lambda entry: not entry[0].startswith("BiMediX2")))


def _flat(values: Any, place: Place = ()) -> list[tuple[Place, float]]:
    if not isinstance(values, dict):
        return [(place or ("Overall",), values)]
    return [pair for key, value in values.items() for pair in _flat(value, (*place, key))]


STARRED = (
    "The paper rescales BLEU-4* and RadCliQ* by an unpublished rule. Ours are raw (RadCliQ: lower is better), so they "
    "are not comparable with the starred numbers, and there is no average."
)
_ONE_CHECKPOINT_EACH = (
    "The published English and Arabic numbers of BiMediX2 8B come from two checkpoints, an English and a bilingual one."
)

_CLINICAL = {
    "Cli-KG": "mmlu_clinical_knowledge",
    "C-Bio": "mmlu_college_biology",
    "C-Med": "mmlu_college_medicine",
    "Med-Gen": "mmlu_medical_genetics",
    "Pro-Med": "mmlu_professional_medicine",
    "Ana": "mmlu_anatomy",
    "MedMCQA": "medmcqa",
    "MedQA": "medqa",
    "USMLE": "usmle",
    "PubmedQA": "pubmedqa",
}
_VQA = {
    "BLEU-1": "bleu",
    "closed Q accuracy": "closedQuestionsAccuracy",
    "open Q recall": "openQuestionsRecall",
    "recall": "recall",
    "open Q accuracy": "openQuestionsAccuracy",
    "F1": "F1",
}
_REPORTS = {
    "F1-RadGraph": "f1_radgraph",
    "BLEU-1": "bleu1",
    "BLEU-4*": "bleu4",
    "ROUGE-L": "rougeL",
    "RadCliQ*": "radcliq",
    "CheXbert vector": "chexbert",
    "METEOR": "meteor",
}
_MBENCH: dict[str, Mapping[str, str]] = {
    "Conversation": {"type": "conversation"},
    "Description": {"type": "detailed_description"},
    "CXR": {"modality": "chest_xray"},
    "MRI": {"modality": "mri"},
    "Histology": {"modality": "histology"},
    "Gross": {"modality": "gross"},
    "CT": {"modality": "ct_scan"},
    "Overall": {},
}


def _report_rows(benchmark: str, dataset: str) -> tuple[Row, ...]:
    return tuple(
        Row((dataset, label), benchmark, f"multimedeval.{metric}", starred=label.endswith("*"))
        for label, metric in _REPORTS.items()
    )


def _mbench_rows(benchmark: str) -> tuple[Row, ...]:
    return tuple(Row((label,), benchmark, "judge.relative", subgroup) for label, subgroup in _MBENCH.items())


TABLES = (
    PaperTable(
        key=("clinical_llm",),
        title="Table 2: clinical language",
        rows=tuple(Row((label,), benchmark, "accuracy") for label, benchmark in _CLINICAL.items()),
        percent=True,
        average=("Average",),
        independent=True,
    ),
    PaperTable(
        key=("bimed_mbench", "en"),
        title="Table 3: BiMed-MBench, English",
        rows=_mbench_rows("bimed_mbench_en"),
        percent=True,
        notes=(_ONE_CHECKPOINT_EACH,),
    ),
    PaperTable(
        key=("bimed_mbench", "ar"),
        title="Table 4: BiMed-MBench, Arabic",
        rows=_mbench_rows("bimed_mbench_ar"),
        percent=True,
        notes=(
            _ONE_CHECKPOINT_EACH,
            "Many question types of the Arabic file are translated, and the official summary counts only the English "
            "ones: the published Conversation and Description cover part of the rows, ours cover all.",
        ),
    ),
    PaperTable(
        key=("medical_vqa",),
        title="Table 5: medical VQA",
        rows=tuple(
            Row((dataset, label), benchmark, f"multimedeval.{metric}")
            for dataset, benchmark in {"Rad-VQA": "vqa_rad", "Slake-VQA": "slake", "Path-VQA": "path_vqa"}.items()
            for label, metric in _VQA.items()
        ),
        percent=False,
        average=("Average", "Average"),
    ),
    PaperTable(
        key=("report_summarization",),
        title="Table 6: report summarisation",
        rows=_report_rows("mimic_iii", "MIMIC-III"),
        percent=False,
        average=("Average", "Average"),
        notes=(STARRED,),
    ),
    PaperTable(
        key=("report_generation",),
        title="Table 7: report generation",
        rows=_report_rows("mimic_cxr", "MIMIC-CXR"),
        percent=False,
        average=("MIMIC-CXR", "Average"),
        notes=(STARRED,),
    ),
    PaperTable(
        key=("uphill_openqa",),
        title="Figure 4: UPHILL OpenQA, factual accuracy",
        rows=(Row(("Overall",), "uphill", "factual_accuracy"),),
        percent=True,
        notes=(
            "The paper does not say which judge it used, nor whether the number covers all claims or only the false "
            "ones. Its numbers by level are only in a figure.",
        ),
    ),
)
