"""LLaVA-Med as download_data.sh and the image downloader leave it."""

from pathlib import Path

from tests.helpers.layouts.jpeg import save
from tests.helpers.layouts.llava import as_lines, as_list, row

PAIRS = ("29145864_F4", "32867401_materials-13-03795-f015")
GONE = "18063892_F3"
DOMAIN = {"chest_xray": False, "mri": False, "histology": False, "gross": False, "ct_scan": False}


def make(root: Path) -> None:
    """Both parts of the training data, the list of archives and a flat folder of images; one image is missing."""
    first, second = PAIRS
    as_list(
        root / "instruct/llava_med_instruct_60k_inline_mention.json",
        [
            row(first, f"{first}.jpg", "<image>\nWhat is it?", "A scan.", "Of whom?", "A man.", domain=_is("ct_scan")),
            row(
                second, f"{second}.jpg", "Where is the lesion?\n<image>", "In the left lung.", domain=_is("chest_xray")
            ),
            row(GONE, f"{GONE}.jpg", "<image>\nWhat is seen?", "A mass.", domain=_is("mri", "histology")),
            row("31270284_F1", f"{first}.jpg", "What is seen?", "A mass.", domain=_is("gross")),
            row(first, f"{first}.jpg", "<image>\nAnd again?", "The id stands twice."),
        ],
    )
    as_list(root / "instruct/llava_med_instruct_10k.json", [row(first, f"{first}.jpg", "<image>\nWhat?", "A scan.")])
    as_list(
        root / "alignment/llava_med_alignment_500k.json",
        [
            row(pair, f"{pair}.jpg", "Describe the image.\n<image>", "A caption of it.", key="conversatons")
            for pair in (*PAIRS, GONE)
        ],
    )
    as_lines(root / "llava_med_image_urls.jsonl", [_archive(pair) for pair in (*PAIRS, GONE)])
    for seed, pair in enumerate(PAIRS):
        save(root / "images" / f"{pair}.jpg", seed)


def _is(*domains):
    return DOMAIN | dict.fromkeys(domains, True)


def _archive(pair):
    article = f"PMC{pair[:6]}"
    url = f"https://ftp.example.org/pub/pmc/oa_package/{article}.tar.gz"
    return {"pmc_tar_url": url, "image_file_path": f"{article}/{pair}.jpg", "pair_id": pair}
