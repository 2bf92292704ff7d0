"""Collate rows into one pack: concatenated token ids, positions that restart with each row, and the rows' images.

There is no attention mask: the restarting positions separate the documents, and transformers isolates documents only
if no mask is given. Images are decoded here, in the data loader's workers, each distinct image once per pack.
Axolotl PR #3817 (packing of multimodal rows) would replace this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from bimedix2_plugin.data.rendering import IGNORED
from data_prep.images.store import open_store


class PackCollator:
    """Concatenates the rows that Axolotl's sampler grouped.

    Args:
        tokenizer: kept for the trainer, which saves it.
        image_processor: of the composed folder.
        placeholder_id: token id that image features replace.
        image_tokens: features of one image.
    """

    pad_to_multiple_of: int | None = None

    def __init__(
        self, tokenizer: Any, *, image_processor: Any, placeholder_id: int, image_tokens: int, **_: Any
    ) -> None:
        self.tokenizer, self.image_processor = tokenizer, image_processor
        self.placeholder_id, self.image_tokens = placeholder_id, image_tokens

    def __call__(self, features: list[Any]) -> dict[str, Any]:
        """Return one pack.

        Args:
            features: rows, or lists of rows if the sampler makes several bins.

        Returns:
            input_ids, labels, position_ids: int64 [1, L]; pixel_values: float32 [images, 3, S, S];
            logits_to_keep: int64 [K], the positions before labelled tokens; shift_labels: int64 [1, K], those tokens;
            rows: each row's id, language, image store and number of labelled tokens, for the trainer only.

        Raises:
            ValueError: a row has more or fewer placeholders than image features; names the row.
        """
        rows = list(_flat(features))
        for row in rows:
            self._check(row)
        images = self._images(rows)
        documents = [(list(row["input_ids"]), list(row["labels"])) for row in rows]
        if not images:
            documents.append(self._blank_document())
            images = [self._blank_image()]
        labels = torch.tensor([[label for _, labels in documents for label in labels]])
        # The loss ignores all other positions; their logits over the whole vocabulary would be wasted.
        positions = torch.nonzero(labels[0, 1:] != IGNORED).flatten()
        return {
            "input_ids": torch.tensor([[token for ids, _ in documents for token in ids]]),
            "labels": labels,
            "logits_to_keep": positions,
            "shift_labels": labels[:, positions + 1],
            "position_ids": torch.cat([torch.arange(len(ids)) for ids, _ in documents])[None],
            "pixel_values": torch.stack(images),
            "rows": [_identity(row) for row in rows],
        }

    def _check(self, row: dict[str, Any]) -> None:
        placeholders = sum(token == self.placeholder_id for token in row["input_ids"])
        features = len(row["images"]) * self.image_tokens
        if placeholders != features:
            raise ValueError(
                f"row {row['id']}: {placeholders} placeholders for {features} image features; the prepared set was "
                "made for another tower. Run `axolotl preprocess` with this recipe again."
            )

    def _images(self, rows: list[dict[str, Any]]) -> list[torch.Tensor]:
        wanted = [(row["store"], key) for row in rows for key in row["images"]]
        decoded = {(store, key): self._pixels(open_store(store).image(key)) for store, key in dict.fromkeys(wanted)}
        return [decoded[reference] for reference in wanted]

    def _pixels(self, image: Any) -> torch.Tensor:
        return self.image_processor(image, return_tensors="pt")["pixel_values"][0]

    def _blank_document(self) -> tuple[list[int], list[int]]:
        """Return an unlabelled document with one image, so that a pack of text rows also runs the vision path.

        Otherwise ranks would wait for each other's gradients forever, or fail on unused parameters.
        """
        return [self.placeholder_id] * self.image_tokens, [IGNORED] * self.image_tokens

    def _blank_image(self) -> torch.Tensor:
        crop = self.image_processor.crop_size
        return torch.zeros(3, crop["height"], crop["width"])


def _identity(row: dict[str, Any]) -> dict[str, Any]:
    labelled = sum(label != IGNORED for label in row["labels"])
    return {"id": row["id"], "language": row["language"], "store": row["store"], "labelled": labelled}


def _flat(features: list[Any]) -> Iterator[dict[str, Any]]:
    for feature in features:
        if isinstance(feature, list):
            yield from _flat(feature)
        else:
            yield feature
