"""MedQ-Bench as VLMEvalKit reads it: three TSV files and their images; texts are our own."""

import csv

from tests.helpers import eval_builders as make

QUESTIONS = [
    {
        "index": "0",
        "image_path": "imgs/ct_1.png",
        "question": "Is there noise?",
        "A": "Yes",
        "B": "No",
        "C": "",
        "D": "",
        "answer": "1",
        "modality": "CT",
    },
    {
        "index": "1",
        "image_path": "imgs/mr_1.png",
        "question": "How strong is the motion?",
        "A": "None",
        "B": "Mild",
        "C": "Severe",
        "D": "",
        "answer": "C",
        "modality": "MRI",
    },
]
DESCRIPTIONS = [
    {
        "index": "7",
        "image_path": "imgs/ct_1.png",
        "modality": "CT",
        "description": "Streaks and noise. Overall, the quality of this image is reject.",
    },
    {"index": "8", "image_path": "imgs/mr_1.png", "modality": "MRI", "description": "Sharp. Overall, good."},
    {"index": "9", "image_path": "['imgs/ct_1.png', 'imgs/mr_1.png']", "modality": "MRI", "description": "Two."},
    {"index": "10", "image_path": "imgs/ct_1.png", "modality": "MRI", "description": " "},
]
PAIRS = [
    {"index": "3", "image_path": "['imgs/ct_1.png', 'imgs/mr_1.png']", "description": "The second is better."},
]
CAPTION_SCRIPT = """import llm
PROMPT_TEMPLATES = {
    'completeness': ('#System: Help.\\n'
                     '#User: complete? [MLLM DESC] of [GOLDEN DESC]'),
    'preciseness': 'precise? [MLLM DESC] of [GOLDEN DESC]',
    'consistency': 'consistent? [MLLM DESC] of [GOLDEN DESC]',
    'quality_accuracy': 'accurate? [MLLM DESC] of [GOLDEN DESC]',
}
"""
PAIRED_SCRIPT = """from .medqbench_caption import PROMPT_TEMPLATES
PAIRED_PROMPT_TEMPLATES = {
    'completeness': PROMPT_TEMPLATES['completeness'],
    'preciseness': PROMPT_TEMPLATES['preciseness'],
    'consistency': 'pair consistent? [MLLM DESC] of [GOLDEN DESC]',
    'quality_accuracy': 'pair accurate? [MLLM DESC] of [GOLDEN DESC]',
}
"""


def make_data(root):
    """MedQ-Bench/ with the test files and images."""
    folder = root / "MedQ-Bench"
    (folder / "imgs").mkdir(parents=True)
    for name in ("ct_1", "mr_1"):
        (folder / f"imgs/{name}.png").write_bytes(make.png("red"))
    write_tsv(folder / "medqbench_QA_test.tsv", QUESTIONS)
    write_tsv(folder / "medqbench_description_test.tsv", DESCRIPTIONS)
    write_tsv(folder / "medqbench_paired_description_test.tsv", PAIRS)


def make_clone(root):
    """VLMEvalKit's two files with the instructions to the judge."""
    folder = root / "VLMEvalKit/vlmeval/dataset"
    folder.mkdir(parents=True)
    (folder / "medqbench_caption.py").write_text(CAPTION_SCRIPT)
    (folder / "medqbench_paired_description.py").write_text(PAIRED_SCRIPT)


def write_tsv(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter="\t")
        writer.writeheader()
        writer.writerows(rows)
