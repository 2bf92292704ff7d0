"""Left and right are those of the source."""

import re
from collections.abc import Iterator

from data_prep.curate.checks.organs import same_organs, side_of
from data_prep.curate.checks.subject import Rewriting, Translation
from data_prep.curate.compared import normalised

_NOUN = r"(?<!the )(?<!and )(?<!or )(?<!to )(?<!upper )(?<!lower )(?<!middle )"
"""Not after words that make a noun of a side, as in "on the left with a shift"."""
_ORGAN = (
    r"(?! (?:sided|lateral|lung|lobe|upper|lower|middle|side|kidney|atri|ventric|arm|leg|hip|knee|hemi|ear|eye"
    r"|breast|hand"
    r"|foot))"
)
_NO_SIDE = re.compile(
    r"\b(?:right (?:away|now|answer|choice|option|diagnosis|angled?|place|track|thing|time|dose|after"
    r"|before|to (?:an?|refuse|know|privacy|access))"
    rf"|{_NOUN}right (?:up|through|down|back|behind|next|at|in front|under|across|into|where|when|there|here|until)"
    r"|(?:get|gets|got|getting|do|doing) (?:it|this|that|things|the \w+) right"
    rf"|(?:all|that s|is that|that is|quite|you are|you re) right{_ORGAN}"
    rf"|(?:has|have|had|was|were|is|are|been|be|if|being|when|who|he|she|they|patient|i|we) left{_ORGAN}"
    r"|(?:days|weeks|hours|months|nothing|anything|what is|what s) left"
    rf"|left (?:him|her|me|us|you|them|it)"
    rf"|{_NOUN}left (?:untreated|over|behind|out|the|alone|unattended|to(?! right)|with|hospital|home"
    rf"|school))\b"
)
_CLAUSE = re.compile(r"[.,;:،؛](?=\s)|\n|\b(?:while|whereas|but)\b|(?<!\w)(?:بينما|أما|لكن|في حين)(?!\w)")
_TAG = re.compile(r", right\?|^\W*كلا(?=\s*[،,.!؛:—–-]|\s*$)", re.I)
"""A question tag, and an Arabic no that is also "both"."""
_SIDE = re.compile(
    r"\b(?:(?P<left>left\w*)|(?P<right>right(?!s\b)\w*)|(?P<both>bilateral\w*|both (?=side|lung|kidney|eye|ear|breast"
    r"|leg|arm|hand|feet|foot|knee|hip|ovar|lobe|hemi|(?:upper|lower) (?:lung|lobe|limb|eye|leg|arm|extrem|zone|pole)"
    r"|pleur|pulm|orbit|adren|thal|maxill|costo)\w+))"
    r"|\b(?:[وفبل]{0,2}(?:ال|ل)?)(?:(?P<left_ar>يسار\w?|اعسر|عسرا|ايسر\w{0,2}|يسري\w{0,2}|يسراوي\w*)"
    r"|(?P<right_ar>يمين\w?"
    r"|ايمن\w{0,2}|يمني\w{0,2}|يمناوي\w*)"
    r"|(?P<both_ar>ثنايي\w{0,2} الجانب|(?:علي )?كلا الجانبين|كلتا الجهتين|جانبين|جهتين|ناحيتين"
    r"|(?<!ال)(?:كلا|كلتا|كلي|كلتي)(?= ال)))\b"
)
_TWO = re.compile(r"\b(?:\w+(?:ين|ان|تي|تا)|[وفبل]?(?:جانبي|جهتي|طرفي)|both|two|each|either|bilateral\w*)\b")
_ABBREVIATED = re.compile(r"\b(R|L)(?:UQ|LQ|UL|LL|ML|V[A-Z]{0,2}|A[A-Z]?|[CMI]?CA|CX|BBB|LE|UE|T|t)?\b|\bO(D|S)\b")
_IMPLIED = (("right", re.compile(r"\bdextro[cpsvr]", re.I)), ("left", re.compile(r"\bla?evo[cpsvr]", re.I)))
"""Prefixes that say a side, as in dextrocardia."""
_OTHER_SENSES = {
    "right": re.compile(
        r"\b[وفبلك]{0,2}(?:ال|ل)?(?:صحيح\w{0,3}|صواب|صايب\w?|[يت]?حق|حقوق\w{0,3}|حق(?:ه\w?|ك|كم|ي)|محق\w{0,2}|مصيب\w?"
        r"|اصاب\w?|مناسب\w?"
        r"|ملايم\w?|فورا?|حالا?|مباشره|تماما|امام)\b|\bالان\b"
    ),
    "left": re.compile(
        r"\b[وف]?(?:ال)?(?:[يت]?تبق\w{0,2}|[يت]?بقي\w?|[يت]بق[يى]?|باقي\w{0,2}|متبقي?\w{0,2}|[يت]?ترك\w{0,4}"
        r"|متروك\w?|[يت]?غادر\w{0,3}"
        r"|مغادر\w{0,3}|مخلف\w{0,2}|خرج\w?|رحل\w?)\b"
    ),
}
"""Arabic words of what "right" and "left" mean where they are no side: correct, entitled, at once; remain, leave."""


