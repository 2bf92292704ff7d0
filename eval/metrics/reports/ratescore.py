"""RaTEScore (Zhao et al., 2024): how well the entities of two reports match, by the package RaTEScore."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

WANTED = ("ner", "embedding")
"""RaTE-NER-Deberta and BioLORD-2023-C, each in transformers' format."""
NO_ENTITY = 0.5
"""The package's score for a pair with a report without entities."""


class RaTEScore:
    """Scores pairs of reports; `folder` holds WANTED."""

    def __init__(self, folder: Path) -> None:
        import torch

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from loguru import logger

            logger.disable("PyRuSH")  # it logs every sentence
            import RaTEScore as package
        models = {"bert_model": str(folder / "ner"), "eval_model": str(folder / "embedding")}
        self._sentences = package.utils.sentence_split
        self._score = package.RaTEScore(use_gpu=torch.cuda.is_available(), **models).compute_score

    def __call__(self, predictions: list[str], references: list[str]) -> Sequence[float]:
        """Return the score of every pair, in [0, 1].

        Pairs are scored one by one: in a list, the package misaligns all pairs after a report without a sentence.
        """
        return [self._one(*pair) for pair in zip(predictions, references, strict=True)]

    def _one(self, prediction: str, reference: str) -> float:
        if not all(self._sentences([text])[0] for text in (prediction, reference)):
            return NO_ENTITY
        return float(self._score([prediction], [reference])[0])
