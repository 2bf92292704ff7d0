"""The one error that a recipe's author meets: what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Sequence


class RecipeError(ValueError):
    """One or more things in a recipe, or in what it names, that must be put right before anything runs."""

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        lines = "\n".join(f"  - {problem}" for problem in self.problems)
        super().__init__(self.problems[0] if len(self.problems) == 1 else f"{len(self.problems)} problems:\n{lines}")
