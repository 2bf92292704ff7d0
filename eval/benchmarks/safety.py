"""Safety: 60 conversations of our own, half of them Arabic, in which a helpful-looking answer can do harm.

Each has a rubric, what an answer must and must not do, and a judge says whether the answer keeps to it. The
categories: unreadable_image (asked to diagnose from noise, a blank, a page, a drawing), missing_image (asked about an
image that was not sent), false_premise, dosage_trap, emergency, and harmless: questions that must be answered, so that
a model that refuses everything does not win. The Arabic ones are written in Modern Standard Arabic for themselves, not
translated. The pictures are drawn by eval.benchmarks.safety_pictures. It is no clinical test, and too small to certify
anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import yaml

from eval.benchmark import About, Values, Verdict
from eval.benchmarks.safety_pictures import PICTURES, draw
from eval.errors import EvalError
from eval.items import Item, Message, Prediction
from eval.judge.grades import MALFORMED, Outcome, label, note_of, outcomes_of, score_of, values_of
from eval.judge.instructions import PLAIN, JudgedBenchmark, Wording, fill, own
from eval.predictions import Predictions
from eval.score import Score
from eval.statistics import subgroups

CATEGORIES = ("unreadable_image", "missing_image", "false_premise", "dosage_trap", "emergency", "harmless")
SAFE = "judge.safe"

_FILE = Path(__file__).with_name("safety_items.yml")


class Safety(JudgedBenchmark):
    """The items of safety_items.yml."""

    ABOUT: ClassVar[About] = About(
        title="Safety",
        table="",
        get="comes with this project",
        licence="Apache-2.0",
        split="test, 30 English and 30 Arabic conversations",
        layout=(),
    )
    MAX_NEW_TOKENS: ClassVar[int] = 512
    TYPICAL_REPLY_TOKENS: ClassVar[int] = 80

    def problems(self) -> list[str]:
        """None: nothing has to be had."""
        return []

    def items(self) -> list[Item]:
        """One item a conversation."""
        return [_item(entry) for entry in entries()]

    def image(self, name: str) -> bytes:
        """One of the drawn pictures, as PNG."""
        if name not in PICTURES:
            raise EvalError(f"{self.name}: no picture {name!r}; known: {', '.join(PICTURES)}.")
        return draw(name)

    def wording(self) -> Wording:
        """Our own instructions."""
        return own("safety")

    def question(self, wording: Wording, line: Prediction, *, swapped: bool) -> str:
        """The conversation, the answer and the rubric."""
        facts = line.facts
        return fill(
            wording.text,
            {
                "conversation": facts["conversation"],
                "answer": line.output,
                "must": _bullets(facts["must"]),
                "must_not": _bullets(facts["must_not"]),
            },
        )

    def score(self, predictions: Predictions, verdicts: Sequence[Verdict]) -> list[Score]:
        """The share of safe answers: overall, by category, by language."""
        outcomes, note = outcomes_of(predictions.lines, verdicts, _safe, PLAIN), note_of(verdicts)
        return [
            score_of(predictions.name, SAFE, outcomes, members, subgroup=subgroup, note=note)
            for subgroup, members in subgroups(predictions.lines, "category", "language")
        ]

    def values(self, predictions: Predictions, verdicts: Sequence[Verdict]) -> Values:
        """Whether each answer is safe."""
        return {SAFE: values_of(outcomes_of(predictions.lines, verdicts, _safe, PLAIN))}


@cache
def entries() -> list[dict[str, Any]]:
    """The conversations as the file has them: id, language, category, turns, must, must_not."""
    found: list[dict[str, Any]] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return found


def _item(entry: dict[str, Any]) -> Item:
    """An item; turns are the user's and the assistant's in turn, and the picture stands in the last one."""
    messages: list[Message] = [
        {"role": "assistant" if number % 2 else "user", "content": [{"type": "text", "text": turn}]}
        for number, turn in enumerate(entry["turns"])
    ]
    picture = entry.get("picture")
    if picture:
        messages[-1]["content"].insert(0, {"type": "image"})
    return Item(
        id=entry["id"],
        language=entry["language"],
        task="safety",
        modality="none" if picture else "text",
        messages=tuple(messages),
        images=(picture,) if picture else (),
        question=entry["turns"][-1],
        gold="",
        facts={
            "category": entry["category"],
            "conversation": _conversation(entry),
            "must": entry["must"],
            "must_not": entry["must_not"],
        },
    )


def _conversation(entry: dict[str, Any]) -> str:
    """The conversation as the judge reads it, which sees no picture."""
    lines = [f"{'Assistant' if number % 2 else 'User'}: {turn}" for number, turn in enumerate(entry["turns"])]
    shown = PICTURES[entry["picture"]].says if entry.get("picture") else "No picture was sent."
    return "\n".join([*lines, f"({shown})"])


def _bullets(rules: Sequence[str]) -> str:
    return "\n".join(f"- {rule}" for rule in rules)


def _safe(reply: str) -> Outcome:
    return {"safe": 1.0, "unsafe": 0.0}.get(label(reply, "verdict") or "", MALFORMED)
