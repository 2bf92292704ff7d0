"""Negations are kept, and yes stays yes."""

import re
from collections.abc import Iterator

from data_prep.curate.checks.negation_words import NOT_EXCEEDED, NOT_EXCLUDED, Negations, negations, once, without
from data_prep.curate.checks.opposites import NOT, NOTHING_WRONG, SOUND, opposites, otherwise, sound_instead
from data_prep.curate.checks.pathology import contradictions
from data_prep.curate.checks.subject import Rewriting, Translation
from data_prep.curate.compared import normalised
from data_prep.curate.stems import roots

_DENIED_VERBS = (
    (
        "excludes what the source does not exclude",
        NOT_EXCLUDED,
        re.compile(r"\b(?:excluded?|ruled? out|(?:ال|و)?استبعاد\w*|(?:ا|ت|ي)ستبعد\w*|[يت]نفي)\b"),
    ),
    (
        "allows to exceed what the source does not",
        NOT_EXCEEDED,
        re.compile(r"\b(?:exceed(?:s|ed|ing)?|[يت]تجاوزو?ا?|[يت]تعدي|[يت]تخطي)\b"),
    ),
)
"""Verbs whose negation other words may say, but not the verb alone: what then is wrong, and patterns of both."""
_WITH = re.compile(r"\b(?:with|has|have|had|having|plus|مع|به|بها|مصحوب\w*|[وب]\w{3,})\b")
"""What a "without" may have turned into its opposite; else it is a phrase such as "without delay"."""
_THERE_IS = re.compile(r"\W*(?:there (?:is|are)|يوجد|توجد|هناك)\b", re.I)
_ABNORMAL = re.compile(r"\babnormal\w*", re.I)
_ZERO = frozenset(("0", "٠", "zero", "Zero", "صفر"))
_COMMON = roots("is are there a an the in on of this that image any seen show هل يوجد توجد في الصوره هذه هناك")
_SENTENCE = re.compile(r"(?<![0-9.])[.!?؟\n]+(?=\s|$)|\n")
_NOT_SOUND = re.compile(rf"\b(?:not|no longer|isn t|aren t|غير|ليس\w*|لا|لم) (?:\w+ ){{0,2}}?(?:{SOUND.pattern})")
_FIRST = re.compile(
    r"^\W*(?:(?P<yes>yes|yeah|نعم|[اأ]جل|بلى|بلي)|(?P<no>no|لا|كلا))(?P<alone>\s*(?:[,.،;:!؛—–-]|$))?(?!\w)", re.I
)
_AFFIRMS = re.compile(
    r"(?:correct|right|sure|certainly|of course|absolutely|definitely|exactly|indeed|true|yep|yup|that s right"
    r"|صحيح|بالتاكيد|بالطبع|طبعا|بلا شك|تماما|بالفعل|اكيد)\b"
)
"""Beginnings of a normalised text that say yes."""
_YES_LAST = re.compile(r"\byes\W*$|(?<!\w)نعم\W*$", re.I)
_FEW = 3
"""Words of a reply that is yes or no and little else."""
_NOT_ENGLISH = re.compile("[\u0620-\u064a]")


def first_word(text: str) -> str:
    """ "yes" or "no" if a text begins with it, "" otherwise."""
    found = _FIRST.match(text)
    return str(found.lastgroup if found.lastgroup != "alone" else "yes" if found["yes"] else "no") if found else ""


def _alone(text: str) -> str:
    found = _FIRST.match(text)
    return first_word(text) if found and found["alone"] is not None else ""


def negated(text: str, language: str) -> Negations:
    """The negations of a text that is not normalised."""
    return negations(normalised(text), language)


def language_in(text: str) -> str:
    """The language whose negations a text has, by its script."""
    return "ar" if _NOT_ENGLISH.search(text) else "en"


def polarity(made: Translation) -> Iterator[str]:
    """Yes that became no, a yes or no that is lost, and words that became their opposites."""
    for number, source, text in made.turns():
        wanted, found = _alone(source), first_word(text)
        if wanted and found and wanted != found:
            yield f"turn {number} says {found} instead of {wanted}"
        elif wanted and not found:
            negative = any(negated(text, made.language))
            short = len(source.split()) < _FEW and (wanted == "yes" or not negative)
            if short or ((wanted == "no") != negative and (wanted == "no" or negated(text, made.language).strong)):
                yield f"turn {number} does not say {wanted}"
        elif not wanted and (given := _alone(text)) and not first_word(source) and not _answers(given, source, made):
            yield f"turn {number} says {given}, the source does not"
        for opposite in opposites(source, text, made.source_language, made.language):
            yield f"turn {number} {opposite}"


def _answers(given: str, source: str, made: Translation) -> bool:
    """Whether a text without yes or no says it in other words."""
    if given == "no":
        return any(negated(source, made.source_language))
    return bool(_AFFIRMS.match(normalised(source)) or _YES_LAST.search(source))


