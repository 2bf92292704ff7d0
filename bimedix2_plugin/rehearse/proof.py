"""One line of a rehearsal's table: what was to be shown, and whether it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

NUMBERS = {"align": 1, "instruct": 2}  # of the stages
State = Literal["passed", "failed", "not possible here"]


@dataclass(frozen=True)
class Proof:
    """One proof.

    Attributes:
        stage: "align" or "instruct".
        name: what was to be shown.
        state: of the proof.
        detail: figures, what was wrong, or why it is not possible here.
    """

    stage: str
    name: str
    state: State
    detail: str


def shown(stage: str, name: str, find: Callable[[], tuple[bool, str]]) -> Proof:
    """Make a proof of what `find` returns; an error that it raises is a failure."""
    try:
        holds, detail = find()
    except Exception as error:  # whatever it is, the other proofs are still made
        return Proof(stage, name, "failed", f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}")
    return Proof(stage, name, "passed" if holds else "failed", detail)


def not_here(stage: str, name: str, why: str) -> Proof:
    """Return a proof that this machine cannot give."""
    return Proof(stage, name, "not possible here", why)
