"""Multiple choice: the lettered option that a generated answer chooses, in English and Arabic, and its accuracy.

An answer may be the letter, start with it ("ب) ..."), name it after a keyword ("The answer is B", "الإجابة: ب"), or be
an option's text. Letters are A to H; the Arabic letters أ ب ج د هـ و ز ح map to them in this order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from eval.benchmark import Metric, Metrics, groups_of, own_lines, values_of
from eval.items import Prediction, Predictions
from eval.metrics.text_match import normalise

LETTERS = "ABCDEFGH"
_ALEFS = "أاإآٱ"
ARABIC = {
    spelling: letter
    for arabic, letter in zip("أبجدهوزح", LETTERS, strict=True)
    for spelling in (_ALEFS if arabic == "أ" else arabic)
}
"""Arabic letter -> option letter."""

_ANY = f"[A-Ha-h{''.join(ARABIC)}]"
# An isolated heh is often written with tatweel, which gives it its initial shape.
_LETTER = rf"[(\[\"']*(?<!\w)(?P<letter>{_ANY})ـ?"
_END = r"(?=\s*(?:$|[)\].:,،؛;\"'\n–-]))"
_ALONE = re.compile(rf"^\W*{_LETTER}\W*$")
_AT_START = re.compile(rf"^\s*{_LETTER}\s*(?:[)\].:،]|[-–](?=\s)|\n)")
_NOT_ARABIC = "(?![\u0621-\u065f\u0670\u0671])"
# After a keyword a letter needs no punctuation: a capital, or an Arabic letter that is a word by itself.
_BARE = rf"(?:{_END}|(?<=[A-H])(?=\s)|(?<=[^A-Za-z]){_NOT_ARABIC}(?=\s))"
_LINKS = "is|the|correct|right|best|option|choice|letter|هي|هو|الصحيحة|الصحيح|الخيار|الحرف"
_LINK = rf"(?:\s+(?i:{_LINKS})\b)*\s*[:=-]?\s*"
_ANSWER = re.compile(rf"(?:\b(?i:answer)\b|(?:ال)?[إا]جابة|(?:ال)?جواب){_LINK}{_LETTER}{_BARE}")
_OPTION = re.compile(rf"(?:\b(?i:option|choice)\b|(?:ال)?خيار){_LINK}{_LETTER}{_BARE}")
# Markdown emphasis and direction marks.
_INVISIBLE = dict.fromkeys(map(ord, "*\u200e\u200f"))
_OPTION_LINE = re.compile(rf"^[ \t]*([A-H]|[{''.join(ARABIC)}]ـ?)[ \t]*[.)،:-][ \t]*(.*)$", re.MULTILINE)


def letter_of(text: str) -> str | None:
    """Return the option letter, A to H, of an Arabic or Latin letter; None for any other text."""
    letter = text.strip().removesuffix("ـ")
    return ARABIC.get(letter) or (letter.upper() if len(letter) == 1 and letter.upper() in LETTERS else None)


def chosen(answer: str, options: Mapping[str, str]) -> str | None:
    """Return the letter of the option that an answer chooses; None if it chooses none or several.

    `options` maps letters A to H to texts. The rules, in this order: the whole answer is an option's text, or a letter;
    it starts with a letter; it names one after "answer" (the last one counts) or "option" (if all agree); it contains
    the text of exactly one option.
    """
    texts = {letter: normalise(text) for letter, text in options.items()}
    normalised = normalise(answer)
    same = [letter for letter, text in texts.items() if text and text == normalised]
    letter = same[0] if same else _named(answer.translate(_INVISIBLE))
    if letter is not None:
        return letter if letter in options else None
    return _contained(normalised, texts)


def is_right(answer: str, options: Mapping[str, str], gold: str) -> bool:
    """Tell whether an answer chooses the option `gold`, or another one with the same text."""
    letter = chosen(answer, options)
    return letter is not None and (letter == gold or normalise(options[letter]) == normalise(options[gold]))


def _named(answer: str) -> str | None:
    for pattern in (_ALONE, _AT_START):
        if found := pattern.match(answer):
            return letter_of(found["letter"])
    if answers := [letter_of(found["letter"]) for found in _ANSWER.finditer(answer)]:
        return answers[-1]
    named = {letter_of(found["letter"]) for found in _OPTION.finditer(answer)}
    return named.pop() if len(named) == 1 else None


def _contained(answer: str, texts: Mapping[str, str]) -> str | None:
    """The option whose text the answer contains as whole words, and not as a part of another option's text."""
    found = {letter: text for letter, text in texts.items() if text and f" {text} " in f" {answer} "}
    longest = {
        letter: text
        for letter, text in found.items()
        if not any(text != other and f" {text} " in f" {other} " for other in found.values())
    }
    return next(iter(longest)) if len(set(longest.values())) == 1 else None


def split_options(text: str) -> tuple[str, dict[str, str]]:
    """Return a question's stem and its options by letter, as A to H, from one text with an option a line.

    Options run from the last line that has the first letter, A or alef, to the end; a line without a letter belongs to
    the option before it. Without such a line there are none, and the stem is the whole text.
    """
    found = list(_OPTION_LINE.finditer(text))
    letters = [ARABIC.get(match[1][0], match[1]) for match in found]
    if "A" not in letters:
        return text.strip(), {}
    first = len(letters) - 1 - letters[::-1].index("A")
    ends = [match.start() for match in found[first + 1 :]] + [len(text)]
    options: dict[str, str] = {}
    for letter, match, end in zip(letters[first:], found[first:], ends, strict=True):
        options.setdefault(letter, text[match.start(2) : end].strip())
    return text[: found[first].start()].strip(), options


def lettered(question: str, options: Mapping[str, str]) -> str:
    """Return a question with one lettered option a line below it."""
    return "\n".join([question, *(f"{letter}. {text}" for letter, text in options.items())])


def choice_facts(options: Mapping[str, str], right: str) -> dict[str, object]:
    """The facts of an item that `accuracy` reads: its options by letter, and the letter of the right one."""
    return {"options": dict(options), "right": right}


def facts_of_text(question: str, gold: str) -> dict[str, object]:
    """The facts of a question with its options in its text, whose reference begins with the right one's letter.

    Raises:
        ValueError: the reference names none of the options.
    """
    _, options = split_options(question)
    right = ARABIC.get(gold[:1], gold[:1])
    if right not in options:
        raise ValueError("the choices cannot be told apart")
    return choice_facts(options, right)


def accuracy(predictions: Predictions, root: Path) -> Metrics:
    """Score a predictions file without subgroups."""
    return accuracy_by(predictions, ())


def accuracy_by(predictions: Predictions, by: Sequence[str]) -> Metrics:
    """Score a predictions file. An answer that chooses no option, or several, is wrong; the note of {} counts them."""
    answered = [line for line in own_lines(predictions.lines) if not line.error]
    lost = sum(chosen(line.output, line.facts["options"]) is None for line in answered)
    note = f"{lost} of {len(answered)} answers choose no option; they count as wrong." if lost else ""
    groups = [group if group.subgroup else replace(group, note=note) for group in groups_of(predictions, by)]
    return {name: Metric(values, groups) for name, values in values_of(predictions.lines, _accuracy).items()}


def _accuracy(line: Prediction) -> Mapping[str, float]:
    return {"accuracy": is_right(line.output, line.facts["options"], line.facts["right"])}
