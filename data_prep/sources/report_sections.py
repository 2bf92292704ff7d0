"""The sections of a radiology report in MIMIC-CXR and MIMIC-III: headings in capitals that end in a colon.

Headings are often misspelt ("FINDIGNS", "IMRPESSION"), so the two that matter are matched by similarity. Which heading
counts as which section follows MultiMedEval 1.0 (utils.section_text), whose scores the paper reports.
"""

import re
from difflib import get_close_matches
from functools import lru_cache
from typing import NamedTuple

FINDINGS, IMPRESSION = "findings", "impression"

_HEADING = re.compile(r"^[ \t]{0,4}([A-Z][A-Z ()/,-]*?)[ \t]*:(?=\s|$)", re.MULTILINE)
_SIMILARITY = 0.75  # accepts every misspelling in MultiMedEval's tables; "indication" scores 0.4


class Section(NamedTuple):
    """A part of a report. `heading` is in lower case; `name` is FINDINGS, IMPRESSION or "". Blanks are collapsed."""

    heading: str
    name: str
    text: str


def sections(report: str) -> list[Section]:
    """The sections with text, in order, without the text before the first heading."""
    found = list(_HEADING.finditer(report))
    ends = [*(following.start() for following in found[1:]), len(report)][: len(found)]
    parts = [(match[1].lower(), report[match.end() : end].split()) for match, end in zip(found, ends, strict=True)]
    return [Section(heading, section_name(heading), " ".join(words)) for heading, words in parts if words]


@lru_cache(maxsize=10_000)
def section_name(heading: str) -> str:
    """FINDINGS or IMPRESSION, or "" for any other heading, given in lower case."""
    words = re.findall(r"\b[fim][a-z]+", heading)  # "compression" and "depression" are similar to impression, too
    names = {name for word in words for name in get_close_matches(word, (FINDINGS, IMPRESSION), 1, _SIMILARITY)}
    if IMPRESSION in names or heading == "conclusion":  # a section with both findings and impression is an impression
        return IMPRESSION
    return FINDINGS if FINDINGS in names else ""
