"""The quickstart's five runs: what was learned, whether it comes from the picture, and whether it carries over."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eval.dataset import DataSet
from eval.model import Checkpoint, Settings
from eval.predict import run
from eval.questions import Selection, of_data
from eval.report.figures import read_losses
from eval.report.report import summary, write_report
from eval.scores import score

# Text questions have no picture to exchange, and the gold history of a conversation tells what the picture shows.
PICTURE_TASKS = ("vqa_closed", "vqa_short")
TRAINED = {
    "train": Selection("train"),
    "train_permuted": Selection("train", permute=True, tasks=PICTURE_TASKS),
    "heldout_image": Selection("heldout_image"),
    "heldout_question": Selection("heldout_question"),
}
BASE = {"base_train": Selection("train", tasks=(*PICTURE_TASKS, "text_qa"))}


def quickstart(
    model: Path, base: Path, data: DataSet, out: Path, *, training: Sequence[Path], settings: Settings
) -> str:
    """Predict, score and report; return the summary. Runs that are done are not run again.

    The base model is not shown the pictures, so it is asked the closed and short questions and the text ones only.
    """
    for folder in training:
        read_losses(folder)
    runs = [
        (checkpoint, of_data(data, selection), out / "predictions" / f"{name}.jsonl")
        for checkpoint, selections in ((Checkpoint(model, settings), TRAINED), (Checkpoint(base, settings), BASE))
        for name, selection in selections.items()
    ]
    for checkpoint, questions, path in runs:
        run(checkpoint, questions, path)
    score(out)
    write_report(out, training, out / "report.md")
    return summary(out)
