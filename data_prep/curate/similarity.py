"""How alike two texts of different languages are, by the sentence embeddings of LaBSE, from a folder of its weights.

LaBSE (Feng et al. 2022, arXiv 2007.01852) is a BERT whose pooled first token is scaled to length 1; the similarity is
the dot product of two, -1 to 1. AIN (arXiv 2502.00094) kept machine translations from 0.80 on.
"""

from functools import cached_property
from pathlib import Path
from typing import Any

from data_prep.curate.errors import CurateError

LONGEST = 512
"""Tokens that are read of a text: the positions that LaBSE has."""


class Similarity:
    """The model in `folder`, loaded when it is first asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def problems(self) -> list[str]:
        """Files that are missing from the folder."""
        names = ("config.json", "tokenizer.json", "model.safetensors")
        missing = [name for name in names if not (self._folder / name).is_file()]
        advice = "download sentence-transformers/LaBSE and give its folder"
        return [f"{self._folder}: no {', '.join(missing)}; {advice}"] if missing else []

    def __call__(self, first: str, second: str) -> float:
        """The cosine of the two texts' embeddings, -1 to 1. Raises CurateError if the weights cannot be read."""
        import torch

        model, tokenizer = self._loaded
        given = tokenizer([first, second], padding=True, truncation=True, max_length=LONGEST, return_tensors="pt")
        with torch.inference_mode():
            pooled = torch.nn.functional.normalize(model(**given).pooler_output, dim=1)
        return float(pooled[0] @ pooled[1])

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        from transformers import AutoModel, AutoTokenizer

        try:
            model = AutoModel.from_pretrained(self._folder, local_files_only=True).eval()
            return model, AutoTokenizer.from_pretrained(self._folder, local_files_only=True)
        except (OSError, ValueError) as error:
            raise CurateError(f"similarity.weights: {self._folder}: {str(error).splitlines()[0]}") from error