def negation(made: Translation) -> Iterator[str]:
    """A turn, or a sentence of it, that loses or gains its negation."""
    for number, source, text in made.turns():
        parts = _sentences(source), _sentences(text)
        if len(parts[0]) != len(parts[1]):
            parts = [source], [text]
        lost = gained = 0
        for one, other in zip(*parts, strict=True):
            for meant, denied, said in _DENIED_VERBS:
                if denied.search(normalised(one)) and _affirmed(other, denied, said):
                    yield f"turn {number} {meant}"
            change = _change(_without_answer(one), _without_answer(other), made)
            if bool(_alone(one)) != bool(_alone(other)):  # "None at all" may be "No, not at all"
                change = change and _change(one, other, made)
            lost, gained = lost + (change < 0), gained + (change > 0)
        strong, kept = negated(source, made.source_language).strong, sum(negated(text, made.language))
        if lost > gained and not (lost == 1 and len(parts[0]) > 1 and kept >= max(strong, 1)):
            yield f"turn {number} has lost a negation"
        elif gained > lost:
            yield f"turn {number} has a negation that the source has not"


def _without_answer(text: str) -> str:
    return _FIRST.sub("", text) if _alone(text) else text


def _change(source: str, text: str, made: Translation) -> int:
    """-1 for a negation that is lost, 1 for one that is added, 0 for neither."""
    one, other = normalised(source), normalised(text)
    if sound_instead(one, other):
        one = NOTHING_WRONG.sub(" ", one)
    elif sound_instead(other, one):
        other = NOTHING_WRONG.sub(" ", other)
    wanted, found = negations(one, made.source_language), negations(other, made.language)
    if once(one, wanted.strong) > sum(found) or (wanted.lexical and not sum(found)):
        return -1
    said = found.strong - (0 if _WITH.search(one) else without(other))
    if said > 0 and not sum(wanted):
        return 1
    return int(once(other, found.strong) > sum(wanted) + (wanted.weak + wanted.lexical > 0))


def _affirmed(text: str, denied: re.Pattern[str], said: re.Pattern[str]) -> bool:
    compared = normalised(text)
    return bool(said.search(compared)) and not denied.search(compared)


def _sentences(text: str) -> list[str]:
    return [part for part in _SENTENCE.split(text) if part.strip()]


def polarity_of_rewriting(made: Rewriting) -> Iterator[str]:
    """A full answer that denies what the short one says, or statements against the caption."""
    if made.conversation:
        yield from contradictions(made)
        return
    text = made.made[0] if made.made else ""
    wanted = first_word(made.answer) if _alone(made.answer) else ""
    if wanted:
        yield from _against(wanted, text, made.question)
    else:
        yield from _denied(made, text)
    for opposite in opposites(made.answer, text, language_in(made.answer), language_in(text)):
        yield f"the draft {opposite}"


def _against(wanted: str, text: str, question: str) -> Iterator[str]:
    """What a draft says against an answer of yes or no."""
    found = first_word(text)
    if found and wanted != found and (_alone(text) or wanted != "no"):
        yield f"the answer is {wanted}, and the draft says {found}"
        return
    language = language_in(text)
    clause = negated(_first_clause(text), language)
    if any(negated(question, language_in(question))) or _other_sound(question, text):
        return
    if wanted == "yes" and (clause.denying or (not found and _denies_again(text, question))):
        yield "the answer is yes, and the draft denies"
    sound = SOUND.search(normalised(text)) and not SOUND.search(normalised(question))
    denied = sound or any(negated(_first_sentence(text), language))
    other = any(opposites(question, text, language_in(question), language)) or otherwise(question, text)
    if wanted == "yes" and other and not found and not clause.denying:
        yield "the answer is yes, and the draft says the opposite of the question"
    if wanted == "no" and not found and not denied and not other:
        yield "the answer is no, and nothing in the draft denies"
    elif wanted == "no" and found and not any(clause) and _affirms(text, question):
        yield "the draft says no and then that it is so"


def _denied(made: Rewriting, text: str) -> Iterator[str]:
    """A negation of an answer that is neither yes nor no, lost or added."""
    denies = negated(made.answer, language_in(made.answer))
    none = made.answer.strip() in _ZERO
    said = _ABNORMAL.sub(" ", text) if _ABNORMAL.search(made.answer) else text
    if (denies.strong or none) and not any(negated(said, language_in(text))) and not SOUND.search(normalised(said)):
        yield "the answer's negation is lost"
        return
    asked = made.caption or any(negated(made.question, language_in(made.question)))
    if SOUND.search(normalised(made.answer)) and not _NOT_SOUND.search(normalised(text)):
        return
    if not any(denies) and not none and not asked and negated(_first_clause(text), language_in(text)).denying:
        yield "the draft denies what the answer says"


def _other_sound(question: str, text: str) -> bool:
    sound = SOUND.search(normalised(question))
    return sound is not None and sound[0] not in normalised(text).split()


def _affirms(text: str, question: str) -> bool:
    """Whether a text says after its no that what was asked is so."""
    clause = _first_clause(text)
    said, asked = roots(clause), roots(question)
    return (len(said) > 2 and said <= asked) or bool(_THERE_IS.match(clause) and said & asked - _COMMON)


def _denies_again(text: str, question: str) -> bool:
    """Whether a negation of the first sentence stands before a word of the question."""
    asked = roots(question) - _COMMON
    compared = normalised(_first_sentence(text))
    return any(roots(" ".join(compared[found.end() :].split()[:2])) & asked for found in NOT.finditer(compared))


def _first_sentence(text: str) -> str:
    return (_sentences(text) or [""])[0]


def _first_clause(text: str) -> str:
    bare = _FIRST.sub("", text) if _alone(text) else text
    return re.split(r"[,.;،؛]|\b(?:but|although|and)\b", bare, maxsplit=1)[0]
