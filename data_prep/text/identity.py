"""Find and mask personal identifiers: names with a title, dates of birth, and numbers of one person.

Patterns rather than a model, precise rather than broad: a name needs a title or a label, a number needs its label
or an unmistakable form. A label at the end of one turn and its value at the start of the next are found as well. What a
source has already redacted (`[**...**]` and `___` in MIMIC) is not found.
"""

import re
from typing import NamedTuple

from data_prep.text.identity_names import names
from data_prep.text.identity_numbers import TURN_END, numbers
from data_prep.text.language import arabic_share

MASKS = {
    "name": ("[NAME]", "[اسم]"),
    "birth_date": ("[DATE OF BIRTH]", "[تاريخ الميلاد]"),
    "record_number": ("[RECORD NUMBER]", "[رقم السجل]"),
    "phone": ("[PHONE]", "[هاتف]"),
    "email": ("[EMAIL]", "[بريد إلكتروني]"),
    "national_id": ("[ID NUMBER]", "[رقم الهوية]"),
}
"""The kinds of identifiers, and the mask of each in English and in Arabic text."""

_REDACTED = re.compile(rf"\[\*\*[^{TURN_END}]*?\*\*\]")


class Found(NamedTuple):
    """A kind in MASKS, and the span of the name or number itself, without its title or label."""

    kind: str
    start: int
    end: int


def find(texts: list[str]) -> list[list[Found]]:
    """The identifiers in each text of a conversation, in order, without overlaps.

    The texts are read as one, so that the label of an identifier may stand in the text before it.
    """
    read = TURN_END.join(text.replace(TURN_END, " ") for text in texts)
    if "[**" in read:
        read = _REDACTED.sub(lambda taken: "_" * len(taken[0]), read)
    every = [Found("name", *place) for place in names(read)]
    every += [Found(kind, *place) for kind, place in numbers(read)]
    every.sort(key=lambda one: (one.start, -one.end))
    kept: list[list[Found]] = []
    start = end = 0
    for text in texts:
        inside: list[Found] = []
        while every and every[0].start < start + len(text):
            found = every.pop(0)
            if found.start >= end:
                end = found.end
                inside.append(Found(found.kind, found.start - start, found.end - start))
        kept.append(inside)
        start += len(text) + 1
    return kept


def masked(texts: list[str], language: str) -> list[str]:
    """The texts of a conversation with each identifier replaced by its mask.

    A mask is in the language of the text around it; in `language`, the row's, if an identifier is all that its text
    holds.
    """
    return [_masked(text, found, language) for text, found in zip(texts, find(texts), strict=True)]


def _masked(text: str, found: list[Found], language: str) -> str:
    around = text
    for _, start, end in reversed(found):
        around = around[:start] + around[end:]
    has_letters = any(map(str.isalpha, around))
    arabic = arabic_share(text) > 0.5 if has_letters else language == "ar"
    for kind, start, end in reversed(found):
        text = text[:start] + MASKS[kind][arabic] + text[end:]
    return text
