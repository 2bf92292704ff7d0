"""Sample predictions for the report: both languages, right and wrong ones."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from eval.predictions import Prediction, Predictions
from eval.report.markup import block, inline
from eval.report.tables import label
from eval.scores import is_right, kind_of

JUDGED_KINDS = {"closed", "short", "text"}
Sample = tuple[Predictions, Prediction]


def pick_samples(runs: Sequence[Predictions], count: int = 10) -> list[Sample]:
    """Take turns between the pools (language, right or wrong) until there are enough.

    Only runs of the trained model with the true images count, and only kinds of which exact match is a fair judge.
    """
    pools: dict[tuple[str, bool], list[Sample]] = {}
    for run in runs:
        if run.header["images"] != "shown":
            continue
        for line in run.lines:
            right = is_right(line)
            if right is not None and kind_of(line) in JUDGED_KINDS:
                pools.setdefault((line["language"], right), []).append((run, line))
    ordered = [_spread(pools[key], count) for key in sorted(pools)]
    rounds = (sample for samples in zip_longest(*ordered) for sample in samples if sample is not None)
    return [sample for _, sample in zip(range(count), rounds, strict=False)]


def _spread(pool: list[Sample], count: int) -> list[Sample]:
    """Return up to `count` samples at even distances, so that they are not neighbours in the file."""
    step = max(1, len(pool) // count)
    return pool[::step]


def samples_markup(samples: Sequence[Sample]) -> str:
    """Write the samples as Markdown, Arabic from right to left, all text escaped."""
    return "\n\n".join(_sample_markup(number, run, line) for number, (run, line) in enumerate(samples, start=1))


def _sample_markup(number: int, run: Predictions, line: Prediction) -> str:
    verdict = "right" if is_right(line) else "wrong"
    pictures = len(line["image_hashes"])
    facts = f"{line['item']} ({label(run)}; {kind_of(line)}; {line['modality'] or 'no modality'}; images: {pictures})"
    fields = {"Question": line["question"], "Answer": line["output"], "Gold": line["gold"]}
    texts = [f"{name}:\n\n{block(text, line['language'])}" for name, text in fields.items()]
    return "\n\n".join([f"**{number}. {verdict}**: {inline(facts)}", *texts])
