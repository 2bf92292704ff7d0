"""Preparing image rows on this machine, side by side: `axolotl preprocess` here against the stock processor path.

Axolotl 0.21 prepares no multimodal rows: its collator runs the processor on each row at each epoch. So the stock side
is that collator, row by row over some of the same rows in as many processes, its pixels thrown away. Rows a second,
and rows a second of processor time. Ours is the whole command, its start and its account of the rows included.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import datasets
import yaml

from bimedix2_plugin.rehearse import tiny
from bimedix2_plugin.rehearse.tiny_native import native
from tests.bench import command, mix
from tests.helpers import native_runs, runs

PROCESSES = 2
MODELS = ("composed", "qwen3_vl", "gemma3")
PATCHES = {"qwen3_vl": 16, "gemma3": 224}  # pixels: Qwen3-VL's own; Gemma 3's images are 896 x 896 as MedGemma's
PIXELS = {"qwen3_vl": {"processor_kwargs": {"min_pixels": 65536, "max_pixels": 1048576}}}  # recipes/native's
FIGURES = ((1024, 768), (768, 1024), (512, 512), (1400, 450), (400, 300))  # of articles, in pixels


def main() -> None:
    """Make the rows, prepare them both ways, print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--stock-rows", type=int, default=3_000)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    for model in options.models:
        with TemporaryDirectory() as folder, runs.inside(Path(folder)):
            compare(model, options.rows, options.stock_rows)


def compare(model: str, rows: int, stock_rows: int) -> None:
    """Prepare rows both ways with one of MODELS, those that already see on images of all sizes; print the ratio."""
    if model == "composed":
        tiny.llama(model, tied=True)
        tiny.clip_vision("clip", image_size=336)
        changes: dict[str, Any] = {}
    else:
        native(model, model, patch=PATCHES[model])
        changes = native_runs.NATIVE | PIXELS.get(model, {})
    mix.dataset("data", model, rows, images_only=True, sides=FIGURES if changes else mix.SIDES)
    changes = changes | {"base_model": f"./{model}", "sequence_len": 4096, "dataset_num_proc": PROCESSES}
    Path("recipe.yml").write_text(yaml.safe_dump(runs.recipe(**changes)), encoding="utf-8")
    ours = [rows / seconds for seconds in command.axolotl("preprocess", "recipe.yml")]
    written = sum(file.stat().st_size for file in Path("outputs/prepared").rglob("*.arrow"))
    stock, count = _stock(runs.configuration(**changes).base_model, stock_rows)
    print(f"\n{model}: {rows:,} image rows, stock processor over {count:,} of them, {PROCESSES} processes")
    for what, here, there in zip(("rows/s", "rows/s of processor time"), ours, stock, strict=True):
        print(f"{what}: {here:,.0f}, stock {there:,.0f}; {here / there:.1f} times")
    print(f"{written / rows:,.0f} bytes a prepared row", flush=True)


def _stock(composed: str, wanted: int) -> tuple[list[float], int]:
    """Rows a second, and a second of processor time, of the stock processor; and over how many rows."""
    rows = list(mix.stock_rows(Path("data"), Path("files"), wanted).values())
    table = datasets.Dataset.from_list([{"number": number} for number in range(len(rows))])
    processor = _Stock(composed, rows)
    took = command.timed(lambda: table.map(processor, num_proc=PROCESSES, desc="stock"))
    return [len(rows) / seconds for seconds in took], len(rows)


class _Stock:
    """Axolotl's collator on one row; the lengths are kept, the pixels are not."""

    def __init__(self, composed: str, rows: list[dict[str, Any]]) -> None:
        self._composed, self._rows, self._collator = composed, rows, None

    def __call__(self, row: dict[str, int]) -> dict[str, int]:
        self._collator = self._collator or mix.stock_collator(self._composed)
        return {"tokens": self._collator([self._rows[row["number"]]])["input_ids"].shape[1]}


if __name__ == "__main__":
    main()
