"""One line of the doctor: what was found, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from bimedix2_plugin.errors import RecipeError


@dataclass(frozen=True)
class Finding:
    """One line of the doctor.

    Attributes:
        level: "ok", "warn" or "fail".
        text: what was found, and what to do about it.
    """

    level: str
    text: str

    def __str__(self) -> str:
        return f"{self.level:4}  {self.text}"


def failures(error: Exception) -> list[Finding]:
    """Return an error's problems, a line each."""
    if isinstance(error, RecipeError):
        problems = error.problems
    elif isinstance(error, ValidationError):
        problems = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}".removeprefix(": ") for one in error.errors()]
    else:
        problems = [f"{type(error).__name__}: {error}"]
    return [Finding("fail", problem) for problem in problems]
