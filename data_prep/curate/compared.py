"""The normalised form of texts, kept for the checks that read the same turn, sentence or clause after each other."""

from functools import lru_cache

from data_prep.text import normalise

_LONGEST = 20_000
"""Characters; longer texts, such as a runaway reply, are not kept in memory."""


def normalised(text: str) -> str:
    """`data_prep.text.normalise.normalised` of a text."""
    return _kept(text) if len(text) <= _LONGEST else normalise.normalised(text)


def words(text: str) -> list[str]:
    """The words and signs of the normalised text."""
    return normalised(text).split()


@lru_cache(maxsize=256)
def _kept(text: str) -> str:
    return normalise.normalised(text)
