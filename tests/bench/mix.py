"""A data set in BiMed-V's shape for the benchmarks: rows, lengths and languages from the plan's table."""

from __future__ import annotations

import hashlib
import io
import json
import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from PIL import Image
from transformers import AutoProcessor, AutoTokenizer

import bimedix2_plugin.plan
from data_prep.images.store import open_store
from tests.helpers import tiny_data

TABLE = Path(bimedix2_plugin.plan.__file__).with_name("lengths") / "bimed-v.yml"
ROWS_AN_IMAGE = 2.9
DISTINCT = 5_000
LETTERS = {"en": "abcdefghijklmnopqrstuvwxyz", "ar": "ابتثجحخدذرزسشصضطظعغفقكلمنهوي"}


SIDES = ((400, 300),)  # of the images, in pixels; a JPEG of about 5 kB
MIXED = ((400, 300), (300, 400), (256, 256), (640, 200), (120, 90))


def dataset(
    folder: str | Path,
    tokenizer: str | Path,
    rows: int,
    *,
    images_only: bool = False,
    seed: int = 0,
    sides: Sequence[tuple[int, int]] = SIDES,
) -> Path:
    """Write a data set folder of `rows` rows whose prompts and answers have the table's lengths in tokens.

    Args:
        folder: to write.
        tokenizer: folder of the base whose tokens are counted.
        rows: how many; beyond DISTINCT they come again under other ids.
        images_only: leave the text rows out, as a path must that cannot take them.
        seed: of everything that is drawn.
        sides: width and height of the images, in turn.
    """
    draw, words = random.Random(seed), AutoTokenizer.from_pretrained(tokenizer)
    table = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    kinds = [kind for kind in table["rows"] if kind["images"] or not images_only]
    drawn = draw.choices(kinds, [kind["rows"] for kind in kinds], k=min(rows, DISTINCT))
    store = _images(max(1, round(sum(kind["images"] for kind in drawn) / ROWS_AN_IMAGE)), seed, sides)
    made: list[dict[str, Any]] = []
    for number, kind in enumerate(drawn):
        turns = [_text(draw, words, kind["language"], kind[part], table["spread"]) for part in ("prompt", "answer")]
        shape = (kind["language"], "vqa_open" if kind["images"] else "text_qa", kind["images"], turns)
        made.append(tiny_data.row(f"row-{number}", shape, [record["key"] for record in store], draw))
    made = [made[number % len(made)] | {"id": f"row-{number}"} for number in range(rows)]
    return _write(Path(folder), made, store)


def _text(draw: random.Random, words: Any, language: str, mean: float, spread: float) -> str:
    """Words of one language, about as many tokens as the table's log-normal spread gives."""
    wanted = max(1, round(draw.lognormvariate(math.log(mean) - spread**2 / 2, spread)))
    text = " ".join("".join(draw.choices(LETTERS[language], k=draw.randint(3, 8))) for _ in range(wanted))
    ids = words(text, add_special_tokens=False)["input_ids"][:wanted]
    return words.decode(ids).replace("\N{REPLACEMENT CHARACTER}", "").strip() or "a"


def _images(count: int, seed: int, sides: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """Records of the image store: smooth noise as JPEG."""
    noise, records = np.random.default_rng(seed), {}
    for number in range(count):
        width, height = sides[number % len(sides)]
        encoded = io.BytesIO()
        coarse = Image.fromarray(noise.integers(0, 256, (30, 40, 3), np.uint8))
        coarse.resize((width, height), Image.Resampling.BICUBIC).save(encoded, "JPEG", quality=90)
        key = hashlib.sha256(encoded.getvalue()).hexdigest()
        records[key] = {"key": key, "bytes": encoded.getvalue(), "width": width, "height": height, "phash": ""}
    return [records[key] for key in sorted(records)]


def _write(folder: Path, rows: list[dict[str, Any]], store: list[dict[str, Any]]) -> Path:
    (folder / "images").mkdir(parents=True)
    name = "train-00000-of-00001.parquet"
    pq.write_table(pa.Table.from_pylist(rows, tiny_data.ROW_SCHEMA), folder / name)
    with (
        pa.OSFile(str(folder / "images/images-00000.arrow"), "wb") as sink,
        pa.ipc.new_file(sink, tiny_data.STORE_SCHEMA) as writer,
    ):
        writer.write_table(pa.Table.from_pylist(store, tiny_data.STORE_SCHEMA))
    (folder / "README.md").write_text(tiny_data.CARD.replace("  - split: test\n    path: test-*.parquet\n", ""))
    manifest = {
        "format": 1,
        "name": folder.name,
        "shards": {name: {"rows": len(rows), **tiny_data.digest(folder / name)}},
        "images": {
            "images-00000.arrow": {"images": len(store), **tiny_data.digest(folder / "images/images-00000.arrow")}
        },
        "counts": {"split": {"train": len(rows)}},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def stock_rows(data: Path, images: Path, most: int | None = None) -> dict[str, dict[str, Any]]:
    """The first rows by id as Axolotl's multimodal path takes them: messages that name image files in `images`."""
    store = open_store(str(data / "images"))
    images.mkdir()
    rows = {}
    for row in pq.read_table(data / "train-00000-of-00001.parquet").slice(0, most).to_pylist():
        for key in row["images"]:
            (images / f"{key}.jpg").write_bytes(store.bytes(key))
        paths = iter([str(images / f"{key}.jpg") for key in row["images"]])
        messages = [{"role": "system", "content": [{"type": "text", "text": "A chat."}]}]
        for message in row["messages"]:
            parts = [
                {"type": "image", "path": next(paths)} if part["type"] == "image" else dict(part)
                for part in message["content"]
            ]
            messages.append({"role": message["role"], "content": parts})
        rows[row["id"]] = {"messages": messages}
    return rows


def stock_collator(composed: str | Path) -> Any:
    """Axolotl's own multimodal collator over the composed model's processor; it pads, and runs the processor."""
    from axolotl.processing_strategies import ProcessingStrategy
    from axolotl.utils.collators.mm_chat import MultiModalChatDataCollator

    processor = AutoProcessor.from_pretrained(composed)
    strategy = ProcessingStrategy(processor, chat_template=processor.chat_template)
    return MultiModalChatDataCollator(tokenizer=processor.tokenizer, processing_strategy=strategy)
