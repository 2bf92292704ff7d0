"""MMLU with one clinical subject's neighbours: the original CSV folders, and the Hub's Parquet."""

from data_prep.sources.mmlu import SUBJECTS
from tests.helpers.layouts.text_files import write_parquet, write_text

QUOTED = '"Which of these, ""if any"",\nis a bone?",Femur,"Liver, left lobe",Heart,Lung,A\n'


def make(root):
    """data/{dev,val,test}/SUBJECT_SPLIT.csv without headers, other subjects among them."""
    for split in ("dev", "val", "test"):
        for subject in (*SUBJECTS, "abstract_algebra"):
            text = f"What is {subject} in {split}?,1,2,3,4,B\n{QUOTED}"
            write_text(root / f"data/{split}/{subject}_{split}.csv", text)
    with (root / "data/test/anatomy_test.csv").open("a") as file:
        file.write("A question,without,an answer\n")


def make_hub(root):
    """One folder a subject."""
    for subject in SUBJECTS:
        row = {"subject": subject, "choices": ["1", "2", "3", "4"], "answer": 1}
        for split, name in (("dev", "dev"), ("validation", "val"), ("test", "test")):
            row["question"] = f"What is {subject} in {name}?"
            write_parquet(root / f"{subject}/{split}-00000-of-00001.parquet", [row])
