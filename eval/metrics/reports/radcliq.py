"""RadCliQ-v1 (Yu et al., 2023): a radiologist's error count, standardised, predicted from four other metrics.

A linear model with the coefficients, means and scales of the authors' radcliq-v1 (CXR-Report-Metric). Lower is better.
The inputs are MultiMedEval's: F1-RadGraph `partial` in place of the authors' mean F1 of entities and relations, and
BLEU-2 over words separated by white space.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eval.metrics.text_match import bleu

Scorer = Callable[[list[str], list[str]], Sequence[float]]

MEANS = (0.53792312, 0.61757256, 0.76479421, 0.44738335)
SCALES = (0.30282584, 0.22430938, 0.25394391, 0.29892717)
COEFFICIENTS = (-3.77083683e-01, -3.70300100e-01, -2.52616218e-01, 4.31504841e-12)
INTERCEPT = 2.46655256e-10
"""The parameters are in the order RadGraph F1, rescaled BERTScore, CheXbert similarity, BLEU-2."""


def radcliq_v1(radgraph: float, bertscore: float, chexbert: float, bleu2: float) -> float:
    """Return RadCliQ-v1 of one report."""
    inputs = zip((radgraph, bertscore, chexbert, bleu2), MEANS, SCALES, COEFFICIENTS, strict=True)
    return INTERCEPT + sum(factor * (value - mean) / scale for value, mean, scale, factor in inputs)


class RadCliQ:
    """Scores pairs of reports from the scores of its inputs."""

    def __init__(self, radgraph: Scorer, bertscore: Scorer, chexbert: Scorer) -> None:
        self._parts = (radgraph, bertscore, chexbert)

    def __call__(self, predictions: list[str], references: list[str]) -> Sequence[float]:
        """Return RadCliQ-v1 of every pair; -1.44 for equal texts, 2.45 for texts without any match."""
        found = [scorer(predictions, references) for scorer in self._parts]
        bleu2 = [bleu(*pair, 2) for pair in zip(predictions, references, strict=True)]
        return [radcliq_v1(*values) for values in zip(*found, bleu2, strict=True)]
