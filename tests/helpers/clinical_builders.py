"""The clinical benchmarks' files in their real layouts, and one tiny language model in two checkpoints."""

import csv
import json
from pathlib import Path

from tests.helpers import eval_builders
from tests.helpers.layouts.text_files import write_lines, write_parquet, write_text

STEMS = (
    "Which nerve supplies the diaphragm?",
    "Which organ makes insulin?",
    "Which bone is the longest?",
    "What is it?",
)
OPTIONS = (("Phrenic", "Vagus ", "Ulnar", "Median"), ("Liver", "Pancreas", "Spleen", "Colon"))
STEPS = ("step1", "step2", "step3")
ARABIC = "ما أطول عظم في الجسم؟"


def make_mmlu(root, questions=4):
    """data/{dev,test}/anatomy_SPLIT.csv of the original; dev holds the five examples."""
    for split, count in (("dev", 5), ("test", questions)):
        folder = root / "mmlu/data" / split
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"anatomy_{split}.csv").open("w", newline="") as file:
            for number in range(count):
                options = OPTIONS[number % 2]
                csv.writer(file).writerow([f" {split} {number}: {STEMS[number % 4]} ", *options, "ABCD"[number % 4]])


def make_medmcqa(root, questions=3):
    """The original's JSON Lines, which count the right option from 1."""
    for name, count in (("train", 6), ("dev", questions)):
        rows = []
        for number in range(count):
            options = dict(zip(("opa", "opb", "opc", "opd"), OPTIONS[number % 2], strict=True))
            stem = f"{STEMS[number % 4]} {'long ' * number}"
            rows.append({"id": f"{name}-{number}", "question": stem, "cop": number % 4 + 1, **options})
        write_lines(root / f"medmcqa/{name}.json", rows)


def make_medqa(root):
    """The original's four-option test file."""
    letters = dict(zip("ABCD", OPTIONS[0], strict=True))
    row = {"question": "A case?", "answer": "Vagus ", "options": letters, "answer_idx": "B", "meta_info": "step1"}
    write_lines(root / "MedQA/data_clean/questions/US/4_options/phrases_no_exclude_test.jsonl", [row])


def make_usmle(root):
    """Three steps; step 1 has one question with a picture, one without options, and one with five options."""
    five = dict(zip("ABCDE", (*OPTIONS[0], "Sural"), strict=True))
    step1 = [
        {"no": 1, "question": "What does the picture show?", "options": five},
        {"no": 2, "question": STEMS[0], "options": five},
        {"no": 3, "question": "Complete the chart.", "options": {}},
    ]
    write_text(root / "usmle/step1.json", json.dumps(step1))
    for step in ("step2", "step3"):
        four = dict(zip("ABCD", OPTIONS[1], strict=True))
        write_text(
            root / f"usmle/{step}.json", json.dumps([{"no": 7, "question": f"{STEMS[1]} ({step})", "options": four}])
        )
    for step, solutions in (("step1", {"1": "A", "2": "e", "3": "A"}), ("step2", {"7": "B"}), ("step3", {"7": "B"})):
        write_text(root / f"usmle/{step}_solutions.json", json.dumps(solutions))
    write_text(root / "usmle/question_with_images.json", json.dumps({"step1": [1], "step2": [], "step3": []}))


def make_mmmlu(root):
    """All subjects in one CSV with a column without a name; one cell names its subject as a file does."""
    path = root / "MMMLU/test/mmlu_AR-XY.csv"
    path.parent.mkdir(parents=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["", "Question", "A", "B", "C", "D", "Answer", "Subject"])
        rows.writerow([0, "سؤال آخر", "1", "2", "3", "4", "A", "abstract_algebra"])
        rows.writerow([1, f" {ARABIC} ", "الفخذ", "العضد", "الزند", "الساق", "A", "anatomy"])
        rows.writerow(
            [2, "أي عضو يصنع الأنسولين؟", "الكبد", "البنكرياس", "الطحال", "القولون", "B", "anatomy_test.csv_x"]
        )


def make_global_mmlu(root):
    """One Parquet file a split, with all subjects."""
    options = dict(
        zip(("option_a", "option_b", "option_c", "option_d"), ("الكبد", "القلب", "الكلية", "الرئة"), strict=True)
    )
    for split, question in (("dev", "أي عضو يضخ الدم؟"), ("test", "أين القلب؟")):
        rows = [{"question": question, **options, "answer": "B", "subject": name} for name in ("virology", "anatomy")]
        write_parquet(root / f"Global-MMLU/ar/{split}-00000-of-00001.parquet", rows)


def write_twins(folder):
    """One tiny language model as a LLaVA and as a plain causal model with the same tokenizer; returns both folders."""
    from transformers import AutoTokenizer, LlamaForCausalLM, LlavaForConditionalGeneration

    llava = eval_builders.write_llava(Path(folder) / "llava", seed=3)
    whole = LlavaForConditionalGeneration.from_pretrained(llava)
    plain = LlamaForCausalLM(whole.config.text_config)
    plain.model.load_state_dict(whole.model.language_model.state_dict())
    plain.lm_head.load_state_dict(whole.lm_head.state_dict())
    base = Path(folder) / "base"
    plain.save_pretrained(base)
    AutoTokenizer.from_pretrained(llava).save_pretrained(base)
    return llava, base
