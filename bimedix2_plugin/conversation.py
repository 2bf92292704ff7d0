"""`type: bimedix2_plugin.conversation`: tokenizes a dataset's rows for Axolotl's prepared set.

Each kept row holds token ids, labels, its id and language, its image store and the keys of its images, but no pixels.
Each rejected row is in `ledger.jsonl` beside the prepared set, with its id and reason.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from axolotl.prompt_tokenizers import DatasetWrappingStrategy
from axolotl.utils.dict import DictDefault
from axolotl.utils.logging import get_logger
from datasets import Dataset

from bimedix2_plugin.data.rendering import Renderer, RowError
from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.vision_language.registry import of_folder
from bimedix2_plugin.recipe import settings
from data_prep.atomic import atomic_write
from data_prep.images.store import open_store

LOG = get_logger(f"axolotl.{__name__}")  # Axolotl shows information from its own names only
LEDGER = "ledger.jsonl"
_NO_TOKENS = np.zeros(0, np.int32)


def load(tokenizer: Any, cfg: DictDefault, ds_cfg: Any = None, processor: Any = None) -> ConversationStrategy:
    """Build the strategy; Axolotl calls this by the module's name in `type:`."""
    data = Path(ds_cfg["path"])
    model = of_folder(cfg.base_model)
    renderer = Renderer(tokenizer, model, settings(cfg).stage)
    ledger = Path(cfg.dataset_prepared_path) / LEDGER
    return ConversationStrategy(renderer, cfg.sequence_len, data, ledger, model.REMOVED_COLUMNS)


class ConversationStrategy(DatasetWrappingStrategy):
    """Tokenizes one dataset; every row is kept or is in the ledger.

    Args:
        renderer: with the chat template, tokenizer and stage.
        sequence_len: maximum length of a row, image tokens included.
        data: the dataset's folder; its images are in `images/`.
        ledger: file for the rejected rows.
        empty_columns: names of columns to add, empty.
    """

    def __init__(
        self, renderer: Renderer, sequence_len: int, data: Path, ledger: Path, empty_columns: tuple[str, ...] = ()
    ) -> None:
        self.renderer, self.sequence_len, self.data, self.ledger = renderer, sequence_len, data, ledger
        self._empty: dict[str, Any] = dict.fromkeys(empty_columns, _NO_TOKENS)
        self._store = str(data / "images")

    def wrap_dataset(
        self,
        dataset: Dataset,
        process_count: int | None = None,
        keep_in_memory: bool | None = False,
        **_: Any,
    ) -> Dataset:
        """Tokenize, write the ledger, and return the rows that can be used for training.

        Raises:
            RecipeError: every row is rejected.
        """
        mapped = dataset.map(
            self._tokenize_rows,
            batched=True,
            num_proc=min(process_count or 1, max(1, len(dataset))),
            remove_columns=dataset.column_names,
            keep_in_memory=bool(keep_in_memory),
            desc="Rendering conversations",
        )
        reasons = mapped["rejected"]
        kept = [index for index, reason in enumerate(reasons) if not reason]
        rejected = [index for index, reason in enumerate(reasons) if reason]
        self._write_ledger(mapped.select(rejected), str(dataset.split or ""))
        if rejected:
            LOG.warning("%s: %d of %d rows rejected: %s", self.data, len(rejected), len(reasons), self._counts(mapped))
        if not kept:
            raise RecipeError(
                f"{self.data}: no row is left of {len(reasons)}; {self.ledger} has the reason for each row."
            )
        return mapped.select(kept).remove_columns(["rejected", "detail"])

    def tokenize_row(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return one row of the prepared set; a rejected row is returned without tokens, with its reason."""
        images = list(row.get("images") or [])
        result: dict[str, Any] = {"id": row["id"], "language": row.get("language") or "", "images": images}
        result |= {"store": self._store, "input_ids": _NO_TOKENS, "labels": _NO_TOKENS}
        result |= {"rejected": "", "detail": ""} | self._empty
        try:
            tokens = self.renderer.tokenise(row["messages"], self._sizes(images))
            if len(tokens.input_ids) > self.sequence_len:
                raise RowError("too_long", f"{len(tokens.input_ids)} tokens, sequence_len is {self.sequence_len}")
        except RowError as error:
            return result | {"rejected": error.reason, "detail": error.detail}
        return result | {"input_ids": tokens.input_ids, "labels": tokens.labels}

    def _tokenize_rows(self, rows: dict[str, list[Any]]) -> dict[str, list[Any]]:
        tokenized = [self.tokenize_row(dict(zip(rows, row, strict=True))) for row in zip(*rows.values(), strict=True)]
        return {name: [row[name] for row in tokenized] for name in tokenized[0]}

    def _sizes(self, images: list[str]) -> list[tuple[int, int]]:
        """Return the width and height of each image, which the store holds: no image is decoded."""
        if not images:
            return []
        store = open_store(self._store)
        missing = [key for key in images if key not in store]
        if missing:
            raise RowError("missing_image", f"{missing[0]} is not in the image store")
        return [store.size(key) for key in images]

    def _counts(self, mapped: Dataset) -> str:
        counts = Counter(reason for reason in mapped["rejected"] if reason)
        return ", ".join(f"{reason} {count}" for reason, count in sorted(counts.items()))

    def _write_ledger(self, rejected: Dataset, split: str) -> None:
        """Replace the entries of this dataset and split; those of other datasets stay."""
        mine = {"data": str(self.data), "split": split}
        lines = self.ledger.read_text(encoding="utf-8").splitlines() if self.ledger.is_file() else []
        entries = [json.loads(line) for line in lines]
        kept = [entry for entry in entries if {key: entry[key] for key in mine} != mine]
        kept += [mine | {"id": row["id"], "reason": row["rejected"], "detail": row["detail"]} for row in rejected]
        with atomic_write(self.ledger) as partial:
            partial.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in kept), encoding="utf-8")
