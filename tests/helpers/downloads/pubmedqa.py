"""PubMedQA: a clone of its repository, with the two large files that it links to."""

import json
from pathlib import Path

from tests.helpers.downloads.texts import question, sentence

_CLONED = ("LICENSE", "README.md", "evaluation.py", "preprocess/split_dataset.py")


def make(root: Path) -> None:
    """Ten labelled articles, five of them the benchmark, and four of each of the other parts."""
    for name in _CLONED:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    labelled = {str(pmid): _article(pmid) for pmid in range(21_645_374, 21_645_384)}
    _write(root / "data/ori_pqal.json", labelled)
    _write(root / "data/test_ground_truth.json", dict.fromkeys(list(labelled)[:5], "yes"))
    _write(root / "ori_pqaa.json", {str(pmid): _article(pmid) for pmid in range(4)})
    unlabelled = {str(pmid): _article(pmid) for pmid in range(10, 14)}
    _write(root / "ori_pqau.json", {pmid: {**row, "final_decision": ""} for pmid, row in unlabelled.items()})


def _article(pmid: int) -> dict:
    return {
        "QUESTION": question("pubmedqa", pmid),
        "CONTEXTS": [f"The {sentence('background', pmid)}.", f"We found {sentence('results', pmid)}."],
        "LABELS": ["BACKGROUND", "RESULTS"],
        "MESHES": ["Apoptosis"],
        "YEAR": "2011",
        "reasoning_required_pred": "yes",
        "reasoning_free_pred": "yes",
        "final_decision": "yes",
        "LONG_ANSWER": f"Results showed {sentence('answer', pmid)}.",
    }


def _write(path: Path, value: dict) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, indent=4), encoding="utf-8")
