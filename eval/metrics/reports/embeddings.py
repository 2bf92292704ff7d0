"""Report metrics that compare embeddings: BERTScore as RadCliQ uses it, and CheXbert similarity."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from eval.errors import EvalError

LAYER = 5
"""bert-score's default layer of distilroberta-base."""


class BertScore:
    """Scores pairs of reports; `folder` is the model's.

    BERTScore (Zhang et al., 2020) as an input of RadCliQ: rescaled F1 of distilroberta-base, layer 5, by bert-score.

    Words are weighted by their inverse document frequency in the generated reports, as in MultiMedEval, so a score
    depends on the other reports.
    """

    WANTED: ClassVar[tuple[str, ...]] = ("config.json",)
    """distilroberta-base in transformers' format."""

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


BATCH = 32
LONGEST = 512


class CheXbert:
    """Scores pairs of reports; `folder` holds CHEXBERT_WANTED.

    CheXbert similarity (Smit et al., 2020; Yu et al., 2023): the cosine of two reports' embeddings.

    The embedding is the last hidden state of the first token. The package f1chexbert only returns labels, so the
    encoder's weights are loaded here into transformers' BERT.
    """

    WANTED: ClassVar[tuple[str, ...]] = ("chexbert.pth", "bert")
    """CheXbert's checkpoint, and the configuration and tokenizer of bert-base-uncased."""

    def __init__(self, folder: Path) -> None:
        import torch
        from transformers import AutoConfig, AutoTokenizer, BertModel

        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder / "bert", local_files_only=True)
        model = BertModel(AutoConfig.from_pretrained(folder / "bert", local_files_only=True))
        lost = model.load_state_dict(_encoder(folder / "chexbert.pth"), strict=False).missing_keys
        if lost:
            raise EvalError(
                f"{folder / 'chexbert.pth'}: no tensor {lost[0]}: not CheXbert's weights, or the wrong bert/."
            )
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model: Any = model.eval()
        self._model.to(self._device)

    def __call__(self, predictions: list[str], references: list[str]) -> Sequence[float]:
        """Return the cosine similarity of every pair, in [-1, 1]."""
        import torch

        ours, theirs = (self._embed(texts) for texts in (predictions, references))
        return torch.cosine_similarity(ours, theirs).tolist()

    def _embed(self, texts: list[str]) -> Any:
        """Embed texts, from (n,) to (n, hidden size)."""
        import torch

        plain = [" ".join(text.split()) for text in texts]
        found = []
        for start in range(0, len(plain), BATCH):
            options: dict[str, Any] = {"padding": True, "truncation": True, "max_length": LONGEST}
            inputs = self._tokenizer(plain[start : start + BATCH], return_tensors="pt", **options)
            with torch.inference_mode():
                found.append(self._model(**inputs.to(self._device)).last_hidden_state[:, 0].float().cpu())
        return torch.cat(found)


def _encoder(path: Path) -> dict[str, Any]:
    """Read the encoder's tensors from a DataParallel checkpoint; only plain data is unpickled."""
    import torch

    state = torch.load(path, map_location="cpu", weights_only=True)["model_state_dict"]
    names = {name.removeprefix("module."): name for name in state}
    return {name.removeprefix("bert."): state[own] for name, own in names.items() if name.startswith("bert.")}
