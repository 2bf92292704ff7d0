"""BiMed-V as released, its images named as its downloaders name them."""

from pathlib import Path

from tests.helpers.layouts.jpeg import save
from tests.helpers.layouts.llava import as_lines, as_list, row

PAIR = "29145864_F4"
OPTIONS = "A: CT\nB: MRI\nC: X-ray\nD: ultrasound"
IMAGES = (f"{PAIR}.jpg", "xmlab1_source.jpg", "synpic54610.jpg", "path-vqa_17.jpg", "PMC212319_Fig3_4.jpg", "own.jpg")


def stage2():
    """One row or more of each origin, in both languages, and rows that cannot be used."""
    pair, slake, rad, path, pmc, other = IMAGES
    ask, answer = "<image>\nWhat does the image show?", "It shows a mass in the left lung."
    return [
        row(f"{PAIR}_0", pair, ask, answer),
        row(f"{PAIR}_0", pair, "ماذا تظهر الصورة؟\n<image>", "تظهر كتلة في الرئة اليسرى."),
        row(f"{PAIR}_1", pair, ask, answer, "How large is it?", "3.5 cm"),
        row("slake_1", slake, ask, "Yes."),
        row("rad_1", rad, ask, "A mass"),
        row("path_1", path, ask, answer),
        row("pmc_1", pmc, f"<image>\nWhich modality?\n{OPTIONS}", "B: MRI"),
        row(
            "pmc_2", pmc, f"<image>\nما نوع التصوير في هذه الصورة؟\n{OPTIONS}".replace("X-ray", "أشعة سينية"), "B: MRI"
        ),
        row("own_1", other, ask, answer),
        row("text_1", None, "What treats scurvy?", "Vitamin C."),
        row("text_2", "", "ما علاج الأسقربوط؟", "فيتامين سي."),
        row("text_3", "absent", f"Which is best?\n{OPTIONS}", "A: CT"),
        row("text_4", "absent", "Hi", "Hello, how can I help?", "My head hurts.", "Since when?"),
        row("gone_1", "18063892_F3.jpg", ask, answer),
        row("bad_1", pair, ask, 7),
        row("bad_2", None, "What does <image> show?", answer),
    ]


def make(root: Path) -> None:
    """Stage 1 as JSON Lines and stage 2 as a JSON list, both named .json, and the folder of images."""
    captions = [row(f"{PAIR}_0", IMAGES[0], "Describe it.\n<image>", "A CT scan of the chest with a mass on the left.")]
    as_lines(root / "BiMed-V_stage1.json", captions, end="\r\n")
    as_list(root / "BiMed-V_stage2.json", stage2())
    for seed, name in enumerate(IMAGES):
        save(root / "images" / name, seed)
