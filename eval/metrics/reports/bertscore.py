"""BERTScore (Zhang et al., 2020) as an input of RadCliQ: rescaled F1 of distilroberta-base, layer 5, by bert-score.

Words are weighted by their inverse document frequency in the generated reports, as in MultiMedEval, so a score depends
on the other reports.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.errors import EvalError

WANTED = ("config.json",)
"""distilroberta-base in transformers' format."""
LAYER = 5
"""bert-score's default layer of distilroberta-base."""


class BertScore:
    """Scores pairs of reports; `folder` is the model's."""

    def __init__(self, folder: Path) -> None:
        import bert_score
        from transformers import AutoTokenizer

        if "t5" in str(folder):
            raise EvalError(
                f"{folder}: bert-score takes a path with `t5` in it for a T5 model. Rename or move the folder."
            )
        baseline = Path(bert_score.__file__).parent / "rescale_baseline" / "en" / "distilroberta-base.tsv"
        self._scorer = bert_score.BERTScorer(
            model_type=str(folder),
            num_layers=LAYER,
            lang="en",
            idf=True,
            rescale_with_baseline=True,
            baseline_path=str(baseline),
            nthreads=0,
        )
        # bert-score uses the interface of transformers 4 for a leading space and for the tokens of an empty text.
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, add_prefix_space=True, local_files_only=True)
        tokenizer.build_inputs_with_special_tokens = lambda ids: [tokenizer.cls_token_id, *ids, tokenizer.sep_token_id]
        self._scorer._tokenizer = tokenizer

    def __call__(self, predictions: list[str], references: list[str]) -> Sequence[float]:
        """Return the rescaled F1 of every pair: 1 at most, about 0 for unrelated texts."""
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            self._scorer.compute_idf(predictions)
            return self._scorer.score(predictions, references)[2].tolist()
