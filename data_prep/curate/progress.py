"""Progress of asking, on stderr: rows, speed, time and cost that are left, and the waits that a server asks for."""

import sys
import time
from typing import Any

from data_prep.curate.estimate import CORRECTED_AFTER, Estimate, cost
from data_prep.curate.step_file import Loaded

SECONDS_BETWEEN_LINES = 10.0
LONG_WAIT = 5.0
"""Waits of at least so many seconds are told."""


class Progress:
    """Called with each reply, and with None for each row that is done."""

    def __init__(self, loaded: Loaded, estimate: Estimate) -> None:
        self._loaded, self._estimate = loaded, estimate
        self.rows = self.replies = self.tokens_in = self.tokens_out = 0
        self._start = self._last = time.monotonic()
        self._told_until = 0.0

    def __call__(self, reply: Any) -> None:
        """Count, and print a line every ten seconds."""
        if reply is None:
            self.rows += 1
        else:
            self.replies += 1
            self.tokens_in += reply[1].tokens_in or 0
            self.tokens_out += reply[1].tokens_out or 0
        now = time.monotonic()
        if now - self._last >= SECONDS_BETWEEN_LINES:
            self._last = now
            print(self.line(now - self._start), file=sys.stderr, flush=True)

    def line(self, seconds: float) -> str:
        """How far the rows are, and what is left at the speed and the tokens of the replies so far."""
        total = self._estimate.rows
        rate = self.rows / seconds if seconds else 0.0
        left = f"{(total - self.rows) / rate / 60:.0f} min left" if rate else "no estimate yet"
        speed = f"{rate:.1f} per second" if rate >= 1 else f"{60 * rate:.1f} per minute"
        text = f"{self._loaded.step.name}: {self.rows:,} of {total:,} rows, {speed}, {left}"
        if self.replies >= CORRECTED_AFTER:
            each = [count / self.replies * total for count in (self.tokens_in, self.tokens_out)]
            price = cost(self._loaded, *each)
            text += f"; in all about {each[0]:,.0f} tokens in, {each[1]:,.0f} out"
            text += "" if price is None else f", {price:,.2f}"
        return text

    def wait(self, seconds: float) -> None:
        """Say that the server asks to wait, once for each such wait of all requests together."""
        now = time.monotonic()
        if seconds >= LONG_WAIT and now + seconds > self._told_until + LONG_WAIT:
            self._told_until = now + seconds
            name = self._loaded.step.name
            print(f"{name}: the server asks to wait {seconds:,.0f} s (429, Retry-After)", file=sys.stderr, flush=True)
