"""Items that have an error in place of an answer: how many a run has, and what went wrong most often."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data_prep.counted import counted
from eval.errors import EvalError, say
from eval.items import Prediction
from eval.predictions import read_predictions

AGAIN = "Mend that and run the same command again: what has been answered is kept."
_OF_ONE_ITEM = re.compile(r"[0-9a-f]{4,}", re.IGNORECASE)
"""Hashes and long numbers, which differ between errors of one kind; a status of HTTP has three digits."""


class NoAnswersError(EvalError):
    """A run ended in which no item was answered."""


@dataclass(frozen=True)
class Unanswered:
    """`count` of the `items` of a run have an error; `often` tells the most frequent one."""

    count: int
    items: int
    often: str

    @classmethod
    def of(cls, lines: Sequence[Prediction]) -> Unanswered | None:
        """Count in the predictions of a run, one of each item; None where all are answered."""
        failed = [line for line in lines if line.error]
        if not failed:
            return None
        names = [(line.item, *line.images) for line in failed]
        return cls(len(failed), len(lines), most_frequent([line.error for line in failed], names))

    @property
    def text(self) -> str:
        """How many, and the most frequent error."""
        has = "has" if self.count == 1 else "have"
        return f"{self.count:,} of {counted(self.items, 'item')} {has} an error in place of an answer{self.often}"


def check_answers(path: Path) -> None:
    """Tell at the end of a run how many of its items have no answer.

    Raises:
        NoAnswersError: none of them has one.
    """
    found = Unanswered.of(read_predictions(path).lines)
    if found and found.count == found.items:
        raise NoAnswersError(f"{path.stem}: {found.text} {AGAIN}")
    if found:
        say(f"{path.stem}: {found.text} The same command asks them again.")


def most_frequent(errors: Sequence[str], names: Sequence[tuple[str, ...]] = ()) -> str:
    """Return the first error of the most frequent kind, with how often it came: the end of a sentence that counts them.

    Args:
        errors: at least one. Errors that differ in long numbers, hashes and `names` alone are of one kind.
        names: for each error the names that belong to its item.
    """
    kinds: dict[str, list[str]] = defaultdict(list)
    for error, own in zip(errors, names or [()] * len(errors), strict=True):
        kind = error
        for name in own:
            kind = kind.replace(name, "")
        kinds[_OF_ONE_ITEM.sub("", kind)].append(error)
    most = max(kinds.values(), key=len)
    often = f", most often ({len(most):,})" if len(most) > 1 else ", the first" if len(errors) > 1 else ""
    return f"{often}: {most[0].rstrip('.')}."
