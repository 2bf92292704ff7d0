"""Collate rows into one pack: concatenated token ids, positions that restart with each row, and the rows' images.

There is no attention mask: the restarting positions separate the documents, and transformers isolates documents only
if no mask is given. Images are decoded here, in the data loader's workers, each distinct image once per pack.
Axolotl PR #3817 (packing of multimodal rows) would replace this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from bimedix2_plugin.model.vision_language.descriptor import IGNORED, Document, Tensors, VisionLanguageModel
from data_prep.images.store import open_store


class PackCollator:
    """Concatenates the rows that Axolotl's sampler grouped.

    Args:
        tokenizer: kept for the trainer, which saves it.
        model: the descriptor of the run's model.
    """

    pad_to_multiple_of: int | None = None

    def __init__(self, tokenizer: Any, *, model: VisionLanguageModel, **_: Any) -> None:
        self.tokenizer, self.model = tokenizer, model
        # Axolotl balances labels with right padding only. Gemma's tokenizer pads on the left; a pack has no padding.
        if tokenizer is not None:
            tokenizer.padding_side = "right"

    def __call__(self, features: list[Any]) -> dict[str, Any]:
        """Return one pack.

        Args:
            features: rows, or lists of rows if the sampler makes several bins.

        Returns:
            input_ids, labels: int64 [1, L]; position_ids and the images' tensors: as the model's descriptor makes them,
            for LLaVA int64 [1, L] and pixel_values float32 [images, 3, S, S];
            logits_to_keep: int64 [K], the positions before labelled tokens; shift_labels: int64 [1, K], those tokens;
            rows: each row's id, language, image store and number of labelled tokens, for the trainer only.

        Raises:
            ValueError: a row has more or fewer placeholders than image features; names the row.
        """
        rows = list(_flat(features))
        documents = self._documents(rows)
        if not any(document.images for document in documents):
            # Ranks would otherwise wait for each other's gradients forever, or fail on unused parameters.
            documents.append(self.model.blank())
        labels = torch.tensor([[label for document in documents for label in document.labels]])
        # The loss ignores all other positions; their logits over the whole vocabulary would be wasted.
        positions = torch.nonzero(labels[0, 1:] != IGNORED).flatten()
        return {
            "input_ids": torch.tensor([[token for document in documents for token in document.ids]]),
            "labels": labels,
            "logits_to_keep": positions,
            "shift_labels": labels[:, positions + 1],
            **self.model.inputs(documents),
            "rows": [_identity(row) for row in rows],
        }

    def _documents(self, rows: list[dict[str, Any]]) -> list[Document]:
        """Return each row with the tensors of its images; an image that several rows show is decoded once."""
        shown: dict[tuple[str, str], tuple[int, Tensors]] = {}
        documents = []
        for row in rows:
            references = [(row["store"], key) for key in row["images"]]
            for reference in references:
                if reference not in shown:
                    image = open_store(reference[0]).image(reference[1])
                    shown[reference] = (self.model.image_tokens(*image.size), self.model.pixels(image))
            self._check(row, sum(shown[reference][0] for reference in references))
            images = [shown[reference][1] for reference in references]
            documents.append(Document(list(row["input_ids"]), list(row["labels"]), images))
        return documents

    def _check(self, row: dict[str, Any], features: int) -> None:
        placeholders = sum(token == self.model.placeholder_id for token in row["input_ids"])
        if placeholders != features:
            raise ValueError(
                f"row {row['id']}: {placeholders} placeholders for {features} image features; the prepared set was "
                "made for another tower, or for other images. Run `axolotl preprocess` with this recipe again."
            )


def _identity(row: dict[str, Any]) -> dict[str, Any]:
    labelled = sum(label != IGNORED for label in row["labels"])
    return {"id": row["id"], "language": row["language"], "store": row["store"], "labelled": labelled}


def _flat(features: list[Any]) -> Iterator[dict[str, Any]]:
    for feature in features:
        if isinstance(feature, list):
            yield from _flat(feature)
        else:
            yield feature
