"""Axolotl's trainer on tiny models, without forked processes and garbage collection, which take time."""

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
    """Exclude imported objects from garbage collection, which Axolotl's sampler runs each time that it packs."""
    for module in ("axolotl.train", "axolotl.core.builders.causal", "bimedix2_plugin.plugin"):
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def prepared(cfg: Any, ids: Sequence[str] = ()) -> Any:
    """Tokenize a configuration's rows in this process, as in the prepared set; of the training rows only `ids`."""
    from axolotl.common.datasets import TrainDatasetMeta

    train = _rows(cfg, cfg.datasets).filter(lambda row: not ids or row["id"] in ids)
    test = _rows(cfg, cfg.test_datasets) if cfg.test_datasets else None
    return TrainDatasetMeta(train_dataset=train, eval_dataset=test, total_num_steps=cfg.max_steps or len(train))


def tokenised(strategy: Any, row: dict[str, Any]) -> dict[str, Any]:
    """Return one row as the trainer gets it from the prepared set."""
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
    """Run `axolotl train` on all training rows or on `ids`; return its trainer."""
    from axolotl.train import train as run

    cfg = runs.configuration(**IN_PROCESS | changes)
    return run(cfg=cfg, dataset_meta=prepared(cfg, ids))[2]
