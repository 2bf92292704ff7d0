"""BERTScore (Zhang et al., 2020) as RadCliQ takes it: F1 of distilroberta-base, layer 5, rescaled, by bert-score.

Words are weighed by their rarity among the generated reports, as in MultiMedEval, so a value depends on the others.
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
"""distilroberta-base as transformers saves it."""
LAYER = 5
"""What bert-score takes of distilroberta-base by default."""


class BertScore:
    """Scores pairs of reports; `folder` is the model."""

    def __init__(self, folder: Path) -> None:
        import bert_score
        from transformers import AutoTokenizer

        if "t5" in str(folder):
            raise EvalError(f"{folder}: bert-score takes a path with `t5` in it for a T5 model. Move the folder.")
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
        # It asks for the blank before the first word, and for the tokens of an empty text, in ways of transformers 4.
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, add_prefix_space=True, local_files_only=True)
        tokenizer.build_inputs_with_special_tokens = lambda ids: [tokenizer.cls_token_id, *ids, tokenizer.sep_token_id]
        self._scorer._tokenizer = tokenizer

    def __call__(self, predictions: list[str], references: list[str]) -> Sequence[float]:
        """Return the rescaled F1 of every pair: 1 at most, about 0 for texts that have nothing in common."""
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            self._scorer.compute_idf(predictions)
            return self._scorer.score(predictions, references)[2].tolist()
