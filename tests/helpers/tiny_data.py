"""A small dataset folder in the contract's format: shards, image store, card, ledger, manifest."""

import hashlib
import io
import json
import shutil
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import imagehash
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

PART = pa.struct([("type", pa.string()), ("text", pa.string())])
ROW_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("language", pa.string()),
        ("task", pa.string()),
        ("modality", pa.string()),
        ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.list_(PART))]))),
        ("images", pa.list_(pa.string())),
        ("parent", pa.string()),
        ("licence", pa.string()),
    ]
)
STORE_SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("bytes", pa.large_binary()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("phash", pa.string()),
    ]
)

# language, task, images, then questions and answers in turn; "{word}" is drawn for each row.
KINDS: list[tuple[str, str, int, list[str]]] = [
    ("en", "vqa_closed", 1, ["Is there a {word} in this image?", "Yes"]),
    ("ar", "vqa_closed", 1, ["هل يوجد {word} في هذه الصورة؟", "لا"]),
    ("en", "vqa_open", 2, ["Compare the two images.", "The second shows a {word}, the first does not show it."]),
    ("ar", "vqa_short", 1, ["ما نوع التصوير: CT أم MRI؟", "تصوير CT مع {word}"]),
    ("en", "text_qa", 0, ["What is a {word}?", "A {word} is a finding that a radiologist describes with care."]),
    ("ar", "text_qa", 0, ["ما معنى {word}؟", "نتيجة يصفها الطبيب بعناية."]),
    ("en", "conversation", 1, ["What is shown?", "A {word}.", "On which side?", "On the left.", "Sure?", "Yes"]),
    ("ar", "conversation", 2, ["ما الذي يظهر في الصورتين؟", "كسر و {word}.", "أين؟", "في الجانب الأيسر."]),
    ("en", "caption", 1, ["Describe the image.", "An image with a {word}, " + "seen in detail, " * 6 + "and no more."]),
]
WORDS = {"en": ["fracture", "nodule", "cyst", "mass"], "ar": ["كسر", "ورم", "pneumothorax", "كيس"]}


def dataset(folder: str | Path, rows: int = 24, seed: int = 0, with_images: bool = True) -> Path:
    """Write `rows` training rows (two shards) and 8 test rows; without images all rows are text-only, no store."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    random = Random(seed)
    store = _images(random, 6) if with_images else []
    kinds = [kind for kind in KINDS if with_images or kind[2] == 0]
    keys = [record["key"] for record in store]
    train = [row(f"train-{number}", kinds[number % len(kinds)], keys, random) for number in range(rows)]
    test = [row(f"test-{number}", kinds[number % len(kinds)], keys, random) for number in range(8)]
    middle = (rows + 1) // 2
    tables = {
        "train-00000-of-00002.parquet": train[:middle],
        "train-00001-of-00002.parquet": train[middle:],
        "test-00000-of-00001.parquet": test,
    }
    for name, part in tables.items():
        pq.write_table(pa.Table.from_pylist(part, ROW_SCHEMA), folder / name)
    images = {}
    if store:
        (folder / "images").mkdir(exist_ok=True)
        file = folder / "images" / "images-00000.arrow"
        with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, STORE_SCHEMA) as writer:
            writer.write_table(pa.Table.from_pylist(store, STORE_SCHEMA))
        images[file.name] = {"images": len(store), **digest(file)}
    (folder / "README.md").write_text(CARD, encoding="utf-8")
    (folder / "ledger.jsonl").write_text("", encoding="utf-8")
    shards = {name: {"rows": len(part), **digest(folder / name)} for name, part in tables.items()}
    _write_manifest(folder, train, test, shards, images)
    return folder


def captions(source: str | Path, folder: str | Path) -> Path:
    """Copy a dataset; keep the training rows with one image and one answer."""
    folder = Path(folder)
    shutil.copytree(source, folder)
    for shard in folder.glob("train-*.parquet"):
        table = pq.read_table(shard)
        rows = [row for row in table.to_pylist() if len(row["images"]) == 1 and len(row["messages"]) == 2]
        pq.write_table(pa.Table.from_pylist(rows, table.schema), shard)
    return folder


CARD = """\
---
configs:
- config_name: default
  data_files:
  - split: train
    path: train-*.parquet
  - split: test
    path: test-*.parquet
---
Invented rows for tests.
"""


def _images(random: Random, count: int) -> list[dict[str, Any]]:
    """Return records of the image store: noise of 20 to 60 pixels a side, not square."""
    records = {}
    for _ in range(count):
        width, height = random.randint(20, 60), random.randint(20, 60)
        pixels = np.frombuffer(random.randbytes(width * height * 3), dtype=np.uint8).reshape(height, width, 3)
        image = Image.fromarray(pixels)
        encoded = io.BytesIO()
        image.save(encoded, "PNG")
        key = hashlib.sha256(encoded.getvalue()).hexdigest()
        phash = str(imagehash.phash(image))
        records[key] = {"key": key, "bytes": encoded.getvalue(), "width": width, "height": height, "phash": phash}
    return [records[key] for key in sorted(records)]


def row(name: str, kind: tuple[str, str, int, list[str]], keys: list[str], random: Random) -> dict[str, Any]:
    language, task, count, turns = kind
    word = random.choice(WORDS[language])
    messages = []
    for number, turn in enumerate(turns):
        content = [{"type": "text", "text": turn.format(word=word)}]
        if number == 0:
            content = [{"type": "image", "text": None}] * count + content
        messages.append({"role": ("user", "assistant")[number % 2], "content": content})
    return {
        "id": name,
        "source": "tiny",
        "language": language,
        "task": task,
        "modality": "noise" if count else "text",
        "messages": messages,
        "images": random.sample(keys, count),
        "parent": None,
        "licence": "CC0-1.0",
    }


def _write_manifest(
    folder: Path,
    train: list[dict[str, Any]],
    test: list[dict[str, Any]],
    shards: dict[str, Any],
    images: dict[str, Any],
) -> None:
    rows = train + test
    columns = ("source", "language", "task", "modality")
    counts = {column: dict(sorted(Counter(row[column] for row in rows).items())) for column in columns}
    manifest = {
        "format": 1,
        "name": folder.name,
        "shards": shards,
        "images": images,
        "sources": [{"name": "tiny", "version": "1", "licence": "CC0-1.0"}],
        "counts": {"split": {"train": len(train), "test": len(test)}, **counts},
        "read": len(rows),
        "written": len(rows),
        "ledger": {},
        "command": "tests",
        "versions": {"pyarrow": pa.__version__},
    }
    partial = folder / ".manifest.json.partial"
    partial.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(folder / "manifest.json")


def digest(file: Path) -> dict[str, Any]:
    return {"bytes": file.stat().st_size, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
