"""data_prep against a plain `datasets.map` on the same rows, side by side: `make bench`.

Rows in the shape of BiMed-V (arXiv 2412.07769, table 12): 34 of 100 have an image, and an image serves 3.2 rows, from
579,827 rows on at most 180,000 images: LLaVA-Med's 60,000 dialogues in both languages, 160,000 questions of PMC-VQA at
1.5 a figure and their translations, 11,616 captions, and the few thousand images of VQA-RAD, SLAKE and PathVQA. The
plain pipeline reads the same JSON Lines and writes the same columns with each image's encoded bytes in the row, with as
many processes. Images have 160 pixels a side, about 5 kB, unless `--side` says otherwise: with 880 they have about
140 kB, the mean of LLaVA-Med's figures (69 GB, about half a million) and of PMC-VQA's (18.9 GB, 149,000).

One mixture reads the file in four entries, by language and number of turns, as recipes/data/bimed_v.yml does.

Printed: rows a second, processor seconds and bytes on disk of each, the most memory of a process, and the time and
memory of opening the built set and reading 1,000 random rows with their images.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import re
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
import yaml
from PIL import Image

IMAGE_SHARE, ROWS_AN_IMAGE = 0.34, 3.2
_WORDS = 20_000


def main() -> None:
    """Make the rows, build them both ways, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_700_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--side", type=int, default=160, help="pixels on a side of an image")
    parser.add_argument("--images", type=int, help="how many, by default one for 3.2 of the rows that have one")
    arguments = parser.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        images = arguments.images or max(1, int(arguments.rows * IMAGE_SHARE / ROWS_AN_IMAGE))
        _generate(folder, arguments.rows, arguments.side, images)
        size = sum(path.stat().st_size for path in folder.glob("images/*/*.jpg")) / images / 1e3
        print(f"{arguments.rows:,} rows, {images:,} images of {size:.0f} kB, {arguments.workers} processes")
        print(f"{'':36} {'rows/s':>9} {'CPU s':>7} {'GB on disk':>11} {'MB of the largest process':>26}")
        ways = {
            "datasets.map, bytes in each row": ["plain", str(folder), str(arguments.workers)],
            "data_prep, every check on": ["build", str(folder), str(arguments.workers), "all"],
            "data_prep, one file in four entries": ["build", str(folder), str(arguments.workers), "four"],
            "data_prep, its further checks off": ["build", str(folder), str(arguments.workers), "none"],
        }
        rates, sizes = {}, {}
        for way, argument in ways.items():
            seconds, busy, megabytes, size = _timed(argument, folder / "out")
            rates[way], sizes[way] = arguments.rows / seconds, size
            print(f"{way:36} {rates[way]:9,.0f} {busy:7.1f} {size / 1e9:11.2f} {megabytes:26,.0f}", flush=True)
        first, *others = rates
        print(
            "; ".join(
                f"{way}: {rates[way] / rates[first]:.2f}x as fast, {sizes[first] / sizes[way]:.2f}x smaller"
                for way in others
            )
        )
        seconds, _, megabytes, _ = _timed(["open", str(folder / "out")], None)
        print(f"opening the last set and reading 1,000 random rows with images: {seconds:.1f} s, {megabytes:,.0f} MB")


def _timed(argument: list[str], out: Path | None) -> tuple[float, float, float, int]:
    """Seconds, processor seconds, the largest process's MB, and the bytes in `out`, of one way in its own process."""
    if out:
        shutil.rmtree(out, ignore_errors=True)
    start, most, busy = time.perf_counter(), 0.0, dict[int, float]()
    with psutil.Popen([sys.executable, __file__, "--way", *argument], stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            most = max(most, _largest(process, busy))
            time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"{' '.join(argument)} failed")
    seconds = time.perf_counter() - start
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) if out else 0
    return seconds, sum(busy.values()), most, size


def _largest(process: psutil.Process, busy: dict[int, float]) -> float:
    """MB of the largest process of the tree, without what it shares with others, such as mapped files.

    The processor seconds of each so far are noted in `busy`: those of a fork server's children reach no parent.
    """
    sizes = [0.0]
    for one in [process, *process.children(recursive=True)]:
        with suppress(psutil.Error):
            memory, times = one.memory_info(), one.cpu_times()
            sizes.append((memory.rss - memory.shared) / 1e6)
            busy[one.pid] = times.user + times.system
    return max(sizes)


