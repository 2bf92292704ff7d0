"""The glossary's terms are used."""

import re
from collections.abc import Iterator

from data_prep.curate.checks.grounding import one_word, same_meaning
from data_prep.curate.checks.listed import listed
from data_prep.curate.checks.subject import Translation
from data_prep.curate.compared import words
from data_prep.curate.glossary import Term
from data_prep.curate.stems import root, stem

_SMALL = frozenset(map(root, listed("of the a an and in to في من علي ل ب الي و او")))


def terms(made: Translation) -> Iterator[str]:
    """Terms of the source whose translation, or another form that the note accepts, is not in the draft."""
    if not made.terms:
        return
    said = [_american(word) for word in words("\n".join(made.made))]
    here = {root(word) for word in said} | {stem(word)[:6] for word in said}
    here |= {root(word[1:]) for word in said if len(word) > 3 and word[0] in "وفبلك"}
    for term in made.terms:
        if not any(_used(form, here, said) for form in _forms(term, made.language)):
            wanted = term.arabic if made.language == "ar" else term.english
            yield f"the glossary's {wanted!r} is not used"


def _forms(term: Term, language: str) -> list[str]:
    main = term.arabic if language == "ar" else term.english
    _, _, also = term.note.partition("also:")
    others = also.replace("،", ",").replace(";", ",").split(",")
    return [main, *(one for one in others if one.strip() and (language == "ar") == (not one.isascii()))]


def _used(form: str, here: set[str], said: list[str]) -> bool:
    named = [_american(word) for word in words(form) if root(word) not in _SMALL]
    return all(root(word) in here or _said_otherwise(word, here, said) for word in named)


def _said_otherwise(word: str, here: set[str], said: list[str]) -> bool:
    """Whether a text has another form of an English word: renal for kidney, atrial for atrium."""
    if not word.isascii():
        return False
    return same_meaning(word, here) or any(one_word(word, other) for other in said)


def _american(word: str) -> str:
    """An English word in one of its two spellings: oedema as edema, tumour as tumor."""
    return re.sub("[ao](?=e)", "", word).replace("our", "or") if word.isascii() else word
