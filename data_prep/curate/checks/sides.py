"""Left and right are those of the source."""

import re
from collections.abc import Iterator

from data_prep.curate.checks.subject import Rewriting, Translation
from data_prep.text.normalise import normalised

_NO_SIDE = re.compile(
    r"\b(?:right (?:away|now|answer|choice|option|diagnosis|thing|time|dose|one|after|before|to (?:left|refuse|know))"
    r"|(?:all|that s|is that|that is|quite|you are|you re) right(?! (?:sided|lung|lobe|upper|lower|side|kidney"
    r"|atri|ventric))"
    r"|(?:has|have|had|was|were|is|are|been|be|if|being|when|who|he|she|they|patient|i|we) left(?!"
    r" (?:sided|lateral|lung|lower|upper|atri|ventric|kidney|arm|leg|hip|knee|hemi|lobe|side|ear|eye|breast|hand"
    r"|foot))"
    r"|(?:days|weeks|hours|months|nothing|anything|what is|what s) left|left (?:untreated|over|behind|out|the"
    r"|alone|unattended|him|her|to|with|hospital|home|school))\b"
)
_SIDE = re.compile(
    r"\b(?:(?P<left>left\w*)|(?P<right>right(?!s\b)\w*)|(?P<both>bilateral\w*|both (?=side|lung|kidney|eye|ear|breast"
    r"|leg|arm|hand|feet|foot|knee|hip|ovar|lobe|hemi|upper|lower|pleur|pulm|orbit|adren|thal|maxill|costo)\w+))"
    r"|\b(?:[وفبل]{0,2}(?:ال|ل)?)(?:(?P<left_ar>يسار\w?|ايسر\w{0,2}|يسري\w{0,2}|يسراوي\w*)|(?P<right_ar>يمين\w?"
    r"|ايمن\w{0,2}|يمني\w{0,2}|يمناوي\w*)"
    r"|(?P<both_ar>ثنايي\w{0,2} الجانب|(?:علي )?كلا الجانبين|كلتا الجهتين|جانبين|جهتين|ناحيتين|كلا|كلتا|كلي|كلتي))\b"
)
_TWO = re.compile(r"\b(?:\w+(?:ين|ان|تي|تا)|both|two|each|either|bilateral\w*)\b")
_ABBREVIATED = re.compile(r"\b(R|L)(?:UQ|LQ|UL|LL|ML|V|A|CA|BBB|LE|UE|T|t)?\b|\bO(D|S)\b")


def sides_in(text: str) -> list[str]:
    """ "left", "right" and "both" in the order in which a text says them."""
    compared = _NO_SIDE.sub(" ", normalised(text))
    return [str(found.lastgroup).removesuffix("_ar") for found in _SIDE.finditer(compared)]


def _short(text: str) -> set[str]:
    found = {one for pair in _ABBREVIATED.findall(text) for one in pair if one}
    return {"left" if one in "LS" else "right" for one in found}


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
            if side in lacks:
                yield f"the side {side} of turn {number} is missing"
            if side in added and not (set(only) <= set(found) and "both" in wanted):
                yield f"turn {number} says {side}, which is not in the source"
        if (
            "both" in lacks
            and not set(only) <= set(found)
            and (len(set(found)) == 1 or not _TWO.search(normalised(text)))
        ):
            yield f"turn {number} does not say that it is both sides"
        pairs = [side for side in wanted if side in only], [side for side in found if side in only]
        if not lacks and not added and pairs[0] != pairs[1] and len(pairs[0]) == len(pairs[1]):
            yield f"left and right are exchanged in turn {number}"


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
