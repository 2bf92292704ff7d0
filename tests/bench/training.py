"""Packing against padding on this machine, side by side: `make bench`.

One model with a small tower of 576 tokens an image, forward and backward, collation included, through each way of
batching in turn, several rounds: of width 512 in float32 on a CPU; on a GPU of Llama 3.2 1B's shape in bf16, packs
through the varlen kernel (never run). Assistant tokens a second are compared: all ways learn from the same ones. On
image rows the stock path is Axolotl's own, its processor in the collator; text rows it cannot take, so on the whole mix
packs stand beside padded batches of this project's own rows. What padding alone would allow is the number of padded
places over the number of tokens. Nothing here is asserted: a time is not a test.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from transformers.trainer_pt_utils import LengthGroupedSampler

from bimedix2_plugin.rehearse import tiny
from tests.bench import mix
from tests.helpers import runs

ROWS_A_BATCH = 4
GPU = torch.cuda.is_available()
SHAPE = (
    {"hidden": 2048, "layers": 16, "heads": 32, "kv_heads": 8}
    if GPU
    else {"hidden": 512, "layers": 4, "heads": 8, "kv_heads": 4}
)
DATA = ("images", "mix")


@dataclass
class Way:
    """One way of batching: a model, groups of rows, and what makes a batch of a group."""

    model: Any
    groups: list[list[dict[str, Any]]]
    collate: Callable[[list[dict[str, Any]]], dict[str, Any]]

    def epoch(self) -> float:
        """Seconds for every batch, forward and backward."""
        self.model.train()
        start = time.perf_counter()
        for group in self.groups:
            made = self.collate(group).items()
            batch = {name: value.to(self.model.device) for name, value in made if torch.is_tensor(value)}
            with torch.autocast(self.model.device.type, torch.bfloat16, enabled=GPU):
                loss = self.model(**batch, use_cache=False).loss
            loss.backward()
            self.model.zero_grad()
        if GPU:
            torch.cuda.synchronize()
        return time.perf_counter() - start


def main() -> None:
    """Build the parts, run the rounds, print two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", nargs="+", choices=DATA, default=DATA, help="image rows, BiMed-V's mix, or both")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    where = f"{torch.cuda.get_device_name()}, bf16" if GPU else f"{torch.get_num_threads()} threads, float32"
    print(f"{where}, torch {torch.__version__}, median of {options.rounds} rounds")
    with TemporaryDirectory() as folder, runs.inside(Path(folder)):
        tiny.llama("llama", tied=True, **SHAPE)
        tiny.clip_vision("clip", image_size=336)
        for name in options.data:
            mix.dataset(name, "llama", options.rows, images_only=name == "images")
            report(f"{name}, {options.rows} rows", ways(Path(name)), options.rounds)


def ways(data: Path) -> dict[str, Way]:
    """Each way of batching the rows of a data set; the first is what the others are compared with."""
    changes: dict[str, Any] = {"datasets": [runs.RECIPE["datasets"][0] | {"path": f"./{data}"}], "sequence_len": 4096}
    changes |= {"bf16": GPU}
    packed = runs.trainer(runs.configuration(**changes))
    plain = runs.trainer(runs.configuration(**changes, document_attention=False)).model
    rows = list(packed.train_dataset)
    random = [rows[start : start + ROWS_A_BATCH] for start in range(0, len(rows), ROWS_A_BATCH)]
    lengths = [len(row["input_ids"]) for row in rows]
    order = list(LengthGroupedSampler(ROWS_A_BATCH, lengths=lengths, generator=torch.Generator().manual_seed(0)))
    grouped = [[rows[place] for place in order[start : start + ROWS_A_BATCH]] for start in range(0, len(rows), 4)]
    padded = Padded(packed.data_collator)
    found = {"padded, batches of 4": Way(plain, random, padded)}
    if all(row["images"] for row in rows):
        found = stock(plain, random, data)
    found["padded, grouped by length"] = Way(plain, grouped, padded)
    found["packed"] = Way(packed.model, packs(packed), packed.data_collator)
    return found


def stock(model: Any, groups: list[list[dict[str, Any]]], data: Path) -> dict[str, Way]:
    """Stock Axolotl's way: its processor in the collator, padded."""
    rows = mix.stock_rows(data, Path(f"{data}-files"))
    collator = mix.stock_collator(model.config._name_or_path)
    return {"stock Axolotl, batches of 4": Way(model, groups, lambda group: collator([rows[r["id"]] for r in group]))}


def packs(trainer: Any) -> list[list[dict[str, Any]]]:
    """The rows of each pack of an epoch, as the trainer's sampler puts them together."""
    batches = trainer.get_train_dataloader().batch_sampler
    return [[trainer.train_dataset[place] for part in batch for place in part] for batch in batches]


class Padded:
    """Right-padded batches of prepared rows, with their images as this project's collator decodes them."""

    def __init__(self, collator: Any) -> None:
        self._collator = collator

    def __call__(self, group: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """One batch of padded ids, labels and mask, and the pixels of its images."""
        pixels = self._collator(group)["pixel_values"] if any(row["images"] for row in group) else None
        longest = max(len(row["input_ids"]) for row in group)
        columns: dict[str, list[list[int]]] = {"input_ids": [], "labels": [], "attention_mask": []}
        for row in group:
            missing = longest - len(row["input_ids"])
            columns["input_ids"].append(list(row["input_ids"]) + [0] * missing)
            columns["labels"].append(list(row["labels"]) + [-100] * missing)
            columns["attention_mask"].append([1] * len(row["input_ids"]) + [0] * missing)
        batch = {name: torch.tensor(values) for name, values in columns.items()}
        return batch if pixels is None else batch | {"pixel_values": pixels}


def report(title: str, found: dict[str, Way], rounds: int) -> None:
    """Run the ways in turn and print a table."""
    rows = [row for group in next(iter(found.values())).groups for row in group]
    tokens = sum(len(row["input_ids"]) for row in rows)
    labelled = sum(label != -100 for row in rows for label in row["labels"])
    times: dict[str, list[float]] = {name: [] for name in found}
    for number in range(rounds + 1):
        for name, way in found.items():
            seconds = way.epoch()
            if number:  # the first round warms up
                times[name].append(seconds)
    first = next(iter(found))
    print(f"\n{title}\n{'':30} {'assistant tokens/s':>19} {'times the first':>16} {'padding alone':>14} {'share':>6}")
    places = {name: sum(_places(name, group) for group in way.groups) for name, way in found.items()}
    for name in found:
        ratio = statistics.median(a / b for a, b in zip(times[first], times[name], strict=True))
        allowed = places[first] / places[name]
        rate = labelled / statistics.median(times[name])
        print(f"{name:30} {rate:19.0f} {ratio:15.2f}x {allowed:13.2f}x {ratio / allowed:6.2f}")
    print(f"{tokens:,} tokens in {places[first]:,} padded places; {labelled:,} assistant tokens", flush=True)


def _places(name: str, group: list[dict[str, Any]]) -> int:
    lengths = [len(row["input_ids"]) for row in group]
    return sum(lengths) if name == "packed" else max(lengths) * len(lengths)


if __name__ == "__main__":
    main()
