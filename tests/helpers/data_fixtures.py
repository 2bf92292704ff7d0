"""Small files in the sources' real layouts, made on the spot."""

import io
import json
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from data_prep import mixture_file
from data_prep.build import build
from data_prep.shards import shard_rows


def random_image(seed=0, size=(24, 16), mode="RGB"):
    """A random image."""
    bands = len(Image.new(mode, (1, 1)).getbands())
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], bands), np.uint8)
    return Image.fromarray(values.squeeze(-1) if bands == 1 else values, mode=None)


def encoded(image, format="PNG", **options):
    """The bytes of an image file."""
    buffer = io.BytesIO()
    image.save(buffer, format=format, **options)
    return buffer.getvalue()


def llava_row(row_id="r1", image="a.png", question="<image>\nWhat is it?", answer="a scan", **more):
    """A row as LLaVA-Med writes it."""
    turns = [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
    return {"id": row_id, "image": image, "conversations": turns} | more


def llava_mixture(folder: Path, rows, **keys):
    """A mixture over one LLaVA table; `rows` is a list of rows, or the file's bytes."""
    images = folder / "images"
    images.mkdir(exist_ok=True)
    for number, name in enumerate(("a.png", "b.png")):
        (images / name).write_bytes(encoded(random_image(number)))
    table = folder / "table.json"
    table.write_bytes(rows if isinstance(rows, bytes) else json.dumps(rows).encode())
    if "splits" in keys:
        keys["splits"] = {
            name: {"ids": [f"messages-{one}" for one in rule["ids"]]} for name, rule in keys["splits"].items()
        }
    source = {"reader": "messages", "path": str(table), "images": str(images), "licence": "CC0-1.0"}
    text = yaml.safe_dump(
        {"name": "tiny", "sources": [source], "shuffle": False, "duplicates": {"near": False}, **keys}
    )
    path = folder / "tiny.yml"
    path.write_text(text)
    return path


def built(mixture_path: Path, out: Path):
    """Build, and give the manifest, the rows by id and the ledger by id."""
    made = build(mixture_file.load(mixture_path), out, "test")
    rows = {row["id"].removeprefix("messages-"): row for _, row in shard_rows(out, list(made["shards"]))}
    entries = [json.loads(line) for line in (out / "ledger.jsonl").read_text().splitlines()]
    assert made["read"] + made["repeated"] == made["written"] + len(entries) == len(rows) + len(entries)
    return made, rows, {entry["id"].removeprefix("messages-"): entry for entry in entries}