def sides_in(text: str) -> list[str]:
    """ "left", "right" and "both" in the order in which a text says them."""
    return [side_of(found) for found in _SIDE.finditer(_compared(text))]


def _clauses(text: str) -> list[str]:
    return [_compared(clause) for clause in _CLAUSE.split(text)]


def _compared(text: str) -> str:
    return _NO_SIDE.sub(" ", normalised(_TAG.sub("?", text)))


def _short(text: str) -> set[str]:
    found = {one for pair in _ABBREVIATED.findall(text) for one in pair if one}
    implied = {side for side, prefix in _IMPLIED if prefix.search(text)}
    return implied | {"left" if one in "LS" else "right" for one in found}


def sides(made: Translation) -> Iterator[str]:
    """A side that a turn lacks or adds, or sides that are exchanged."""
    for number, source, text in made.turns():
        wanted, found = sides_in(source), sides_in(text)
        if wanted == found:
            continue
        lacks = set(wanted) - set(found) - _short(text)
        added = set(found) - set(wanted) - _short(source)
        only = ("left", "right")
        for side in only:
            if _no_side(side, made, source, text, (wanted if side in lacks else found).count(side)):
                continue
            if side in lacks:
                yield f"the side {side} of turn {number} is missing"
            if side in added and not (set(only) <= set(found) and "both" in wanted):
                yield f"turn {number} says {side}, which is not in the source"
        if (
            "both" in lacks
            and not all(found.count(side) > wanted.count(side) for side in only)
            and (len(set(found)) == 1 or not _TWO.search(normalised(text)))
        ):
            yield f"turn {number} does not say that it is both sides"
        pairs = [side for side in wanted if side in only], [side for side in found if side in only]
        moved = not lacks and not added and pairs[0] != pairs[1] and len(pairs[0]) == len(pairs[1])
        if moved and not same_organs(_clauses(source), _clauses(text), _SIDE):
            yield f"left and right are exchanged in turn {number}"


def _no_side(side: str, made: Translation, source: str, text: str, times: int) -> bool:
    """Whether the Arabic text says the other sense of a side's English word as often as the English text says it."""
    english, arabic = (source, text) if made.language == "ar" else (text, source)
    said = _OTHER_SENSES[side].findall(normalised(arabic))
    return side in sides_in(english) and times <= len(said)


def sides_of_rewriting(made: Rewriting) -> Iterator[str]:
    """A side that the writer was not told, or the lack of the one in the short answer."""
    known, found = set(sides_in(made.known)), set(sides_in(made.answers))
    wanted = set(sides_in(made.answer))
    if "both" in known or {"left", "right"} <= known:
        known |= {"both", "left", "right"} if "both" not in wanted else {"both"}
        if {"left", "right"} <= found:
            found |= {"both"}
            known |= {"left", "right"}
    unsaid = {"both"} if not known & {"left", "right"} else set()
    for side in sorted(found - known - unsaid):
        yield f"the side {side} is in neither question, answer nor caption"
    for side in sorted(wanted - found):
        yield f"the answer's side {side} is missing"
    if {"left", "right"} <= found and wanted and "both" not in wanted and wanted < {"left", "right"}:
        told = set(sides_in(f"{made.question}\n{made.caption}"))
        for side in sorted({"left", "right"} - wanted - told):
            yield f"the side {side} is added to the answer"
