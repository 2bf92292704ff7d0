"""MedQA in the original's folders of five and of four options, and the Hub's four-option form."""

from tests.helpers.layouts.text_files import write_lines, write_parquet

OPTIONS = ["Ampicillin", "Ceftriaxone", "Doxycycline", "Nitrofurantoin", "Vancomycin"]


def make(root):
    """The archive: Chinese questions beside the English ones, which are there with five and with four options."""
    folder = root / "data_clean/questions"
    write_lines(folder / "Mainland/train.jsonl", [{"question": "?", "options": {}}])
    for number, split in enumerate(("train", "dev", "test")):
        write_lines(folder / f"US/{split}.jsonl", _five(number), end="\r\n")
        write_lines(folder / f"US/4_options/phrases_no_exclude_{split}.jsonl", _four(number))


def make_hub(root, parquet=True):
    """MedQA-USMLE-4-options-hf, as Parquet or as JSON Lines."""
    for split, name in (("train", "train"), ("validation", "dev"), ("test", "test")):
        rows = [{"id": f"{name}-00000", "sent1": f"A case of the {split} split?", "sent2": "", "label": 3}]
        rows[0] |= {f"ending{number}": option for number, option in enumerate(OPTIONS[:4])}
        if parquet:
            write_parquet(root / f"data/{split}-00000-of-00001.parquet", rows)
        else:
            write_lines(root / f"{name}.json", rows)


def _five(number):
    letters = dict(zip("ABCDE", OPTIONS, strict=True))
    row = {"question": f"Case {number}?", "answer": "Vancomycin ", "options": letters, "meta_info": "step2&3"}
    return [{**row, "answer_idx": "E"}, {**row, "answer_idx": "A"}, {**row, "answer_idx": "F"}]


def _four(number):
    letters = dict(zip("ABCD", OPTIONS[:4], strict=True))
    row = {"question": f"Case {number}?", "answer": "Nitrofurantoin", "options": letters, "meta_info": "step1"}
    return [{**row, "answer_idx": "D", "metamap_phrases": ["case"]}]
