"""The quickstart's five runs: what the model learned, whether it uses the image, and whether it generalises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from eval.benchmarks.data_split import DataSplit, Selection
from eval.model import Checkpoint, Settings
from eval.predict import questions_of, run
from eval.report.figures import read_losses
from eval.report.report import summary, write_report
from eval.scores import score

# Text questions have no image to permute, and the reference turns of a conversation reveal what its image shows.
IMAGE_TASKS = ("vqa_closed", "vqa_short")
TRAINED = {
    "train": Selection("train"),
    "train_permuted": Selection("train", permute=True, tasks=IMAGE_TASKS),
    "heldout_image": Selection("heldout_image"),
    "heldout_question": Selection("heldout_question"),
}
BASE = {"base_train": Selection("train", tasks=(*IMAGE_TASKS, "text_qa"))}


def quickstart(
    model: str | Path, base: str | Path, data: Path, out: Path, *, training: Sequence[Path], settings: Settings
) -> str:
    """Predict, score and report; return the summary. Finished runs are not repeated.

    The base model cannot see images, so it gets only the closed, short and text questions.
    """
    for folder in training:
        read_losses(folder)
    runs = [
        (checkpoint, questions_of(DataSplit(data, selection)), out / "predictions" / f"{name}.jsonl")
        for checkpoint, selections in (
            (Checkpoint(model, settings), TRAINED),
            (Checkpoint(base, replace(settings, without_images=True)), BASE),
        )
        for name, selection in selections.items()
    ]
    for checkpoint, questions, path in runs:
        run(checkpoint, questions, path)
    score(out)
    write_report(out, training, out / "report.md")
    return summary(out)
