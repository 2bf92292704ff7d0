"""Loading image rows on this machine, side by side: packs of this project against Axolotl's own collator: `make bench`.

The same rows, the same number of loader workers, no model: images a second that reach the trainer. Packs decode each
distinct image once; the stock path reads its file and runs the processor for each row.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from torch.utils.data import DataLoader

from bimedix2_plugin.rehearse import tiny
from tests.bench import mix
from tests.bench.training import ROWS_A_BATCH, packs
from tests.helpers import runs


def main() -> None:
    """Make the rows, load them both ways in turn, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    with TemporaryDirectory() as folder, runs.inside(Path(folder)):
        tiny.llama("llama", tied=True)
        tiny.clip_vision("clip", image_size=336)
        mix.dataset("data", "llama", options.rows, images_only=True)
        trainer = runs.trainer(runs.configuration(sequence_len=4096))
        stock = mix.stock_rows(Path("data"), Path("files"))
        collator = mix.stock_collator(trainer.model.config._name_or_path)
        rows = list(stock.values())
        ways: dict[str, tuple[list[list[dict[str, Any]]], Any]] = {
            "stock Axolotl, batches of 4": (
                [rows[start : start + ROWS_A_BATCH] for start in range(0, len(rows), ROWS_A_BATCH)],
                collator,
            ),
            "packed": (packs(trainer), trainer.data_collator),
        }
        for workers in (0, 2):
            _report(ways, workers, options)


class _OfOne:
    """Collates the one group that the loader hands over as a list."""

    def __init__(self, collate: Any) -> None:
        self._collate = collate

    def __call__(self, groups: list[list[dict[str, Any]]]) -> dict[str, Any]:
        return self._collate(groups[0])


def _report(ways: dict[str, tuple[Any, Any]], workers: int, options: argparse.Namespace) -> None:
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(options.rounds):
        for name, (groups, collate) in ways.items():
            start = time.perf_counter()
            for _ in DataLoader(groups, collate_fn=_OfOne(collate), num_workers=workers):
                pass
            times[name].append(time.perf_counter() - start)
    first = next(iter(ways))
    print(f"\nloader, {workers} workers\n{'':30} {'images/s':>12} {'times the first':>16}")
    for name in ways:
        ratio = statistics.median(a / b for a, b in zip(times[first], times[name], strict=True))
        print(f"{name:30} {options.rows / statistics.median(times[name]):12.0f} {ratio:15.2f}x", flush=True)


if __name__ == "__main__":
    main()
