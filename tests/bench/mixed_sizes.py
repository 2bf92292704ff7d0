"""Packing against padding for models that already see, on images of mixed sizes, side by side: `make bench`.

As `tests.bench.training` on image rows, with a small Qwen3-VL, whose images take 4 to 64 places, and a small Gemma 3,
whose images take 4. Gemma 3 makes a dense mask over the whole pack, because the tokens of an image see each other: its
packs are shorter. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from bimedix2_plugin.rehearse.tiny_native import native
from tests.bench import mix, training
from tests.helpers import native_runs, runs

SHAPE = {"hidden_size": 512, "intermediate_size": 1024, "num_hidden_layers": 4, "num_attention_heads": 32}
LENGTHS = {"qwen3_vl": 4096, "gemma3": 1024}  # of a pack, in tokens


def main() -> None:
    """Make each model and its rows, run the rounds, print a table for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--models", nargs="+", choices=LENGTHS, default=list(LENGTHS))
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}, median of {options.rounds} rounds")
    for model_type in options.models:
        with TemporaryDirectory() as folder, runs.inside(Path(folder)):
            native(model_type, model_type, **SHAPE, num_key_value_heads=16)
            mix.dataset("data", model_type, options.rows, images_only=True, sides=mix.MIXED)
            title = f"{model_type}, {options.rows} image rows of mixed sizes, packs of {LENGTHS[model_type]}"
            training.report(title, ways(model_type), options.rounds)


def ways(model_type: str) -> dict[str, training.Way]:
    """Stock Axolotl's padded batches in the order of the rows, and this project's packs."""
    changes: dict[str, Any] = native_runs.NATIVE | {"base_model": f"./{model_type}", "bf16": training.GPU}
    changes["sequence_len"] = LENGTHS[model_type]
    packed = runs.trainer(runs.configuration(**changes))
    plain = runs.trainer(runs.configuration(**changes, document_attention=False)).model
    rows = list(packed.train_dataset)
    groups = [rows[start : start + training.ROWS_A_BATCH] for start in range(0, len(rows), training.ROWS_A_BATCH)]
    found = training.stock(plain, groups, Path("data"))
    return found | {"packed": training.Way(packed.model, training.packs(packed), packed.data_collator)}


if __name__ == "__main__":
    main()
