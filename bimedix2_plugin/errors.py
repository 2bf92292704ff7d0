"""RecipeError, the error for anything that the author of a recipe can fix, and its display without a traceback."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import TracebackType


class RecipeError(ValueError):
    """One or more problems in a recipe, or in the files that it names; each says what to do.

    Attributes:
        problems: one message for each.
    """

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        lines = "\n".join(f"  - {problem}" for problem in self.problems)
        super().__init__(self.problems[0] if len(self.problems) == 1 else f"{len(self.problems)} problems:\n{lines}")


def hide_traceback() -> None:
    """Let a process that ends with a RecipeError print its message only: the traceback does not help the author."""
    sys.excepthook = _print_message


def _print_message(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, RecipeError):
        print(f"Error: {error}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)
