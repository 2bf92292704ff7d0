"""BiMed1.3M in the forms that its files may have."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.helpers.layouts.llava import as_lines, row

LISTS = ("conversations", "conversation", "dialogue", "messages", "chat")
ARABIC = ("ما علاج الصداع؟", "الراحة وشرب الماء.")


def make(root: Path) -> None:
    """A file of each form, and one that mixes them."""
    for key in LISTS:
        as_lines(
            root / f"{key}.jsonl", [row(key, "absent", "What is flu?", "A disease.", "Caused by?", "A virus.", key=key)]
        )
    as_lines(
        root / "mixed.jsonl",
        [
            row("ar", "absent", *ARABIC),
            {"id": "role", "messages": [{"role": "Patient", "content": "Hi"}, {"role": "doctor", "content": "Hello"}]},
            {"question": "What is flu?", "answer": "A disease. "},
            {"id": "i", "instruction": "Name the disease.", "input": "Fever, cough.", "output": "Flu"},
            {"id": "j", "instruction": "Name a disease.", "input": "", "output": "Flu"},
            {"id": "mcq", "question": "Which?\nA. flu\nB. gout\nC. scurvy", "answer": "B. gout"},
            {"id": "apart", "question": "Which?", "options": ["flu", "gout"], "answer": "gout"},
            {"id": "none", "text": "Flu is a disease."},
        ],
    )
    turns = [{"from": "human", "value": "What is flu?"}, {"from": "gpt", "value": "A disease."}]
    pq.write_table(pa.table({"id": ["p"], "conversations": [turns]}), root / "train.parquet")
