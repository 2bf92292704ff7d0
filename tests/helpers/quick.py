"""Axolotl's trainer on tiny parts without what costs time beside training: forked processes and garbage collection."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Sequence
from contextlib import contextmanager
from typing import Any

from datasets import Dataset
from transformers import AutoTokenizer

from tests.helpers import runs

IN_PROCESS = {"dataloader_num_workers": 0, "dataloader_pin_memory": False}


@contextmanager
def collections():
    """Axolotl's sampler collects garbage each time that it is asked; keep it from all that the imports left."""
    for module in ("axolotl.train", "axolotl.core.builders.causal", "bimedix2_plugin.plugin"):
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def prepared(cfg: Any, ids: Sequence[str] = ()) -> Any:
    """Tokenise a configuration's rows as the prepared set has them, in this process; of training, `ids` alone."""
    from axolotl.common.datasets import TrainDatasetMeta

    train = _rows(cfg, cfg.datasets).filter(lambda row: not ids or row["id"] in ids)
    test = _rows(cfg, cfg.test_datasets) if cfg.test_datasets else None
    return TrainDatasetMeta(train_dataset=train, eval_dataset=test, total_num_steps=cfg.max_steps or len(train))


def tokenised(strategy: Any, row: dict[str, Any]) -> dict[str, Any]:
    """One row as the prepared set gives it to the trainer."""
    from axolotl.utils.trainer import add_position_ids

    made = strategy.tokenize_row(row)
    return add_position_ids(made | {name: made[name].tolist() for name in ("input_ids", "labels")})


def _rows(cfg: Any, entries: list[Any]) -> Dataset:
    from bimedix2_plugin.conversation import load

    tokenizer = AutoTokenizer.from_pretrained(cfg.tokenizer_config)
    rows = []
    for entry in entries:
        strategy = load(tokenizer, cfg, entry)
        for file in next(iter(entry["data_files"].values())):
            given = Dataset.from_parquet(file, keep_in_memory=True)
            rows += [tokenised(strategy, row) for row in given]
    assert not any(row["rejected"] for row in rows)
    return Dataset.from_list(rows)


def train(ids: Sequence[str] = (), **changes: Any) -> Any:
    """Run `axolotl train` on a recipe, on all training rows or on some; return its trainer."""
    from axolotl.train import train as run

    cfg = runs.configuration(**IN_PROCESS | changes)
    return run(cfg=cfg, dataset_meta=prepared(cfg, ids))[2]
