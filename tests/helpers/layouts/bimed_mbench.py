"""BiMed-MBench as its repository has it: two files of questions, and the figures beside them."""

from tests.helpers.layouts.jpeg import save
from tests.helpers.layouts.text_files import write_lines

ENGLISH, ARABIC = "llava_med_eval_qa50_qa.jsonl", "llava_med_eval_qa50_qa_arabic_verified.jsonl"
IMAGES = ("18063892_F3.jpg", "18652673_F3.jpg")
DOMAINS = ("chest_xray", "mri", "ct_scan", "histology", "gross")
TYPES = ("conversation", "detailed_description", "conversation", "detailed_description")
ARABIC_TYPES = ("محادثة", "وصف تفصيلي", "conversation", "وصف مفصل")


def make(root):
    """The clone of the repository."""
    folder = root / "BiMed-MBench/data/test_sets"
    write_lines(folder / ENGLISH, [_english(number) for number in range(4)])
    write_lines(folder / ARABIC, [_arabic(number) for number in range(4)])
    for seed, name in enumerate(IMAGES):
        save(folder / "images" / name, seed)


def _english(number):
    name = IMAGES[number % 2]
    true = ("histology", "gross") if name == IMAGES[0] else ("ct_scan",)
    return {
        "question_id": number,
        "image": name,
        "pair_id": name.removesuffix(".jpg"),
        "text": "What is the organ in the image?",
        "gpt4_answer": "The organ in the image is the conjunctiva.",
        "fig_caption": "A portion of conjunctiva. (H & E stain, \u00d7100)",
        "in_text_mention": [{"tokens": "No cells were found ( Fig. 3 ) .", "entities": [{"type": "figure"}]}],
        "domain": {name: name in true for name in DOMAINS},
        "type": TYPES[number],
        "fig_label": "Fig. 3",
    }


def _arabic(number):
    return _english(number) | {
        "text": "ما هو العضو الموضح في الصورة؟",
        "gpt4_answer": "العضو في الصورة هو الملتحمة.",
        "fig_caption": "جزء من الملتحمة.",
        "in_text_mention": "" if number else [{"tokens": "لم يتم العثور على خلايا.", "entities": []}],
        "type": ARABIC_TYPES[number],
        "fig_label": "الشكل 3",
        "qid": number,
        "in_text_mention_tokens": "",
    }
