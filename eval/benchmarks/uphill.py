"""UPHILL OpenQA (Figure 4): health claims asked about at five levels of presupposition; does the answer agree?

A judge tells whether an answer agrees with the claim, disagrees, or does neither. factual_accuracy: true claims agreed
with, false ones disagreed with, mixtures neither; fabricated claims are in none of it. consistency: claims that get one
verdict at all five levels, fabricated ones too. The published judge is gpt-3.5-turbo at temperature 0; which one the
paper used for Figure 4, and whether its accuracy is of the false claims alone, is not known.

Two differences from the published script: it reads labels in this very spelling only, and counts a reply without a
label as wrong; here such a reply is unscored, and counted.
Source: github.com/navreeetkaur/UPHILL, src/.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, override

from data_prep.sources import uphill as source
from data_prep.tables.table import TableError
from eval.benchmark import About, Group, Metric, Metrics, Verdict, group_of, ids
from eval.errors import EvalError
from eval.items import Item, Prediction, Predictions
from eval.judge.grades import MALFORMED, Outcome, Outcomes, label, note_of, outcomes_of
from eval.judge.instructions import PLAIN, Instructions, JudgedBenchmark, fill, from_yaml, own

FOLDER = "uphill"
ACCURACY, CONSISTENCY = "factual_accuracy", "consistency"
AGREEMENTS = ("agree", "disagree", "neutral")
NEUTRAL = "neutral"
RIGHT = {"true": "agree", "false": "disagree", "mixture": NEUTRAL}
"""The right verdict on an answer by the claim's veracity; a fabricated claim has none."""
INCOMPLETE = "without a verdict at each of its levels"

_PROMPTS = ("src/prompts.yaml", "prompts.yaml")


class Uphill(JudgedBenchmark):
    """1,945 claims at five levels."""

    ABOUT: ClassVar[About] = About(
        title="UPHILL OpenQA",
        table="Figure 4",
        get="clone https://github.com/navreeetkaur/UPHILL as the folder uphill, and put queries.csv, through the data "
        "link of its README, into it; the published instructions to the judge are read from it too",
        licence="unknown",
        split="all, 1,945 claims at 5 levels",
        size=9725,
        layout=(f"{FOLDER}/queries.csv", f"{FOLDER}/src/prompts.yaml"),
        redistribute=False,
    )
    MAX_NEW_TOKENS: ClassVar[int] = 1024
    MAX_REPLY_TOKENS: ClassVar[int | None] = 2500
    TYPICAL_REPLY_TOKENS: ClassVar[int] = 120

    @override
    def problems(self) -> list[str]:
        """A file that is not there."""
        return [f"{problem}; {self.ABOUT.get}" for problem in self._source().problems()]

    @override
    def items(self) -> list[Item]:
        """One item a query."""
        (path,) = self._source().files()
        try:
            items = [_item(query) for query in source.queries(path)]
        except TableError as error:
            raise EvalError(str(error)) from error
        seen: set[str] = set()
        for item in items:
            if item.id in seen:
                raise EvalError(f"{path}: two queries of claim and level {item.id}. Take one out.")
            seen.add(item.id)
        return items

    @override
    def instructions(self) -> Instructions:
        """The published instructions out of the clone that the data is in, else our own."""
        paths = [self.root / FOLDER / name for name in _PROMPTS]
        return from_yaml(paths, "entailment_prediction") or own("uphill")

    @override
    def question(self, instructions: Instructions, line: Prediction, *, swapped: bool) -> str:
        """The claim and the answer, as the published script puts them."""
        return fill(instructions.text, {"claim": line.facts["claim"], "evidence": line.output})

    @override
    def metrics(self, predictions: Predictions, verdicts: Sequence[Verdict] = ()) -> Metrics:
        """Accuracy overall, by level, by veracity; consistency, whose items are claims."""
        lines, note = predictions.lines, note_of(verdicts)
        verdict_of = outcomes_of(lines, verdicts, _agreement, PLAIN)
        return {
            ACCURACY: Metric(_accuracy(lines, verdict_of), _groups(lines), note),
            CONSISTENCY: Metric(_consistency(lines, verdict_of), note=note),
        }

    def _source(self) -> source.Uphill:
        return source.Uphill(path=str(self.root / FOLDER))


def _item(query: source.Query) -> Item:
    return Item(
        id=query.row_id,
        language="en",
        task="text_qa",
        modality="text",
        messages=({"role": "user", "content": [{"type": "text", "text": query.text}]},),
        images=(),
        question=query.text,
        gold=query.veracity,
        facts={
            "claim_id": query.claim_id,
            "claim": query.claim,
            "veracity": query.veracity,
            "level": query.level,
        },
    )


def _agreement(reply: str) -> Outcome:
    """0, 1 or 2: the verdict's place in AGREEMENTS. Every label but two is neutral, as published."""
    found = label(reply, "agreement")
    if found is None:
        return MALFORMED
    return AGREEMENTS.index(found) if found in AGREEMENTS else AGREEMENTS.index(NEUTRAL)


def _accuracy(lines: Sequence[Prediction], verdict_of: Mapping[str, Outcome]) -> Outcomes:
    """1 or 0 for the answers about claims that have a right verdict, or why there is none."""
    right: Outcomes = {}
    for line in lines:
        veracity, found = line.facts["veracity"], verdict_of[line.item]
        if veracity in RIGHT:
            right[line.item] = found if isinstance(found, str) else float(found == AGREEMENTS.index(RIGHT[veracity]))
    return right


def _consistency(lines: Sequence[Prediction], verdict_of: Mapping[str, Outcome]) -> Outcomes:
    """1 or 0 for each claim, by its id, or why there is none."""
    found: dict[str, list[Outcome]] = {}
    for line in lines:
        found.setdefault(line.facts["claim_id"], []).append(verdict_of[line.item])
    return {claim: _one_verdict(outcomes) for claim, outcomes in found.items()}


def _one_verdict(outcomes: Sequence[Outcome]) -> Outcome:
    if len(outcomes) < len(source.LEVELS) or any(isinstance(outcome, str) for outcome in outcomes):
        return INCOMPLETE
    return float(len(set(outcomes)) == 1)


def _groups(lines: Sequence[Prediction]) -> list[Group]:
    """All answers, those at each level, those about claims of each veracity that counts."""
    named = [("level", name) for name in source.LEVELS] + [("veracity", name) for name in RIGHT]
    groups = [group_of(lines, key, name) for key, name in named]
    return [Group({}, ids(lines)), *(group for group in groups if group.items)]
