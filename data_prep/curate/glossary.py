"""A glossary of medical terms: a TSV file with the columns english, arabic and, where there are notes, note."""

import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from data_prep.curate.stems import stem, stems, without_prefix
from data_prep.text.normalise import words

COLUMNS = ["english", "arabic", "note"]
_SHORT_STEM = 3
_SHOWN = 20
"""Errors that are told; a large file may have thousands."""


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
        """Read a TSV file with one header line, in capitals or not, as a spreadsheet writes it.

        Raises GlossaryError, and OSError if it cannot be read.
        """
        data = Path(path).read_bytes()
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise GlossaryError(f"{path}: byte {error.start} is not UTF-8; save it as UTF-8") from None
        lines = [_cells(line) for line in io.StringIO(text, newline=None)]
        if not lines or [cell.lower() for cell in lines[0]] not in (COLUMNS, COLUMNS[:2]):
            raise GlossaryError(f"{path}, line 1: the columns must be {', '.join(COLUMNS)}, separated by tabs")
        terms, found = _terms(path, lines)
        if found:
            more = [f"{path}: and {len(found) - _SHOWN} more errors"] if len(found) > _SHOWN else []
            raise GlossaryError("\n".join([*found[:_SHOWN], *more]))
        return cls(terms, hashlib.sha256(data).hexdigest())

    def occurring(self, text: str, language: str) -> list[Term]:
        """The terms that occur in a text of the language ("en" or "ar"), in the order of their first places.

        A term that stands only inside a longer one, such as bone in femur's Arabic name, is not one of them.
        """
        said = words(text)
        here = [stem(word) for word in said]
        known, lengths = self._terms[language], self._lengths[language]
        found: dict[Term, None] = {}
        until = 0
        for start, word in enumerate(here):
            for length in sorted(lengths.get(word, ()), reverse=True):
                end = start + length
                term = known.get(tuple(here[start:end])) if end > until else None
                if term is not None and (language == "en" or _agree(said[start:end], words(term.arabic))):
                    found.setdefault(term)
                    until = end
                    break
        return list(found)


def _agree(said: list[str], term: list[str]) -> bool:
    """Whether Arabic words of equal stems are forms of one: of short stems, the word for if has that of atrium."""
    pairs = zip(said, term, strict=True)
    return all(_beginning(one) == _beginning(other) for one, other in pairs if len(stem(one)) < _SHORT_STEM)


def _beginning(word: str) -> str:
    bare = without_prefix(word)
    return (f"{bare[:-1]}ت" if bare.endswith("ه") else bare)[:_SHORT_STEM]


def _cells(line: str) -> list[str]:
    """The cells of a line without the quotation marks that spreadsheets put around some."""
    cells = (cell.strip() for cell in line.removesuffix("\n").split("\t"))
    quoted = len('""')
    return [
        cell[1:-1].replace('""', '"').strip() if len(cell) >= quoted and cell[0] == cell[-1] == '"' else cell
        for cell in cells
    ]


def _terms(path: Path, lines: list[list[str]]) -> tuple[list[Term], list[str]]:
    terms: list[Term] = []
    first: dict[str, int] = {}
    found: list[str] = []
    for number, cells in enumerate(lines[1:], start=2):
        where = f"{path}, line {number}"
        if not any(cells):
            continue
        if len(cells) not in (2, 3):
            found.append(f"{where}: {len(cells)} columns instead of {len(COLUMNS)}")
            continue
        english, arabic, note = (*cells, "")[:3]
        if not english or not arabic:
            found.append(f"{where}: the {'arabic' if english else 'english'} term is empty")
        elif wordless := [cell for cell in (english, arabic) if not any(map(str.isalnum, cell))]:
            found.append(f"{where}: {wordless[0]!r} holds no word")
        elif english.casefold() in first:
            found.append(f"{where}: {english!r} stands in line {first[english.casefold()]} already; keep one")
        else:
            first[english.casefold()] = number
            terms.append(Term(english, arabic, note))
    return terms, found
