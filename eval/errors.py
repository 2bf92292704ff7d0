"""What is printed for the user: the one error whose message is meant for the terminal, and lines on stderr."""

import sys


class EvalError(ValueError):
    """Something that was given is not usable: the message names it and says what to do."""


def say(line: str) -> None:
    """Print one line to stderr at once."""
    print(f"eval: {line}", file=sys.stderr, flush=True)
