"""The glossary's terms are used."""

from collections.abc import Iterator

from data_prep.curate.checks.listed import listed
from data_prep.curate.checks.subject import Translation
from data_prep.curate.compared import words
from data_prep.curate.glossary import Term
from data_prep.curate.stems import root, roots, stem

_SMALL = frozenset(map(root, listed("of the a an and in to في من علي ل ب الي و او")))


def terms(made: Translation) -> Iterator[str]:
    """Terms of the source whose translation, or another form that the note accepts, is not in the draft."""
    text = "\n".join(made.made)
    here = roots(text) | {stem(word)[:6] for word in words(text)}
    bare = {root(word[1:]) for word in words(text) if len(word) > 3 and word[0] in "وفبلك"}
    for term in made.terms:
        if not any(_used(form, here | bare) for form in _forms(term, made.language)):
            wanted = term.arabic if made.language == "ar" else term.english
            yield f"the glossary's {wanted!r} is not used"


def _forms(term: Term, language: str) -> list[str]:
    main = term.arabic if language == "ar" else term.english
    _, _, also = term.note.partition("also:")
    others = also.replace("،", ",").replace(";", ",").split(",")
    return [main, *(one for one in others if one.strip() and (language == "ar") == (not one.isascii()))]


def _used(form: str, here: set[str]) -> bool:
    return all(root(word) in here for word in words(form) if root(word) not in _SMALL)
