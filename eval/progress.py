"""Progress as plain lines on stderr: readable in a log file, and few."""

from __future__ import annotations

import time

from eval.errors import say


class Progress:
    """Tell items done, rate and time left, at most once every `interval` seconds and at the end."""

    def __init__(self, name: str, total: int, done: int = 0, interval: float = 10.0) -> None:
        self.name, self.total, self.done, self.interval = name, total, done, interval
        self._done_before = done
        self._start = self._last = time.monotonic()

    def add(self, items: int) -> None:
        """Count finished items, and print a line if it is time."""
        self.done += items
        now = time.monotonic()
        if now - self._last >= self.interval or self.done >= self.total:
            self._last = now
            rate = (self.done - self._done_before) / max(now - self._start, 1e-9)
            left = (self.total - self.done) / max(rate, 1e-9)
            say(f"{self.name}: {self.done}/{self.total} items, {rate:.2f} items/s, {left:.0f} s left")
