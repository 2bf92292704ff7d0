"""METEOR of one text against one reference (Lavie and Agarwal, 2007), by nltk, as MultiMedEval has it.

It matches words, then stems, then synonyms of the stems, so it needs WordNet: nltk's copy, or Debian's package
wordnet-base. Both are WordNet 3.0. Text is split into sentences before words: with nltk's punkt_tab if it is
installed, else with the same algorithm without its list of abbreviations.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import nltk
from nltk.corpus import wordnet
from nltk.corpus.reader.wordnet import WordNetCorpusReader
from nltk.tokenize import NLTKWordTokenizer, PunktSentenceTokenizer, PunktTokenizer
from nltk.translate.meteor_score import single_meteor_score

from eval.errors import EvalError

DEBIAN = Path("/usr/share/wordnet")
NO_WORDNET = (
    "not computed: no WordNet. Install Debian's wordnet-base, or run `python -m nltk.downloader wordnet punkt_tab`."
)
NO_PUNKT = "Sentences were split without nltk's punkt_tab, which MultiMedEval uses."


class Meteor:
    """METEOR with one WordNet. `note` says what differs from MultiMedEval's, or is empty."""

    def __init__(self, wordnet: Any) -> None:
        self._wordnet = wordnet
        self._sentences, self.note = _sentence_splitter()
        self._words = NLTKWordTokenizer()

    def __call__(self, prediction: str, reference: str) -> float:
        """Return METEOR in [0, 1]; a text's score with itself is a little below 1, by METEOR's chunk penalty."""
        return float(single_meteor_score(self._tokens(reference), self._tokens(prediction), wordnet=self._wordnet))

    def _tokens(self, text: str) -> list[str]:
        return [word for sentence in self._sentences(text) for word in self._words.tokenize(sentence)]


def meteor(folders: Iterable[Path] = (DEBIAN,)) -> Meteor | None:
    """Return METEOR with nltk's WordNet, else with that of the first of these folders; None if there is none.

    Raises:
        EvalError: nltk's WordNet or punkt_tab is there and cannot be read.
    """
    try:
        wordnet.ensure_loaded()
    except LookupError:
        found = next((folder for folder in folders if (folder / "data.noun").is_file()), None)
        return Meteor(_open(found)) if found else None
    except (OSError, ValueError) as error:
        raise _unreadable("wordnet", error) from error
    return Meteor(wordnet)


class _BareWordNet(WordNetCorpusReader):
    """WordNet as its own programs have it, without what nltk adds: names of files, keys of senses."""

    def open(self, file: str) -> Any:
        """Open a file of the folder; the names of the lexicographers' files say nothing that METEOR asks."""
        if file == "lexnames":
            return io.StringIO("".join(f"{number:02d}\tunnamed\t0\n" for number in range(45)))
        return super().open(file)

    def map_wn(self, version: str = "wordnet") -> None:
        """Map no senses of other versions: that is for other languages."""


def _open(folder: Path) -> WordNetCorpusReader:
    # nltk reads only below its data path.
    if str(folder) not in nltk.data.path:
        nltk.data.path.append(str(folder))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has no other languages; METEOR asks for English alone
        return _BareWordNet(str(folder), None)


def _sentence_splitter() -> tuple[Callable[[str], list[str]], str]:
    try:
        return PunktTokenizer("english").tokenize, ""
    except LookupError:
        return PunktSentenceTokenizer().tokenize, NO_PUNKT
    except (OSError, ValueError) as error:
        raise _unreadable("punkt_tab", error) from error


def _unreadable(package: str, error: Exception) -> EvalError:
    # nltk refuses files with several hard links, as deduplicating backups and some file systems make them.
    return EvalError(
        f"METEOR: nltk's {package} cannot be read ({error}). Its files must be intact and not hard links: delete the "
        f"folder and run `python -m nltk.downloader {package}` again."
    )
