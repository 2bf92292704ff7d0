"""The figures, articles and records that a row comes from, by the names that its source gives them.

Two sets may hold one figure as different files, or without its image: its name then tells that they share it.
"""

import re

from data_prep.rows import Sample

FIGURE = "figure:"
"""The start of the name of a figure; other names are of articles and of records in a source's tables."""

# PMC212319_Fig3_4: figure 3, part 4; a part shows a piece of its figure
_PMC = re.compile(r"(PMC\d+)(?:_(.+?)(?:_\d+)?)?")
# LLaVA-Med's pairs: the PubMed id, whose ids are long by now, and the figure's name in its article
_PAIR = re.compile(r"(?:PMID)?(\d{5,9})(?:_(.+))?")
# of VQA-RAD, and of SLAKE as its readers and BiMed-V name it
_IMAGE = re.compile(r"(synpic\d+)|(xmlab\d+)(?:[/_].*)?")
_RECORD = re.compile(r"(pubmedqa|vqa_rad|slake)-(\d+)(?![\w.])")
_RECORDS = {"pubmedqa": "pmid", "vqa_rad": "vqa_rad", "slake": "slake"}


def documents(sample: Sample) -> list[str]:
    """The names, such as "figure:PMC12_Fig3", "pmc:PMC12", "pmid:29145864" or "vqa_rad:123", each once.

    They are read off the images' names, the group, and the ids of the row and its parent.
    """
    found: dict[str, None] = {}
    for image in sample.images:
        found |= dict.fromkeys(_of_image(image))
    if sample.group:
        found |= dict.fromkeys(_of_article(sample.group)[-1:])
    for row_id in (sample.id, sample.parent or ""):
        if record := _RECORD.match(row_id):
            found[f"{_RECORDS[record[1]]}:{record[2]}"] = None
    return list(found)


def _of_image(image: str) -> list[str]:
    path = image.rpartition(".")[0] or image
    name = path.rpartition("/")[2]
    if found := _of_article(name):
        return found
    known = _IMAGE.fullmatch(name) or _IMAGE.fullmatch(path)
    return [f"{FIGURE}{known[1] or known[2]}"] if known else []


def _of_article(name: str) -> list[str]:
    kind, known = ("pmc", _PMC) if name.startswith("PMC") else ("pmid", _PAIR)
    found = known.fullmatch(name)
    if not found:
        return []
    article = f"{kind}:{found[1]}"
    return [f"{FIGURE}{found[1]}_{found[2]}", article] if found[2] else [article]
