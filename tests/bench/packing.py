"""Packing against padding on this machine, side by side: `make bench`.

One model of width 512, the same rows, forward and backward through each way of batching, in turn, several
rounds; the median of each round's ratio is printed. Assistant tokens a second are compared, since both sides
learn from the same ones. Nothing here is asserted: a time is not a test.
"""

from __future__ import annotations

import logging
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import runs
import tiny
import tiny_data
import torch

ROUNDS, ROWS, ROWS_A_BATCH = 3, 48, 4


def main() -> None:
    """Build the parts, run the rounds, print a table."""
    logging.disable(logging.WARNING)
    with TemporaryDirectory() as folder, runs.inside(Path(folder)):
        tiny.llama("llama", tied=True, hidden=512, layers=4, heads=8, kv_heads=4)
        tiny.clip_vision("clip", image_size=224)
        tiny_data.dataset("data", rows=ROWS)
        trainers = {
            "packed, document by document": runs.trainer(_configuration()),
            "packed, one dense mask": runs.trainer(_configuration(document_attention=False)),
        }
        packs = {name: list(trainer.get_train_dataloader()) for name, trainer in trainers.items()}
        trainer = trainers["packed, document by document"]
        padded = [_padded(trainer, rows) for rows in _batches(trainer.train_dataset)]
        ways = {name: (trainers[name].model, batches) for name, batches in packs.items()}
        ways["padded, batches of 4"] = (trainers["packed, one dense mask"].model, padded)
        _report(ways)


def _configuration(**changes: Any) -> Any:
    return runs.configuration(sequence_len=4096, **changes)


def _batches(dataset: Any) -> list[list[dict[str, Any]]]:
    rows = list(dataset)
    return [rows[start : start + ROWS_A_BATCH] for start in range(0, len(rows), ROWS_A_BATCH)]


def _padded(trainer: Any, rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Make one right-padded batch of the rows, as stock collators do."""
    pack = trainer.data_collator(rows)
    pictures = {"pixel_values": pack["pixel_values"]} if any(row["images"] for row in rows) else {}
    longest = max(len(row["input_ids"]) for row in rows)
    ids = [row["input_ids"] + [0] * (longest - len(row["input_ids"])) for row in rows]
    labels = [row["labels"] + [-100] * (longest - len(row["labels"])) for row in rows]
    mask = [[1] * len(row["input_ids"]) + [0] * (longest - len(row["input_ids"])) for row in rows]
    tensors = {"input_ids": ids, "labels": labels, "attention_mask": mask}
    return {name: torch.tensor(values) for name, values in tensors.items()} | pictures


def _report(ways: dict[str, tuple[Any, list[dict[str, torch.Tensor]]]]) -> None:
    labels = {name: sum(int((b["labels"] != -100).sum()) for b in batches) for name, (_, batches) in ways.items()}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(ROUNDS + 1):
        for name, (model, batches) in ways.items():
            seconds = _epoch(model, batches)
            if number:  # the first round warms up
                times[name].append(seconds)
    reference = "padded, batches of 4"
    slots = {name: sum(batch["input_ids"].numel() for batch in batches) for name, (_, batches) in ways.items()}
    print(f"\n{torch.get_num_threads()} threads, torch {torch.__version__}, float32, median of {ROUNDS} rounds")
    print(f"{'':30} {'tokens':>8} {'assistant tokens/s':>19} {'against padded':>15}")
    for name in ways:
        rate = labels[name] / statistics.median(times[name])
        ratio = statistics.median(b / a for a, b in zip(times[name], times[reference], strict=True))
        print(f"{name:30} {slots[name]:8,} {rate:19.0f} {ratio:14.2f}x")


def _epoch(model: Any, batches: list[dict[str, torch.Tensor]]) -> float:
    model.train()
    start = time.perf_counter()
    for batch in batches:
        model(**batch, use_cache=False).loss.backward()
        model.zero_grad()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
