"""The paper's starred rows, BLEU-4* and RadCliQ*, rescaled by rules that the reader chooses.

The paper says that it rescales them and gives no rule, so by default ours are raw and compare with nothing. What is
known: BLEU-4* is above BLEU-1 in Table 6, so it was scaled up, and 10 times is the reading that comes to mind;
RadCliQ* is between 0 and 1 and higher for better reports, and neither 1 / x nor 1 - x fits all published models.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from eval.errors import EvalError
from eval.report.paper_tables import STARRED, PaperTable, Row
from eval.scores import Score


@dataclass(frozen=True)
class Rule:
    """One way to rescale; `of` is monotonic, and defined for positive numbers alone where `positive`."""

    text: str
    of: Callable[[float], float]
    positive: bool = False


RULES = {
    "times10": Rule("10 x", lambda value: 10 * value),
    "complement": Rule("1 - x", lambda value: 1 - value),
    "reciprocal": Rule("1 / x", lambda value: 1 / value, positive=True),
}
METRICS = {"bleu4": "BLEU-4*", "radcliq": "RadCliQ*"}


def with_rules(tables: Sequence[PaperTable], chosen: Sequence[str]) -> tuple[PaperTable, ...]:
    """Return the tables with the chosen rules in their starred rows.

    Args:
        tables: of the paper.
        chosen: such as "bleu4=times10".

    Raises:
        EvalError: an unknown metric or rule.
    """
    rules: dict[str, str] = {}
    for word in chosen:
        metric, _, rule = word.partition("=")
        if metric not in METRICS or rule not in RULES:
            raise EvalError(
                f"--starred {word}: wanted METRIC=RULE, with a metric of {', '.join(METRICS)} and a rule of "
                f"{', '.join(f'{name} ({rule.text})' for name, rule in RULES.items())}."
            )
        rules[METRICS[metric]] = rule
    return tuple(_with_rules(table, rules) for table in tables)


def rescaled(row: Row, score: Score) -> Score:
    """Rescale a score by the rule of its row; the interval follows. Without a value where the rule has none."""
    if not row.rule or score.value is None:
        return score
    rule = RULES[row.rule]
    told = f"{row.place[-1]} as {rule.text} of ours, chosen with --starred: the paper gives no rule"
    note = "; ".join(part for part in (told, score.note) if part)
    if rule.positive and score.value <= 0:
        return replace(
            score, value=None, interval=None, stderr=None, note=f"no {rule.text} of {score.value:.3f}; {note}"
        )
    bounds = score.interval
    if bounds and not (rule.positive and bounds[0] <= 0):
        low, high = sorted(rule.of(bound) for bound in bounds)
        bounds = (low, high)
    else:
        bounds = None
    return replace(score, value=rule.of(score.value), interval=bounds, stderr=None, note=note)


def _with_rules(table: PaperTable, rules: dict[str, str]) -> PaperTable:
    rows = tuple(
        replace(row, rule=rules[row.place[-1]], starred=False) if row.starred and row.place[-1] in rules else row
        for row in table.rows
    )
    still = any(row.starred for row in rows)
    return replace(table, rows=rows, notes=tuple(note for note in table.notes if still or note != STARRED))
