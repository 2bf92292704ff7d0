"""Rows to one pack: token ids end to end, positions that restart, and the pictures that they refer to.

No attention mask is made: the restarting positions tell documents apart, and transformers isolates them only
where no mask is given. Pictures are decoded here, in the loader's workers, each distinct one once a pack.
Axolotl PR #3817 (packing of multimodal rows) would retire this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from bimedix2_plugin.data.rendering import IGNORED
from data_prep.images.store import open_store


class PackCollator:
    """Concatenates the rows that Axolotl's sampler put together.

    Args:
        tokenizer: kept for the trainer, which saves it.
        image_processor: of the composed folder.
        placeholder_id: token id of an image feature's place.
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
            features: rows, or lists of rows where the sampler made several bins.

        Returns:
            input_ids, labels, position_ids: int64 [1, L]; pixel_values: float32 [images, 3, S, S];
            logits_to_keep: int64 [K], the places before labelled tokens; shift_labels: int64 [1, K], those tokens;
            rows: each row's id, language, image store and number of labelled tokens, for the trainer alone.

        Raises:
            ValueError: a row's placeholders are not as many as its images' features, with the row's id.
        """
        rows = list(_flat(features))
        for row in rows:
            self._check(row)
        pictures = self._pictures(rows)
        documents = [(list(row["input_ids"]), list(row["labels"])) for row in rows]
        if not pictures:
            documents.append(self._blank_document())
            pictures = [self._blank_picture()]
        labels = torch.tensor([[label for _, labels in documents for label in labels]])
        # Logits of the rest would be computed, over the whole vocabulary, for a loss that leaves them out.
        places = torch.nonzero(labels[0, 1:] != IGNORED).flatten()
        return {
            "input_ids": torch.tensor([[token for ids, _ in documents for token in ids]]),
            "labels": labels,
            "logits_to_keep": places,
            "shift_labels": labels[:, places + 1],
            "position_ids": torch.cat([torch.arange(len(ids)) for ids, _ in documents])[None],
            "pixel_values": torch.stack(pictures),
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

    def _pictures(self, rows: list[dict[str, Any]]) -> list[torch.Tensor]:
        wanted = [(row["store"], key) for row in rows for key in row["images"]]
        decoded = {place: self._pixels(open_store(place[0]).image(place[1])) for place in dict.fromkeys(wanted)}
        return [decoded[place] for place in wanted]

    def _pixels(self, picture: Any) -> torch.Tensor:
        return self.image_processor(picture, return_tensors="pt")["pixel_values"][0]

    def _blank_document(self) -> tuple[list[int], list[int]]:
        """A document of its own, without labels, so that a pack of text runs the vision path like any other.

        Ranks that skip it would wait for each other's gradients for ever, or fail on unused parameters.
        """
        return [self.placeholder_id] * self.image_tokens, [IGNORED] * self.image_tokens

    def _blank_picture(self) -> torch.Tensor:
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
