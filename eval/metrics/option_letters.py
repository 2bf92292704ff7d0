"""The letters of options, Latin A to J and Arabic أ to ي, and questions with a lettered option a line."""

from __future__ import annotations

import re
from collections.abc import Mapping

LETTERS = "ABCDEFGHIJ"
_ALEFS = "أاإآٱ"
ARABIC = {
    spelling: letter
    for arabic, letter in zip("أبجدهوزحطي", LETTERS, strict=True)
    for spelling in (_ALEFS if arabic == "أ" else arabic)
}
"""Arabic letter -> option letter, in the order of the abjad, as Arabic examinations number options."""
ASK_FOR_LETTER = {
    "en": "Answer with the letter of the right option alone.",
    "ar": "اختر الإجابة الصحيحة، واكتب حرفها فقط.",
}
"""What stands below a question with options, by its language."""
_OPTION_LINE = re.compile(rf"^[ \t]*([A-J]|[{''.join(ARABIC)}]ـ?)[ \t]*[.)،:-][ \t]*(.*)$", re.MULTILINE)


def letter_of(text: str) -> str | None:
    """Return the option letter, A to J, of an Arabic or Latin letter; None for any other text."""
    letter = text.strip().removesuffix("ـ")
    return ARABIC.get(letter) or (letter.upper() if len(letter) == 1 and letter.upper() in LETTERS else None)


def split_options(text: str) -> tuple[str, dict[str, str]]:
    """Return a question's stem and its options by letter, as A to J, from one text with an option a line.

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
