"""Preparing image rows on this machine, side by side: `axolotl preprocess` here against the stock processor path.

Axolotl 0.21 prepares no multimodal rows: its collator runs the processor on each row at each epoch. So the stock side
is that collator, row by row over some of the same rows in as many processes, its pixels thrown away. Rows a second,
and rows a second of processor time, which other work on the machine does not change.
"""

from __future__ import annotations

import argparse
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import datasets
import mix
import runs
import tiny

PROCESSES = 2


def main() -> None:
    """Make the rows, prepare them both ways, print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--stock-rows", type=int, default=3_000)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    os.environ["AXOLOTL_IS_PREPROCESS"] = "1"  # as the command does: training's packs are not planned
    with TemporaryDirectory() as folder, runs.inside(Path(folder)):
        tiny.llama("llama", tied=True)
        tiny.clip_vision("clip", image_size=336)
        mix.dataset("data", "llama", options.rows, images_only=True)
        cfg = runs.configuration(sequence_len=4096, dataset_num_proc=PROCESSES)
        ours = _rates(options.rows, lambda: runs.datasets(cfg))
        written = sum(file.stat().st_size for file in Path(cfg.dataset_prepared_path).rglob("*.arrow"))
        rows = list(mix.stock_rows(Path("data"), Path("files")).values())[: options.stock_rows]
        table = datasets.Dataset.from_list([{"number": number} for number in range(len(rows))])
        processor = _Stock(cfg.base_model, rows)
        stock = _rates(len(rows), lambda: table.map(processor, num_proc=PROCESSES, desc="stock"))
    print(f"\npreparing {options.rows:,} image rows, stock processor over {len(rows):,} of them, {PROCESSES} processes")
    for what, here, there in zip(("rows/s", "rows/s of processor time"), ours, stock, strict=True):
        print(f"{what}: {here:,.0f}, stock {there:,.0f}; {here / there:.1f} times")
    print(f"{written / options.rows:,.0f} bytes a prepared row; a row's pixels alone would be {3 * 336 * 336 * 4:,}")


def _rates(rows: int, do: Callable[[], Any]) -> tuple[float, float]:
    """Rows a second, and rows a second of processor time of this process and those that it starts."""
    start, before = time.perf_counter(), sum(os.times()[:4])
    do()
    return rows / (time.perf_counter() - start), rows / (sum(os.times()[:4]) - before)


class _Stock:
    """Axolotl's collator on one row; the lengths are kept, the pixels are not."""

    def __init__(self, composed: str, rows: list[dict[str, Any]]) -> None:
        self._composed, self._rows, self._collator = composed, rows, None

    def __call__(self, row: dict[str, int]) -> dict[str, int]:
        self._collator = self._collator or mix.stock_collator(self._composed)
        return {"tokens": self._collator([self._rows[row["number"]]])["input_ids"].shape[1]}


if __name__ == "__main__":
    main()