def _generate(folder: Path, rows: int, side: int, images: int) -> None:
    """Write table.jsonl, its images and three mixtures."""
    draw = random.Random(1)
    words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(3, 11))) for _ in range(_WORDS)]
    arabic = ["".join(draw.choices("ابتثجحخدذرزسشصضطظعغفقكلمنهوي", k=draw.randint(3, 9))) for _ in range(_WORDS)]
    frequent = list(accumulate(1 / rank for rank in range(1, _WORDS + 1)))  # as in language: Zipf
    (folder / "images").mkdir()
    noise = np.random.default_rng(1)
    for number in range(images):
        part = folder / "images" / f"{number // 1000:04d}"
        part.mkdir(exist_ok=True)
        buffer = io.BytesIO()
        coarse = Image.fromarray(noise.integers(0, 256, (side * 12 // 160,) * 2, np.uint8))
        coarse.resize((side, side), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
        (part / f"{number}.jpg").write_bytes(buffer.getvalue())
    with (folder / "table.jsonl").open("w", encoding="utf-8") as file:
        for number in range(rows):
            speech = arabic if number % 5 in (1, 3) else words
            turns = [
                " ".join(draw.choices(speech, cum_weights=frequent, k=draw.randint(8, 50)))
                for _ in range(2 if number % 8 else 4)
            ]
            row = {"id": str(number)}
            if draw.random() < IMAGE_SHARE:
                image = draw.randrange(images)
                row["image"] = f"{image // 1000:04d}/{image}.jpg"
                turns[0] = f"<image>\n{turns[0]}"
            row["conversations"] = [
                {"from": ("human", "gpt")[place % 2], "value": turn} for place, turn in enumerate(turns)
            ]
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    files = {"path": "table.jsonl", "images": "images"}
    source = {"reader": "messages", "licence": "CC0-1.0", **files}
    selections = [(language, turns) for language in ("en", "ar") for turns in ("single", "multi")]
    entries = [
        {"reader": "bimed_v", "name": f"{language}_{turns}", "languages": [language], "turns": turns, **files}
        for language, turns in selections
    ]
    off = {"checks": False, "identity": "keep", "duplicates": {"exact": False, "near": False}}
    for name, keys in {"all": {}, "none": off, "four": {"sources": entries}}.items():
        (folder / f"{name}.yml").write_text(yaml.safe_dump({"name": "bench", "sources": [source], **keys}))


def _plain(folder: Path, workers: int) -> None:
    import datasets

    text = datasets.Value("string")
    names = ("id", "source", "language", "task", "modality", "parent", "licence")
    features = datasets.Features(
        dict.fromkeys(names, text)
        | {
            "messages": [{"role": text, "content": [{"type": text, "text": text}]}],
            "images": [datasets.Value("binary")],
        }
    )
    table = datasets.load_dataset(
        "json", data_files=str(folder / "table.jsonl"), split="train", cache_dir=folder / "cache"
    )
    table.map(
        _plain_row,
        fn_kwargs={"images": str(folder / "images")},
        remove_columns=table.column_names,
        features=features,
        num_proc=workers,
        cache_file_name=str(folder / "out/plain.arrow"),
    )


def _plain_row(row: dict, images: str) -> dict:
    name = row["image"]
    messages = []
    for turn in row["conversations"]:
        text = turn["value"].removeprefix("<image>\n")
        parts = [{"type": "image", "text": None}] if text != turn["value"] else []
        parts.append({"type": "text", "text": text})
        messages.append({"role": "user" if turn["from"] == "human" else "assistant", "content": parts})
    return {
        "id": f"messages-{row['id']}",
        "source": "messages",
        "language": "ar" if re.search("[\u0621-\u064a]", row["conversations"][-1]["value"]) else "en",
        "task": "conversation",
        "modality": "unknown" if name else "text",
        "messages": messages,
        "images": [Path(images, name).read_bytes()] if name else [],
        "parent": None,
        "licence": "CC0-1.0",
    }


def _build(folder: Path, workers: int, name: str) -> None:
    from data_prep import mixture_file
    from data_prep.build import build

    build(mixture_file.load(folder / f"{name}.yml", folder), folder / "out", "bench", workers)


def _open(folder: Path) -> None:
    from data_prep import manifest
    from data_prep.images.store import ImageStore
    from data_prep.shards import rows_at

    shards = {name: entry["rows"] for name, entry in manifest.read(folder)["shards"].items()}
    store = ImageStore(folder / "images")
    numbers = random.Random(2).sample(range(sum(shards.values())), 1_000)
    for row in rows_at(folder, shards, numbers):
        for key in row["images"]:
            store.image(key)


def _way(name: str, *given: str) -> None:
    """Do one way."""
    if name == "plain":
        (Path(given[0]) / "out").mkdir()
        _plain(Path(given[0]), int(given[1]))
    elif name == "build":
        _build(Path(given[0]), int(given[1]), given[2])
    else:
        _open(Path(given[0]))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--way"]:
        _way(*sys.argv[2:])
    else:
        main()
