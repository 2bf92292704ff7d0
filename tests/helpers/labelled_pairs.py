"""Labelled pairs of texts, and how many planted errors the checks find in them."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from data_prep.curate.checks import Rewriting, Translation, findings
from data_prep.curate.glossary import Term

PAIRS = Path(__file__).parents[1] / "data_prep" / "curate" / "pairs"
HALVES = ("development", "varied", "held_out")
TASKS = ("translations", "rewritings")
GLOSSARY = Path(__file__).parents[2] / "data_prep" / "curate" / "glossary" / "medical_en_ar.tsv"


@dataclass
class Measured:
    """Counts of one half of one task.

    Attributes:
        planted, found, false: by check: planted errors, those that this check finds, good pairs that it finds one in.
        good, alarmed: good pairs, and those in which any check finds an error.
        bad, noticed: pairs with errors, and those in which any check finds one.
    """

    planted: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    false: Counter[str] = field(default_factory=Counter)
    good: int = 0
    alarmed: int = 0
    bad: int = 0
    noticed: int = 0

    @property
    def recall(self) -> float:
        """The share of the planted errors that the check of their name finds; a pair may have several."""
        return self.found.total() / self.planted.total()

    @property
    def false_alarms(self) -> float:
        return self.alarmed / self.good

    def add(self, errors: list[str], checks: set[str]) -> None:
        """Count one pair: the errors planted in it and the checks that find one."""
        if errors:
            self.bad += 1
            self.noticed += bool(checks)
            self.planted.update(errors)
            self.found.update(checks.intersection(errors))
        else:
            self.good += 1
            self.alarmed += bool(checks)
            self.false.update(checks)


def pairs(task: str, half: str) -> list[tuple[Translation | Rewriting, dict]]:
    """The pairs of a file as the checks see them, with their lines."""
    lines = (PAIRS / f"{task}.{half}.jsonl").read_text(encoding="utf-8").splitlines()
    return [(_pair(line), line) for line in map(json.loads, lines)]


def _pair(line: dict) -> Translation | Rewriting:
    if "source" not in line:
        return Rewriting(
            line["question"], line["answer"], tuple(line["made"]), line.get("caption", ""), line["language"]
        )
    return Translation(
        tuple(line["source"]),
        tuple(line["made"]),
        line["source_language"],
        line["language"],
        tuple(Term(*term) for term in line["terms"]),
        line["options"],
    )


def measured(task: str, half: str) -> Measured:
    """The counts of one half of one task."""
    counts = Measured()
    for made, line in pairs(task, half):
        counts.add(line["errors"], {finding.check for finding in findings(made)})
    return counts
