"""A term of the glossary is used in any form of its words, and not by another word."""

import pytest

from data_prep.curate.checks import Translation, findings
from data_prep.curate.glossary import Term


def lacking(term, made):
    """What the check says of a translation into English of a text with this term."""
    subject = Translation((term.arabic,), (made,), "ar", "en", (term,))
    return [finding.detail for finding in findings(subject, ["terms"])]


@pytest.mark.parametrize(
    ("english", "made"),
    [
        ("kidney", "Renal function is normal."),
        ("heart", "The cardiac silhouette is normal."),
        ("atrium", "Left atrial dilatation."),
        ("esophagus", "The oesophageal wall is thick."),
        ("edema", "There is pulmonary oedema."),
        ("tumor", "The tumour is small."),
        ("magnetic resonance imaging", "The MRI is normal."),
    ],
)
def test_another_form_or_spelling_of_an_english_term_is_the_term(english, made):
    note = "also: MRI" if "magnetic" in english else ""
    assert lacking(Term(english, "مصطلح", note), made) == []


@pytest.mark.parametrize("english", ["kidney", "atrium", "edema", "tumor", "spleen"])
def test_another_english_word_is_not_the_term(english):
    assert lacking(Term(english, "مصطلح"), "The liver is normal.") == [f"the glossary's {english!r} is not used"]
