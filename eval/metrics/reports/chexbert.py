"""CheXbert similarity (Smit et al., 2020; Yu et al., 2023): the cosine of two reports' embeddings.

The embedding is the last hidden state of the first token. The package f1chexbert only returns labels, so the encoder's
weights are loaded here into transformers' BERT.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.errors import EvalError

WANTED = ("chexbert.pth", "bert")
"""CheXbert's checkpoint, and the configuration and tokenizer of bert-base-uncased."""
BATCH = 32
LONGEST = 512


class CheXbert:
    """Scores pairs of reports; `folder` holds WANTED."""

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
