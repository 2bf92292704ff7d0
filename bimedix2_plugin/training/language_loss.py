"""Evaluation loss by language, from each row's own tokens, because a pack holds rows of both languages."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import torch
from accelerate.utils import gather_object


class LanguageLosses:
    """Collects the losses of an evaluation row by row, so that a row evaluated on two ranks counts once."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], tuple[str, float, int]] = {}

    def note(self, rows: list[dict[str, Any]], logits: torch.Tensor, targets: torch.Tensor) -> None:
        """Add one pack.

        Args:
            rows: as PackCollator returns them, in the pack's order.
            logits: [1, K, vocabulary], of the positions before labelled tokens only.
            targets: int64 [1, K], those tokens.
        """
        counts = [row["labelled"] for row in rows]
        sums = [
            torch.nn.functional.cross_entropy(part.float(), target, reduction="sum")
            for part, target in zip(logits[0].split(counts), targets[0].split(counts), strict=True)
        ]
        for row, loss in zip(rows, torch.stack(sums).tolist(), strict=True):
            self._rows[row["store"], row["id"]] = (row["language"], loss, row["labelled"])

    def metrics(self, prefix: str) -> dict[str, float]:
        """Return each language's mean loss per labelled token (nats) over all ranks, and reset.

        Returns:
            for example {"eval_loss_ar": 1.2, "eval_loss_en": 0.9}.
        """
        every = dict(gather_object(list(self._rows.items())))
        self._rows = {}
        totals: dict[str, list[float]] = defaultdict(lambda: [0.0, 0])
        for language, loss, tokens in every.values():
            totals[language][0] += loss
            totals[language][1] += tokens
        return {
            f"{prefix}_loss_{language or 'unknown'}": loss / tokens
            for language, (loss, tokens) in sorted(totals.items())
            if tokens
        }
