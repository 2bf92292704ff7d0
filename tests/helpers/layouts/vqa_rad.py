"""VQA-RAD as the Open Science Framework gives it, and as the Hub does."""

import json
from pathlib import Path

from tests.helpers.layouts import parquet
from tests.helpers.layouts.jpeg import save

HUB = {
    "train": [
        ("are regions of the brain infarcted?", "yes", 1),
        ("what is the location of the mass?", "pineal region", 2),
        ("where is the mass?", "head of the pancreas, near the duct", 2),
    ],
    "test": [("is there evidence of an aortic aneurysm?", "no", 3)],
}


def make(root: Path) -> None:
    """The JSON list of both splits with its image folder."""
    rows = [
        _row(0, "freeform", ("Are regions of the brain infarcted?", "Yes", "CLOSED"), "54610", "HEAD"),
        _row(1, "para", ("Is the brain infarcted?", "Yes", "CLOSED "), "54610", "HEAD", linked=0),
        _row(2, "freeform", ("How many lesions are in the spleen?", 2, "OPEN"), "29265", "ABD"),
        _row(3, "freeform", ("Is the heart left or right?  ", "left", "CLOSED\t"), "100132", "CHEST"),
        _row(4, "test_freeform", ("What is wrong?", " a mass in the left lower lobe", "OPEN "), "42951", "CHEST"),
        _row(5, "test_para", ("What is odd?", "a mass in the left lower lobe", "OPEN"), "42951", "CHEST", linked=4),
    ]
    root.mkdir(parents=True, exist_ok=True)
    (root / "VQA_RAD Dataset Public.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    for seed, name in enumerate(sorted({row["image_name"] for row in rows})):
        save(root / "VQA_RAD Image Folder" / name, seed)


def make_hub(root: Path) -> None:
    """One Parquet file a split."""
    for split, rows in HUB.items():
        parquet.write(root / f"data/{split}-00000-of-00001-eb8844602202be60.parquet", rows)


def _row(qid, phrase, turn, image, organ, *, linked=None):
    question, answer, kind = turn
    return {
        "qid": qid,
        "phrase_type": phrase,
        "qid_linked_id": f"03f451ca-de62-4617-9679-e836026a76{qid if linked is None else linked:02d}",
        "image_case_url": f"https://medpix.nlm.nih.gov/case?id=48e1dd0e-{image}",
        "image_name": f"synpic{image}.jpg",
        "image_organ": organ,
        "evaluation": "not evaluated",
        "question": question,
        "question_rephrase": "NULL",
        "question_relation": "NULL",
        "question_frame": "NULL",
        "question_type": "PRES",
        "answer": answer,
        "answer_type": kind,
    }
