"""The one error that a recipe's author meets: what is wrong, where, and what to do."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import TracebackType


class RecipeError(ValueError):
    """One or more things in a recipe, or in what it names, that must be put right before anything runs."""

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        lines = "\n".join(f"  - {problem}" for problem in self.problems)
        super().__init__(self.problems[0] if len(self.problems) == 1 else f"{len(self.problems)} problems:\n{lines}")


def end_plainly() -> None:
    """Have a process that ends on a RecipeError print its message alone: the traceback says nothing of the recipe."""
    sys.excepthook = _told


def _told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, RecipeError):
        print(f"Error: {error}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)
