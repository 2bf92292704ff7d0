"""The reply format that small models can keep: pieces of text, each after its number in double brackets.

    [[1]]
    The first piece.
    [[2]]
    The second.

Digits of any script are read. Nothing may stand before the first number, and the numbers must be 1, 2, 3 and so on.
"""

import re
from collections.abc import Sequence

from data_prep.curate.kinds.kind import BadReply, Draft

MARK = re.compile(r"^[ \t]*\[\[[ \t]*(\d{1,4})[ \t]*\]\][ \t]*", re.MULTILINE)


def numbered(pieces: Sequence[str]) -> str:
    """The pieces, each after its number."""
    return "\n".join(f"[[{number}]]\n{piece}" for number, piece in enumerate(pieces, start=1))


def read_numbered(text: str, wanted: int | None) -> Draft:
    """The pieces of a reply. Raises BadReply, of the check `turns` if their number is not `wanted` (None: even)."""
    found = list(MARK.finditer(text))
    if not found:
        raise BadReply(f"the reply has no numbers; wanted: {_wanted(wanted)}", "turns")
    if text[: found[0].start()].strip():
        raise BadReply("the reply has text before [[1]]; give the numbered pieces alone")
    numbers = [int(mark.group(1)) for mark in found]
    if numbers != list(range(1, len(numbers) + 1)) or not _is_wanted(len(numbers), wanted):
        shown = ", ".join(f"[[{number}]]" for number in numbers[:20])
        raise BadReply(f"the reply has {shown}; wanted: {_wanted(wanted)}", "turns")
    ends = [*(mark.start() for mark in found[1:]), len(text)]
    pieces = tuple(text[mark.end() : end].strip() for mark, end in zip(found, ends, strict=True))
    empty = [f"[[{number}]]" for number, piece in enumerate(pieces, start=1) if not piece]
    if empty:
        raise BadReply(f"nothing stands after {', '.join(empty[:20])}", "turns")
    return pieces


def _is_wanted(number: int, wanted: int | None) -> bool:
    return number % 2 == 0 if wanted is None else number == wanted


def _wanted(number: int | None) -> str:
    if number is None:
        return "[[1]], [[2]] and so on, a question and then its answer"
    return "[[1]] and its text" if number == 1 else f"[[1]] to [[{number}]], each followed by its text"
