"""What the checks of curation find in labelled pairs, and their time: recall, false alarms, milliseconds a pair.

Run: python -m tests.bench.curate_checks
"""

from __future__ import annotations

import argparse
import time

from data_prep.curate.checks import REWRITING, TRANSLATION, findings
from tests.helpers.labelled_pairs import HALVES, TASKS, Measured, measured, pairs

_DIRECTIONS = ("en-ar", "ar-en")


def main() -> None:
    """Print one table for each task and half."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=20, help="how often the time is taken")
    given = options.parse_args()
    for task in TASKS:
        for half in HALVES:
            _print(f"{task}, {half}", measured(task, half), TRANSLATION if task == "translations" else REWRITING)
            for direction in _DIRECTIONS if task == "translations" else ("en", "ar"):
                counts = _of_direction(task, half, direction)
                print(f"  {direction:18} {_share(counts.found.total(), counts.planted.total())}", end="")
                print(f"  {_share(counts.alarmed, counts.good)}")
        subjects = [made for half in HALVES for made, _ in pairs(task, half)]
        start = time.perf_counter()
        for _ in range(given.rounds):
            for made in subjects:
                findings(made)
        print(f"{task}: {1000 * (time.perf_counter() - start) / given.rounds / len(subjects):.2f} ms a pair\n")


def _of_direction(task: str, half: str, direction: str) -> Measured:
    counts = Measured()
    for made, line in pairs(task, half):
        which = f"{line['source_language']}-{line['language']}" if "source" in line else line["language"]
        if which == direction:
            counts.add(line["errors"], {finding.check for finding in findings(made)})
    return counts


def _print(title: str, counts: Measured, names: object) -> None:
    print(f"{title}: {counts.good} good pairs, {counts.bad} with errors, of which {counts.noticed} fail a check")
    print("  check              errors found        good pairs that fail")
    for name in names:  # type: ignore[attr-defined]
        if counts.planted[name] or counts.false[name]:
            found = _share(counts.found[name], counts.planted[name])
            print(f"  {name:18} {found}  {_share(counts.false[name], counts.good)}")
    print(f"  {'all':18} {_share(counts.found.total(), counts.planted.total())}", end="")
    print(f"  {_share(counts.alarmed, counts.good)}")


def _share(part: int, whole: int) -> str:
    return f"{part:4} of {whole:4} {part / whole:6.1%}" if whole else " " * 19


if __name__ == "__main__":
    main()
