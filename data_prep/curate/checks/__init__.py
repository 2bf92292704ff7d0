"""Checks of a made text against what it was made from, by name. A name is also the ledger's reason."""

from collections.abc import Collection, Mapping

from data_prep.curate.checks import drugs, form, grounding, negation, numbers, options, script, sides, terms
from data_prep.curate.checks.subject import OfRewriting, OfTranslation, Rewriting, Translation
from data_prep.curate.finding import Finding

__all__ = ["REWRITING", "TRANSLATION", "Rewriting", "Translation", "findings"]

TRANSLATION: Mapping[str, OfTranslation] = {
    "turns": form.turns,
    "language": script.language,
    "numbers": numbers.numbers,
    "units": numbers.units,
    "options": options.options,
    "polarity": negation.polarity,
    "negation": negation.negation,
    "sides": sides.sides,
    "drugs": drugs.drugs,
    "terms": terms.terms,
    "untranslated": script.untranslated,
    "transliterated": script.transliterated,
    "length_ratio": form.length_ratio,
    "sentences": form.sentences,
    "remarks": form.remarks,
}
REWRITING: Mapping[str, OfRewriting] = {
    "refusal": form.refusals,
    "language": script.language_of_rewriting,
    "polarity": negation.polarity_of_rewriting,
    "numbers": numbers.numbers_of_rewriting,
    "sides": sides.sides_of_rewriting,
    "answer_lost": grounding.answer_lost,
    "new_terms": grounding.new_terms,
    "leaked_caption": form.leaked_caption,
    "prompt_echo": form.prompt_echo,
    "length_ratio": form.length_of_rewriting,
    "remarks": form.remarks_of_rewriting,
}


def findings(made: Translation | Rewriting, names: Collection[str] | None = None) -> list[Finding]:
    """What the checks find, in the order of the checks; `names` are those to run, None: all."""
    if isinstance(made, Translation):
        return [
            Finding(name, detail)
            for name, check in TRANSLATION.items()
            if names is None or name in names
            for detail in dict.fromkeys(check(made))
        ]
    return [
        Finding(name, detail)
        for name, check in REWRITING.items()
        if names is None or name in names
        for detail in dict.fromkeys(check(made))
    ]
