"""BiMed-V-1.6M of the Hub, with the images that its downloaders fetch, and LLaVA-Med's list of archives beside it."""

from pathlib import Path

from tests.helpers.downloads.texts import arabic, question, sentence
from tests.helpers.layouts.jpeg import save
from tests.helpers.layouts.llava import as_lines, row

PAIRS = ("29145864_F4", "32867401_materials-13-03795-f015", "18063892_F3")
GONE = "11111111_F1"
"""A pair that the list has; its image is not fetched yet."""
OTHERS = ("xmlab1_source.jpg", "synpic54610.jpg", "path-vqa_17.jpg", "PMC212319_Fig3_4.jpg")


def make(root: Path) -> None:
    """Both stages, in JSON Lines; of the images that they name one is missing."""
    for name in (".gitattributes", "README.md", "download_progress.json"):
        (root / name).write_text(name)
    captions = [_row(pair, "caption", number) for number, pair in enumerate((*PAIRS, GONE))]
    as_lines(root / "BiMed-V_stage1.json", captions)
    as_lines(root / "BiMed-V_stage2.json", _stage2())
    as_lines(root / "llava_med_image_urls.jsonl", [archive(pair) for pair in (*PAIRS, GONE)])
    for seed, name in enumerate([*(f"{pair}.jpg" for pair in PAIRS), *OTHERS]):
        save(root / "images" / name, 1400 + seed)


def archive(pair: str) -> dict:
    """The row of a pair in llava_med_image_urls.jsonl."""
    article = f"PMC{pair[:6]}"
    url = f"https://ftp.ncbi.nlm.nih.gov/pub/pmc/oa_package/3e/5c/{article}.tar.gz"
    return {"pmc_tar_url": url, "image_file_path": f"{article}/{pair.partition('_')[2]}.jpg", "pair_id": pair}


def _stage2() -> list[dict]:
    rows = [_row(pair, "question", number) for number, pair in enumerate((*PAIRS, GONE))]
    rows.append(_row(PAIRS[0], "question", 10, f"And {question('again')}", f"It shows {sentence('again')}."))
    rows += [
        row(f"{pair}_{n}", f"{pair}.jpg", f"<image>\n{arabic(pair)}", "تظهر كتلة.") for n, pair in enumerate(PAIRS)
    ]
    rows.append(row("pmc_1", OTHERS[3], f"<image>\n{arabic('pmc')}", "ب. الرنين المغناطيسي"))
    rows += [row(f"r_{n}", name, f"<image>\n{question(name)}", "A mass.") for n, name in enumerate(OTHERS)]
    rows.append(row("text_1", "", question("text"), f"It is {sentence('text')}."))
    return rows


def _row(pair: str, kind: str, number: int, *more: str) -> dict:
    asked = f"<image>\n{question('bimed_v', kind, pair, number)}"
    return row(f"{pair}_{number}", f"{pair}.jpg", asked, f"It shows {sentence(kind, pair, number)}.", *more)
