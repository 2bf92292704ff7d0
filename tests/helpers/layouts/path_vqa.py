"""PathVQA as its authors' archive unpacks, and as the Hub gives it."""

import pickle
from pathlib import Path

from tests.helpers.layouts import parquet
from tests.helpers.layouts.jpeg import save

HUB = {
    "train": [("is there a tumour?", "yes", 1), ("what is shown?", "cirrhosis", 2), ("where is it?", "liver", 2)],
    "test": [("does this show necrosis?", "no", 3)],
}


def make(root: Path) -> None:
    """pvqa/ with the three pickles, the other pickles beside them, and the images."""
    for split in ("train", "val", "test"):
        image = f"{split}_0422"
        rows = [
            _row(image, 1, "Is the liver affected?", {"yes": 1}, "yes/no"),
            _row(image, 2, "Where are liver stem cells (oval cells) located?", {"in the canals of hering": 1}, "other"),
            _row(image, 3, "How many nuclei are there?", {"two": 0.3, "3": 1}, "number"),
            _row(image, 4, "Why?", {}, "other"),
            _row("val_9999", 5, "What is the file that is not there?", {"none": 1}, "other"),
        ]
        _dump(root / f"pvqa/qas/{split}_vqa.pkl", rows)
        save(root / f"pvqa/images/{split}/{image}.jpg", len(split))
    _dump(root / "pvqa/qas/ans2label.pkl", {"yes": 0})


def make_hub(root: Path) -> None:
    """Parquet files, the training split in two."""
    half = len(HUB["train"]) // 2
    parquet.write(root / "data/train-00000-of-00002-1b4d.parquet", HUB["train"][:half])
    parquet.write(root / "data/train-00001-of-00002-2c5e.parquet", HUB["train"][half:])
    parquet.write(root / "data/test-00000-of-00001-3d6f.parquet", HUB["test"])


def _row(image, number, question, label, kind):
    return {
        "answer_type": kind,
        "img_id": image,
        "label": label,
        "question_id": 100_422_000 + number,
        "question_type": "other",
        "sent": question,
    }


def _dump(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(value, protocol=2))
