"""PMC-VQA and PMC-OA as the Hub's repositories hold them."""

import csv
import json
import zipfile
from pathlib import Path

from tests.helpers.downloads.texts import question, sentence
from tests.helpers.layouts.jpeg import jpeg

CHOICES = {
    f"Choice {letter}": f" {letter}:{text}" for letter, text in zip("ABCD", ("CT", "MRI", "X-ray", "PET"), strict=True)
}
MEMBERS = "caption_T060_filtered_top4_sep_v0_subfigures"


def pmc_vqa(root: Path) -> None:
    """Both releases, side by side in one repository."""
    for name in (".gitattributes", "README.md", "oa_comm_use_file_list.csv"):
        (root / name).write_text(name)
    for name in ("train", "test", "test_clean"):
        rows = [
            {
                "Figure_path": f"PMC{number}_F1.jpg",
                "Question": f" {question('pmc_vqa', name, number)} ",
                "Answer": "MRI",
            }
            | CHOICES
            | {"Answer_label": "B"}
            for number in range(4)
        ]
        _write(root / f"{name}.csv", rows)
    for name in ("train", "test"):
        rows = [
            {"index": number, "Figure_path": f"PMC{number}_Fig1_2.jpg", "Caption": sentence("caption", number)}
            | {"Question": question("pmc_vqa_2", name, number)}
            | CHOICES
            | {"Answer": "C", "split": name}
            for number in range(4)
        ]
        _write(root / f"{name}_2.csv", rows)
    _zip(root / "images.zip", {f"images/PMC{number}_F1.jpg": jpeg(1300 + number) for number in range(4)})
    _zip(root / "images_2.zip", {f"figures/PMC{number}_Fig1_2.jpg": jpeg(1310 + number) for number in range(4)})


def pmc_oa(root: Path, first: bool = False) -> None:
    """The tables of sub-captions and of whole captions; or the `first` revision with its three splits."""
    root.mkdir(parents=True, exist_ok=True)
    for name in (".gitattributes", "README.md", "README.zh.md"):
        (root / name).write_text(name)
    names = ("train", "valid", "test") if first else ("pmc_oa", "pmc_oa_beta")
    for start, name in enumerate(names):
        rows = [_figure(name, 4 * start * first + number, first) for number in range(4)]
        (root / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    images = {f"{MEMBERS}/PMC{number}_Fig1_0.jpg": jpeg(1320 + number) for number in range(12 if first else 4)}
    _zip(root / "images.zip", images)


def _figure(table: str, number: int, first: bool) -> dict:
    row = {"image": f"PMC{number}_Fig1_0.jpg", "caption": f"A. {sentence(table, number)}."}
    if first:
        return row | {"pmcid": f"PMC{number}", "url_name": f"1471-2121-4-{number}.jpg"}
    return row | {"alignment_type": "matched", "alignment_score": 0.4}


def _write(path: Path, rows: list[dict]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _zip(path: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
