"""Prompts of a batch as token ids, parted into what prompts with the same images share and what each has of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from eval.engines.engine import Request

WORTHWHILE = 0.75
"""Sharing has to save a quarter of the padded batch's tokens: it takes one more call of the model."""


@dataclass(frozen=True)
class Parted:
    """The prompts of a batch; each begins with the prefix of its group.

    Attributes:
        tokens: of each prompt, placeholders expanded.
        group_of: the group of each prompt, as `groups_of` counts them.
        lengths: of the groups' prefixes.
    """

    tokens: list[list[int]]
    group_of: list[int]
    lengths: list[int]

    @classmethod
    def of(cls, tokens: list[list[int]], group_of: list[int]) -> Parted:
        """Part prompts as late as they can be: each keeps at least one token of its own."""
        groups: list[list[list[int]]] = [[] for _ in {*group_of}]
        for ids, group in zip(tokens, group_of, strict=True):
            groups[group].append(ids)
        lengths = [min(_common(rows), min(map(len, rows)) - 1) for rows in groups]
        return cls(tokens, group_of, lengths)

    @property
    def own(self) -> list[list[int]]:
        """The tokens of each prompt that follow its prefix."""
        return [ids[self.lengths[group] :] for ids, group in zip(self.tokens, self.group_of, strict=True)]

    @property
    def width(self) -> int:
        """The tokens and the padding of every prompt."""
        return max(self.lengths) + max(map(len, self.own))

    @property
    def worthwhile(self) -> bool:
        """Whether sharing saves enough of what the padded batch computes."""
        shared = len(self.lengths) * max(self.lengths) + len(self.tokens) * max(map(len, self.own))
        return shared <= WORTHWHILE * len(self.tokens) * max(map(len, self.tokens))


def groups_of(requests: Sequence[Request]) -> list[int]:
    """Return the group of each request: those with the same images are one, counted in the order of their first."""
    images = [tuple(image.sha256 for image in each.images) for each in requests]
    number = {key: place for place, key in enumerate(dict.fromkeys(images))}
    return [number[key] for key in images]


def expanded(prompt: str, placeholder: str | None, replacements: Sequence[str]) -> str:
    """Put the replacements in the place of a prompt's placeholders, in order."""
    texts = prompt.split(placeholder) if placeholder else [prompt]
    return "".join(text + replacement for text, replacement in zip_longest(texts, replacements, fillvalue=""))


def _common(rows: Sequence[Sequence[int]]) -> int:
    """Return the number of tokens with which all rows begin."""
    columns = zip(*rows, strict=False)
    return next((place for place, column in enumerate(columns) if len({*column}) > 1), min(map(len, rows)))
