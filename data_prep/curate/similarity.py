"""How alike two texts of different languages are, by the sentence embeddings of LaBSE, from a folder of its weights.

LaBSE (Feng et al. 2022, arXiv 2007.01852) is a BERT whose pooled first token is scaled to length 1; the similarity is
the dot product of two, -1 to 1. AIN (arXiv 2502.00094) kept machine translations from 0.80 on.
"""

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any

from data_prep.curate.errors import CurateError
from data_prep.curate.replies import key_of
from data_prep.llm.append_only import AppendOnlyFile

LONGEST = 512
"""Tokens that are read of a text: the positions that LaBSE has."""


class Similarity:
    """The model in `folder`, loaded when it is first asked for a value that is not kept in the file `kept`."""

    def __init__(self, folder: Path, kept: Path | None = None) -> None:
        self._folder = folder
        self._file = None if kept is None else AppendOnlyFile(kept, remedy="Remove that line.")

    def problems(self) -> list[str]:
        """Files that are missing from the folder."""
        names = ("config.json", "tokenizer.json", "model.safetensors")
        missing = [name for name in names if not (self._folder / name).is_file()]
        advice = "download sentence-transformers/LaBSE and give its folder"
        return [f"{self._folder}: no {', '.join(missing)}; {advice}"] if missing else []

    def __call__(self, first: str, second: str) -> float:
        """The cosine of the two texts' embeddings, -1 to 1.

        Raises CurateError if the weights cannot be read or the file of kept values is damaged.
        """
        if self._file is None:
            return self._computed(first, second)
        key = key_of({"weights": self._digest, "texts": [first, second]})
        if key not in self._known:
            self._known[key] = self._computed(first, second)
            self._file.append([{"key": key, "cosine": self._known[key]}])
        return self._known[key]

    @cached_property
    def _known(self) -> dict[str, float]:
        """The kept values by their keys."""
        assert self._file is not None
        self._file.open()
        try:
            return {str(record["key"]): float(record["cosine"]) for record in self._file.records()}
        except (KeyError, TypeError, ValueError) as error:
            raise CurateError(f"{self._file.path}: not a file of kept similarities; remove it: {error}") from error

    @cached_property
    def _digest(self) -> str:
        try:
            with (self._folder / "model.safetensors").open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise CurateError(f"similarity.weights: {self._folder}: {error.strerror}") from error

    def _computed(self, first: str, second: str) -> float:
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
