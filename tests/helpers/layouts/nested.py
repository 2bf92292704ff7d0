"""Open Life Science AI's datasets on the Hub: one question a row, nested under `data`."""

import uuid

from tests.helpers.layouts.text_files import write_parquet


def row(question, options, right, **more):
    """A row; `right` is the letter of the correct option, `more` are further values of `data`."""
    by_letter = dict(zip("ABCDE", options, strict=False))
    data = {"Correct Answer": by_letter.get(right), "Correct Option": right, "Options": by_letter, "Question": question}
    return {"id": str(uuid.uuid5(uuid.NAMESPACE_URL, question)), "data": {**data, **more}, "subject_name": None}


def make_medqa(root):
    """The validation split is named dev."""
    for split in ("train", "dev", "test"):
        questions = [row(f"A case of {split}?", ["Ampicillin", "Ceftriaxone", "Doxycycline", "Iron"], "C")]
        write_parquet(root / f"data/{split}-00000-of-00001.parquet", questions)


def make_pubmedqa(root):
    """The labelled rows, in three splits."""
    for split, answer in (("train", "yes"), ("validation", "no"), ("test", "maybe")):
        texts = {"Context": ["Cells die. ", "We looked."], "Long Answer": f"They do so in {split}."}
        options = ["yes", "no", "maybe"]
        questions = [row(f"Do cells die in {split}?", options, "ABC"[options.index(answer)], **texts)]
        write_parquet(root / f"data/{split}-00000-of-00001.parquet", questions)


def make_mmlu(root, subject):
    """One subject's dataset, beside those of the others."""
    rows = [row(f"Which bone is it in {subject}?", ["Femur", "Tibia", "Ulna", "Radius"], "B")]
    write_parquet(root / f"mmlu_{subject}/data/test-00000-of-00001.parquet", rows)
