"""A glossary of medical terms: a TSV file with the columns english, arabic and note."""

import csv
import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from data_prep.curate.stems import stems

COLUMNS = ["english", "arabic", "note"]


class GlossaryError(ValueError):
    """What is wrong with a glossary, one line for each error, with file and line."""


@dataclass(frozen=True)
class Term:
    """One term in both languages; `note` may name other accepted forms after "also:"."""

    english: str
    arabic: str
    note: str = ""


class Glossary:
    """Terms, found in a text by their first words and lengths, at a cost that does not grow with their number."""

    def __init__(self, terms: Iterable[Term], sha256: str = "") -> None:
        self.sha256 = sha256
        self._terms: dict[str, dict[tuple[str, ...], Term]] = {"en": {}, "ar": {}}
        self._lengths: dict[str, dict[str, set[int]]] = {"en": {}, "ar": {}}
        for term in terms:
            for language, text in (("en", term.english), ("ar", term.arabic)):
                key = tuple(stems(text))
                if key:
                    self._terms[language].setdefault(key, term)
                    self._lengths[language].setdefault(key[0], set()).add(len(key))

    @classmethod
    def read(cls, path: Path) -> "Glossary":
        """Read a TSV file with one header line. Raises GlossaryError, and OSError if it cannot be read."""
        data = Path(path).read_bytes()
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise GlossaryError(f"{path}: byte {error.start} is not UTF-8; save it as UTF-8") from None
        lines = list(csv.reader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE))
        if not lines or lines[0] != COLUMNS:
            raise GlossaryError(f"{path}, line 1: the columns must be {', '.join(COLUMNS)}, separated by tabs")
        terms, found = _terms(path, lines)
        if found:
            raise GlossaryError("\n".join(found))
        return cls(terms, hashlib.sha256(data).hexdigest())

    def occurring(self, text: str, language: str) -> list[Term]:
        """The terms that occur in a text of the language ("en" or "ar"), in the order of their first places."""
        words = stems(text)
        known, lengths = self._terms[language], self._lengths[language]
        found: dict[Term, None] = {}
        for start, word in enumerate(words):
            for length in sorted(lengths.get(word, ()), reverse=True):
                term = known.get(tuple(words[start : start + length]))
                if term is not None:
                    found.setdefault(term)
        return list(found)


def _terms(path: Path, lines: list[list[str]]) -> tuple[list[Term], list[str]]:
    terms: list[Term] = []
    first: dict[str, int] = {}
    found: list[str] = []
    for number, cells in enumerate(lines[1:], start=2):
        where = f"{path}, line {number}"
        if not cells:
            continue
        if len(cells) not in (2, 3):
            found.append(f"{where}: {len(cells)} columns instead of {len(COLUMNS)}")
            continue
        english, arabic, note = (cell.strip() for cell in (*cells, "")[:3])
        if not english or not arabic:
            found.append(f"{where}: the {'arabic' if english else 'english'} term is empty")
        elif english.casefold() in first:
            found.append(f"{where}: {english!r} stands in line {first[english.casefold()]} already; keep one")
        else:
            first[english.casefold()] = number
            terms.append(Term(english, arabic, note))
    return terms, found
