"""MedXpertQA as the Hub has it, and as its repository's evaluation reads it; texts are our own."""

import json

from tests.helpers import eval_builders as make

COMMON = {"medical_task": "Diagnosis", "body_system": "Skeletal", "question_type": "Reasoning"}
FIVE = {"A": "Fracture", "B": "Sprain", "C": "Gout", "D": "Sepsis", "E": "Osteoma"}
TEN = {letter: f"Plan {number}" for number, letter in enumerate("ABCDEFGHIJ", start=1)}


def question(stem, options):
    """A question's text ends with its options, as in the released files."""
    return f"{stem}\nAnswer Choices: " + " ".join(f"({letter}) {text}" for letter, text in options.items())


MM = [
    {
        "id": "MM-0",
        "question": question("What do figures A and B show?", FIVE),
        "options": FIVE,
        "label": "A",
        "images": ["MM-0-a.jpeg", "MM-0-b.jpeg"],
        **COMMON,
    },
    {
        "id": "MM-1",
        "question": question("What next?", FIVE),
        "options": FIVE,
        "label": "E",
        "images": ["MM-1-a.png"],
        **COMMON | {"medical_task": "Treatment"},
    },
]
TEXT = [{"id": "Text-0", "question": question("Which plan?", TEN), "options": TEN, "label": "J", **COMMON}]


def make_hub(root):
    """MM/test.jsonl, Text/test.jsonl, images/."""
    write_lines(root / "MM/test.jsonl", MM)
    write_lines(root / "Text/test.jsonl", TEXT)
    write_images(root / "images")


def make_repository(root):
    """eval/data/medxpertqa/input/, where options, label and images have another form."""
    for name, rows in (("mm", MM), ("text", TEXT)):
        lines = [
            {
                **row,
                "options": [{"letter": letter, "content": text} for letter, text in row["options"].items()],
                "label": [row["label"]],
                **({"images": [{"image_path": image} for image in row["images"]]} if "images" in row else {}),
            }
            for row in rows
        ]
        write_lines(root / f"eval/data/medxpertqa/input/medxpertqa_{name}_input.jsonl", lines)
    write_images(root / "images")


def write_lines(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def write_images(folder):
    folder.mkdir(parents=True)
    for row in MM:
        for name in row["images"]:
            (folder / name).write_bytes(make.png("red"))
