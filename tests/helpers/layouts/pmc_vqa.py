"""PMC-VQA as the Hub gives it: the first release, and the second."""

import csv
import io
import zipfile
from pathlib import Path

from tests.helpers.layouts.jpeg import jpeg

CHOICES = (" A:Diffuse uptake pattern", "B: Focal uptake pattern ", " C:DNA: none", "D:Cannot be told")
FIGURES = ("PMC1064097_F1.jpg", "PMC8253797_Fig4_11.jpg")
OPTIONS = ("Choice A", "Choice B", "Choice C", "Choice D")
FIRST = ("Figure_path", "Question", "Answer", *OPTIONS, "Answer_label")
SECOND = ("index", "Figure_path", "Caption", "Question", *OPTIONS, "Answer", "split")


def make(root: Path, answer: str = "Answer") -> None:
    """train.csv, test.csv, test_clean.csv and images.zip; the column of answers may be misspelt."""
    rows = [
        (FIGURES[0], " What is the uptake\npattern, in the breast? ", "Focal uptake pattern", *CHOICES, "B"),
        (FIGURES[0], "Is there uptake?", "Yes", " A:Yes ", " B:No", " C:Both", " D:Neither", "A "),
        (FIGURES[0], "What is left?", "dna: None", *CHOICES, ""),
        (FIGURES[0], "Which of these?", "something else", *CHOICES, "E"),
        (FIGURES[0], "Which three?", "Yes", " A:Yes ", " B:No", " C:Both", "D:", "A"),
        ("PMC7_F1.jpg", "Which figure is not there?", "Focal", *CHOICES, "B"),
    ]
    header = [answer if name == "Answer" else name for name in FIRST]
    for name, chosen in (("train", rows), ("test", rows[:2]), ("test_clean", rows[:1])):
        _write(root / f"{name}.csv", header, chosen, end="\r\n")
    _zip(root / "images.zip", "images")


def make_second(root: Path) -> None:
    """train_2.csv, test_2.csv and images_2.zip."""
    rows = [
        (7, FIGURES[1], "A caption, with a comma", "What is it?", *CHOICES, "C", "train"),
        (9, FIGURES[1], "A caption", "What is missing?", *CHOICES, "D", "train"),
        (11, FIGURES[1], "A caption", "Which row is of another split?", *CHOICES, "D", "test"),
    ]
    _write(root / "train_2.csv", SECOND, rows)
    _write(root / "test_2.csv", SECOND, rows[2:])
    _zip(root / "images_2.zip", "figures")


def _write(path, header, rows, end="\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end).writerows([header, *rows])
    path.write_text(text.getvalue(), encoding="utf-8", newline="")


def _zip(path, folder):
    with zipfile.ZipFile(path, "w") as archive:
        for seed, name in enumerate(FIGURES):
            archive.writestr(f"{folder}/{name}", jpeg(seed))
