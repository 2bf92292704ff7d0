"""Report metrics that compare medical entities: F1-RadGraph and RaTEScore, each by its own package."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar


class RadGraph:
    """Scores pairs of reports; `folder` holds RADGRAPH_WANTED.

    F1-RadGraph (Delbrouck et al., 2022) with reward `partial`, as in MultiMedEval, by the package radgraph.

    Entities are (words, label, has a relation); a report's score is the F1 of the two sets. The package was written for
    transformers 4: two tokenizer methods that version 5 removed are patched in.
    """

    WANTED: ClassVar[tuple[str, ...]] = ("config.json", "vocabulary", "weights.th", "bert")
    """The content of radgraph.tar.gz, and the configuration and tokenizer of the model that its config.json names."""

    def __init__(self, folder: Path) -> None:
        with _silent(), _cache_layout(folder) as cache, _tokenizers_of_version_4():
            from radgraph import F1RadGraph

            self._score = F1RadGraph(reward_level="partial", model_type="radgraph", model_cache_dir=str(cache))

    def __call__(self, predictions: list[str], references: list[str]) -> Sequence[float]:
        """Return the F1 of every pair, in [0, 1]; 0 if a text is empty or has no entity."""
        with _silent():
            return self._score(hyps=predictions, refs=references)[1]


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Suppress the package's output and warnings; it also resets the warning filters, which are restored."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _cache_layout(folder: Path) -> Iterator[Path]:
    """Copy the folder into the layout of the package's cache, with the base model's name replaced by its path."""
    with TemporaryDirectory() as cache:
        place = Path(cache) / "radgraph"
        place.mkdir()
        # The package creates a lock file in the vocabulary's folder, and the user's folder may be read-only.
        shutil.copytree(folder / "vocabulary", place / "vocabulary")
        (place / "weights.th").symlink_to((folder / "weights.th").resolve())
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        for owner in (config["dataset_reader"]["token_indexers"], config["model"]["embedder"]["token_embedders"]):
            owner["bert"]["model_name"] = str(folder / "bert")
        (place / "config.json").write_text(json.dumps(config), encoding="utf-8")
        yield Path(cache)


@contextlib.contextmanager
def _tokenizers_of_version_4() -> Iterator[None]:
    """Let the package load tokenizers with the two methods that it calls."""
    from radgraph.allennlp.common import cached_transformers

    own = cached_transformers.get_tokenizer
    cached_transformers.get_tokenizer = _tokenizer
    try:
        yield
    finally:
        cached_transformers.get_tokenizer = own


def _tokenizer(folder: str, **options: Any) -> Any:
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    tokenizer.encode_plus = tokenizer.__call__
    tokenizer.build_inputs_with_special_tokens = lambda ids: [tokenizer.cls_token_id, *ids, tokenizer.sep_token_id]
    return tokenizer


NO_ENTITY = 0.5
"""The package's score for a pair with a report without entities."""


class RaTEScore:
    """Scores pairs of reports; `folder` holds RATESCORE_WANTED.

    RaTEScore (Zhao et al., 2024): how well the entities of two reports match, by the package RaTEScore.
    """

    WANTED: ClassVar[tuple[str, ...]] = ("ner", "embedding")
    """RaTE-NER-Deberta and BioLORD-2023-C, each in transformers' format."""

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
