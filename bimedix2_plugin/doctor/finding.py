"""A finding of the doctor, and errors as findings."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from bimedix2_plugin.errors import RecipeError


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report.

    Attributes:
        level: "ok", "warn" or "fail".
        text: what was found, and what to do about it.
    """

    level: str
    text: str

    def __str__(self) -> str:
        return f"{self.level:4}  {self.text}"


def failures(error: Exception) -> list[Finding]:
    """Return a failed finding for each problem of an error, one line each."""
    if isinstance(error, RecipeError):
        problems = error.problems
    elif isinstance(error, ValidationError):
        problems = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}".removeprefix(": ") for one in error.errors()]
    else:
        problems = [f"{type(error).__name__}: {error}"]
    return [Finding("fail", " ".join(problem.split())) for problem in problems]
