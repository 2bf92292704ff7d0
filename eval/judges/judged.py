"""What a judged benchmark adds to a benchmark: the question to the judge about one answer."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from eval.benchmark import Benchmark
from eval.items import Prediction
from eval.judges.wording import Wording

PLAIN, SWAPPED = "plain", "swapped"


class JudgedBenchmark(Benchmark):
    """A benchmark whose scores need verdicts."""

    JUDGED: ClassVar[bool] = True
    PAIRS: ClassVar[bool] = False
    """Whether the judge compares two answers, so that their order can be swapped."""
    MAX_REPLY_TOKENS: ClassVar[int | None] = None
    """The longest reply that the protocol allows; None leaves it to the server."""
    TYPICAL_REPLY_TOKENS: ClassVar[int] = 300
    """What the cost estimate takes for the length of a reply."""

    @abstractmethod
    def wording(self) -> Wording:
        """The judge's instructions. Raises EvalError for a published file that cannot be used."""

    @abstractmethod
    def question(self, wording: Wording, line: Prediction, *, swapped: bool) -> str:
        """What the judge is asked about one prediction, after the system text of the wording."""
