"""The option that a model's answer chooses, read clause by clause, in English and Arabic.

Where an answer is boxed, tagged or a JSON object, that alone is read. Else an echo of the options is taken off, and
every clause that names an option, by letter or by text, is weighed: a final answer over a conclusion or a correction,
an answer over a bare letter, this over an option's text. An option that is denied ("B is wrong", "not B, but A") is not
chosen. What is said with most weight has to name one option: of two, or of an option that does not exist, none is
chosen, since a wrong letter is worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from eval.metrics.choice_cues import (
    ALIKE,
    ALSO,
    ARABIC_IS,
    ASKS,
    CONCLUDES,
    DENIES,
    FINAL,
    FORBIDS,
    IS,
    LEADS,
    LIKELY,
    LINK,
    REASON,
    RESETS,
    RIGHT,
    words,
)
from eval.metrics.choice_text import LETTER, MARK, clauses_of, marked, marked_letter, readable, without_echo
from eval.metrics.option_letters import letter_of
from eval.metrics.reasoning import without_reasoning
from eval.metrics.text_match import normalise


def chosen(answer: str, options: Mapping[str, str]) -> str | None:
    """Return the letter of the option that an answer chooses; None if it chooses none or several.

    `options` maps letters A to J to texts. Reasoning blocks are not read.
    """
    text = without_reasoning(answer)
    plain = normalise(text)
    same = [letter for letter, option in options.items() if plain and normalise(option) == plain]
    if same and letter_of(plain) not in options:  # of options that are letters, the option's own letter is meant
        return same[0]
    structured = {_read(content, options) for content in _structured(text)}
    if structured:
        return structured.pop() if len(structured) == 1 else None
    return _read(text, options)


_KEY = "(?:final_?)?(?:answer|choice|option|letter)(?:_letter|_choice)?|الإجابة|الاجابة|الجواب|الخيار|الاختيار"
_STRUCTURED = (
    re.compile(r"\\boxed\s*\{(?P<content>(?:[^{}]|\{[^{}]*\})*)\}"),
    re.compile(r"<(?P<tag>answer|final_answer|choice)>(?P<content>.*?)</(?P=tag)>", re.DOTALL | re.IGNORECASE),
    re.compile(rf"[\"'](?:{_KEY})[\"']\s*:\s*\[?\s*(?P<content>\"(?:[^\"\\]|\\.)*\"|'[^']*'|[\w.]+)", re.IGNORECASE),
)


def _structured(text: str) -> list[str]:
    """What stands in \\boxed{}, in <answer> or under "answer" in JSON: in the first of these forms that is used."""
    for pattern in _STRUCTURED:
        if found := [match["content"] for match in pattern.finditer(text)]:
            return found
    return []


class _Weight(IntEnum):
    """How plainly a clause names an option."""

    REASON = 0
    TEXT = 1
    LIKELY = 2
    BARE = 3
    ANSWER = 4


@dataclass(frozen=True)
class _Named:
    """An option that a clause names. `turn`: 2 in a final answer, 1 in a conclusion or a correction, else 0."""

    letter: str
    weight: _Weight
    turn: int
    clause: int
    forbidden: bool = False


@dataclass(frozen=True)
class _Heading:
    """What a clause that names no option says of the next one ("Final answer:", "Wait,", "Wrong options:")."""

    asks: bool = False
    turn: int = 0
    denies: bool = False


def _read(text: str, options: Mapping[str, str]) -> str | None:
    text = without_echo(marked(readable(text), options), options)
    named = list(_all_named(text, options))
    allowed = [each for each in named if not each.forbidden]
    named = allowed or named
    best = max(((each.weight, each.turn) for each in named), default=None)
    letters = {each.letter for each in named if (each.weight, each.turn) == best}
    if best and not best[1]:
        # An answer that differs from the letter with which the text begins is no clear one.
        letters |= {each.letter for each in named if each.clause == 0 and each.weight >= _Weight.BARE}
    if len(letters) != 1 or _contradicted(text):
        return None
    letter = letters.pop()
    return letter if letter in options else None


def _all_named(text: str, options: Mapping[str, str]) -> Iterator[_Named]:
    """The options that are named and not denied, in order."""
    heading = _Heading()
    denied = False
    for place, clause in enumerate(clauses_of(text)):
        if re.search(RESETS, clause):
            heading = _Heading(heading.asks, heading.turn)
        turn = max(heading.turn, 2 if re.search(FINAL, clause) else 1 if re.search(CONCLUDES, clause) else 0)
        denied = heading.denies or bool(re.search(DENIES, clause)) or (denied and bool(re.search(ALIKE, clause)))
        found = list(_named(clause, asked=heading.asks, options=options))
        if found and not denied:
            forbidden = bool(re.search(FORBIDS, clause))
            yield from (_Named(letter, weight, turn, place, forbidden) for letter, weight in found)
        asks = bool(re.search(ASKS, clause))
        short = not found and len(clause.split()) <= 8
        heading = _Heading(asks or heading.asks, turn, denied and asks) if short else _Heading()


_AND = (
    r"(?>(?:(?!\n)\W){1,4}(?:(?<!\w)(?:and|or|nor|vs|و|او)(?!\w)\W{1,4})?"
    r"(?:(?<!\w)(?:maybe|perhaps|possibly|ربما)(?!\w)\W{1,4})?)"
)
_LETTERS = rf"(?P<letters>{LETTER}(?:{_AND}{LETTER}){{0,9}})"
_ALONE = re.compile(rf"^\W*(?:{ALSO}\W+){{0,4}}{_LETTERS}\W*$")
_BEHIND = re.compile(rf"{LEADS}(?:\W{{1,4}}{LINK}){{0,9}}\W+{_LETTERS}")
_AT_END = re.compile(rf"{words('is|would be|should be|be')}(?:\W{{1,4}}{LINK}){{0,9}}\W+{_LETTERS}\W*$")
_IS_RIGHT = rf"(?:{IS}(?:\W{{1,4}}{LINK}){{0,9}}\W+|(?:{ARABIC_IS}\W+){{0,3}}(?=[\u0620-\u064a])){RIGHT}"
_BEFORE = re.compile(rf"(?:^\W*|(?:{ALSO}|{LINK}|{words('of|between', 'من|كل|كلا')})\W+){_LETTERS}\W+{_IS_RIGHT}")
_GOES_ON = re.compile(rf"\s*(?:$|[^\w\s]|{MARK}|(?:because|since|as|given|due|for|is|are|and|or|with|which)\b)")


def _named(clause: str, *, asked: bool, options: Mapping[str, str]) -> Iterator[tuple[str, _Weight]]:
    """The options that a clause names: by letters where it does so, else by their texts."""
    letters = _letters(clause, asked=asked, options=options)
    if letters:
        yield from letters
        return
    marks = [(found.start(), marked_letter(found[0])) for found in re.finditer(MARK, clause)]
    if REASON.match(clause):
        weight = _Weight.REASON
    elif asked or (marks and re.search(ASKS, clause[: marks[0][0]])):
        weight = _Weight.ANSWER
    elif not re.sub(rf"{MARK}|\W", "", clause):
        weight = _Weight.BARE
    else:
        weight = _Weight.LIKELY if re.search(LIKELY, clause) else _Weight.TEXT
    yield from ((letter, weight) for _, letter in marks)


def _letters(clause: str, *, asked: bool, options: Mapping[str, str]) -> list[tuple[str, _Weight]]:
    if found := _ALONE.match(clause):
        weight = _Weight.ANSWER if asked or re.search(CONCLUDES, clause) else _Weight.BARE
        matches = [found]
    else:
        weight = _Weight.REASON if REASON.match(clause) else _Weight.ANSWER
        matches = [*_BEHIND.finditer(clause), *_AT_END.finditer(clause), *_BEFORE.finditer(clause)]
    named = []
    for match in matches:
        for found_letter in re.finditer(LETTER, match["letters"]):
            rest = clause[match.start("letters") + found_letter.end() :]
            letter = letter_of(found_letter[0])
            if letter and _is_letter(found_letter[0], rest) and (letter != "I" or "I" in options):
                named.append((letter, weight))
    return named


def _is_letter(word: str, rest: str) -> bool:
    """Tell a letter from an article or a pronoun, by what follows it in its clause."""
    if word in "AI":
        return bool(_GOES_ON.match(rest))
    return not word.islower() or not word.isascii() or not rest.strip()


_LETTER_AND_TEXT = re.compile(
    rf"(?P<letter>{LETTER})(?P<between>[ \t]*[.:)\]\-;]*[ \t]*)(?P<mark>{MARK})\s*(?:$|[\n.;])"
    rf"|(?P<mark_before>{MARK})[ \t]*(?P<letter_behind>{LETTER})\s*(?:$|[\n.,;])"
)


def _contradicted(text: str) -> bool:
    """Whether a letter stands before or behind the whole text of another option."""
    for found in _LETTER_AND_TEXT.finditer(text):
        letter, mark = found["letter"] or found["letter_behind"], found["mark"] or found["mark_before"]
        article = bool(found["letter"]) and not found["between"].strip() and letter in "AaI"
        if not article and letter_of(letter) != marked_letter(mark):
            return True
    return False
