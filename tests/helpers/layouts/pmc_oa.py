"""PMC-OA as the Hub gives it."""

import json
import zipfile
from pathlib import Path

from tests.helpers.layouts.jpeg import jpeg

MEMBERS = "caption_T060_filtered_top4_sep_v0_subfigures"
FIGURES = ("PMC212319_Fig3_4.jpg", "PMC212319_Fig3_5.jpg", "PMC99_fig-1_0.jpg")


def make(root: Path, table: str = "pmc_oa.jsonl") -> None:
    """JSON Lines and images.zip, whose members are in a folder of their own."""
    root.mkdir(parents=True, exist_ok=True)
    rows = [
        {"image": FIGURES[0], "caption": "A. Real time image of the plasma membrane …", "alignment_score": 0.4},
        {"image": FIGURES[1], "caption": "  CT of the chest.\n", "alignment_type": "matched"},
        {"image": FIGURES[2], "pmcid": "PMC99", "url_name": "fig-1.jpg", "caption": "X-ray of the left hand"},
        {"image": "PMC1_Fig1_0.jpg", "caption": "A figure that is not in the archive"},
        {"image": "PMC2_Fig1_0.jpg", "caption": " "},
        {"image": "PMC3_Fig1_0.jpg"},
    ]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (root / table).write_text(text, encoding="utf-8")
    with zipfile.ZipFile(root / "images.zip", "w") as archive:
        for seed, name in enumerate(FIGURES):
            archive.writestr(f"{MEMBERS}/{name}", jpeg(seed))
