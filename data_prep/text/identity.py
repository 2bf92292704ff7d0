"""Find and mask personal identifiers: names with a title, dates of birth, and numbers of one person.

Patterns rather than a model, precise rather than broad: a name needs a title or a label, a number needs its label
or an unmistakable form. What a source has already redacted (`[**...**]` and `___` in MIMIC) is not found.
"""

import re
from typing import NamedTuple

from data_prep.text.identity_names import names
from data_prep.text.identity_numbers import numbers
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

_REDACTED = re.compile(r"\[\*\*.*?\*\*\]", re.DOTALL)


class Found(NamedTuple):
    """A kind in MASKS, and the span of the name or number itself, without its title or label."""

    kind: str
    start: int
    end: int


def find(text: str) -> list[Found]:
    """The identifiers in the text, in order, without overlaps."""
    read = _REDACTED.sub(lambda taken: "_" * len(taken[0]), text) if "[**" in text else text
    every = [Found("name", *place) for place in names(read)]
    every += [Found(kind, *place) for kind, place in numbers(read)]
    kept: list[Found] = []
    for found in sorted(every, key=lambda one: (one.start, -one.end)):
        if not kept or found.start >= kept[-1].end:
            kept.append(found)
    return kept


def masked(text: str) -> str:
    """The text with each identifier replaced by its mask, in the text's language."""
    found = find(text)
    arabic = bool(found) and arabic_share(text) > 0.5
    for kind, start, end in reversed(found):
        text = text[:start] + MASKS[kind][arabic] + text[end:]
    return text
