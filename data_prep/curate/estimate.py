"""What a step costs: counted over its rows before a call, corrected after the first replies, counted after."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from data_prep.curate.errors import CurateError
from data_prep.curate.items import Item, Unusable, items
from data_prep.curate.step_file import Loaded
from data_prep.llm.client import Messages
from data_prep.rows import Reject, Rejected
from data_prep.sources.dataset import Dataset

CHARACTERS_PER_TOKEN = {"en": 4.0, "ar": 2.5}
"""Of current tokenizers, about; the first replies correct it."""
TOKENS_PER_SECOND = 40.0
"""Of one reply among several at a time, about; the first replies correct it."""
TOKENS_PER_IMAGE = 800
CORRECTED_AFTER = 50
_ARABIC = re.compile("[\u0600-\u06ff]")
_SHOWN = 3


@dataclass
class Estimate:
    """Rows, calls and tokens of a step. `skipped` counts rows that the step takes nothing from."""

    rows: int = 0
    unusable: int = 0
    skipped: int = 0
    calls: int = 0
    tokens_in: float = 0.0
    tokens_out: float = 0.0
    parents: set[str] = field(default_factory=set)


def work(loaded: Loaded, counted: Counter[str] | None = None) -> Iterator[Item | Unusable]:
    """Yield the rows that the step works on, with their captions, and those that cannot be used; others are counted."""
    step, taken, ids = loaded.step, 0, set[str]()
    for one in items(loaded.inputs, step.limits.characters):
        if step.limits.rows is not None and taken >= step.limits.rows:
            return
        if isinstance(one, Unusable):
            taken += 1
            yield one
            continue
        context = loaded.captions.context(one) if "caption" in loaded.kind.FIELDS else {}
        if not loaded.kind.takes(one.sample) or ("caption" in loaded.kind.FIELDS and not context):
            if counted is not None:
                counted["skipped"] += 1
            continue
        taken += 1
        if one.sample.id in ids:
            detail = "an earlier row of the input has this id"
            yield Unusable(one.place, one.source, Rejected(one.sample.id, "duplicate_id", detail))
            continue
        ids.add(one.sample.id)
        yield _loadable(loaded, Item(one.place, one.source, one.split, one.sample, context))


def _loadable(loaded: Loaded, item: Item) -> Item | Unusable:
    """The row, or why one of its images is missing or cannot be sent: nothing is then asked about it."""
    model, source = loaded.step.model, loaded.inputs[item.place].source
    if model is None:
        return item
    try:
        for name in item.sample.images:
            if model.images or not source.has_image(name):
                source.load(name)
    except Reject as reject:
        return Unusable(item.place, item.source, Rejected(item.sample.id, reject.reason, reject.detail))
    return item


def estimate(loaded: Loaded) -> Estimate:
    """Count rows and tokens without a call.

    Raises CurateError for a row whose parent is nowhere, for one of a benchmark's test split in a dataset folder, and
    for a benchmark of rows that are not held out.
    """
    sources = (given.source for given in loaded.inputs)
    tests = [source.test_sources() if isinstance(source, Dataset) else set() for source in sources]
    made, ids, counted = Estimate(), set[str](), Counter[str]()
    for one in work(loaded, counted):
        if isinstance(one, Unusable):
            made.unusable += 1
            continue
        made.rows += 1
        ids.add(one.sample.id)
        if one.sample.parent and not loaded.inputs[one.place].source.PARENTS_ELSEWHERE:
            made.parents.add(one.sample.parent)
        if loaded.step.kind != "benchmark" and one.source in tests[one.place]:
            raise CurateError(
                f"{loaded.step.name}: {one.sample.id} comes from {one.source}, a benchmark's test split; what is made "
                "from it would be a test question: name the `splits` to read, or use `kind: benchmark`"
            )
        if loaded.step.kind == "benchmark" and one.split == "train":
            raise CurateError(
                f"{loaded.step.name}: {one.sample.id} is a row for training; a benchmark is made from held-out rows: "
                "give `into: test` for a source that is held out, or the splits of a dataset"
            )
        if loaded.prompt is not None:
            _add(made, loaded, one)
    made.skipped = counted["skipped"]
    lost = sorted(made.parents - ids - _other_ids(loaded, made.parents))
    if lost and loaded.step.kind != "benchmark":
        raise CurateError(
            f"{loaded.step.name}: {len(lost)} parents are in no input, such as {', '.join(lost[:_SHOWN])}; add their "
            "source under `input`, or correct `parent`"
        )
    return made


def _other_ids(loaded: Loaded, wanted: set[str]) -> set[str]:
    """The wanted ids that rows have which the step does not take."""
    if not wanted:
        return set()
    every = items(loaded.inputs, loaded.step.limits.characters)
    return {one.sample.id for one in every if isinstance(one, Item) and one.sample.id in wanted}


def _add(made: Estimate, loaded: Loaded, item: Item) -> None:
    assert loaded.prompt is not None
    made.calls += 1
    made.tokens_in += tokens(loaded.prompt.messages(loaded.kind.fields(item)))
    made.tokens_in += TOKENS_PER_IMAGE * len(item.sample.images) if loaded.step.asked.images else 0
    out = loaded.kind.expected(item) / CHARACTERS_PER_TOKEN[loaded.kind.reply_language(item)]
    made.tokens_out += min(out, loaded.step.asked.max_tokens)


def tokens(messages: Messages) -> float:
    """About how many tokens these turns have, from their characters by script."""
    texts = [turn["content"] for turn in messages]
    arabic = sum(len(_ARABIC.findall(text)) for text in texts)
    return arabic / CHARACTERS_PER_TOKEN["ar"] + (sum(map(len, texts)) - arabic) / CHARACTERS_PER_TOKEN["en"]


def hours(tokens_out: float, concurrency: int, per_second: float = TOKENS_PER_SECOND) -> float:
    """Hours for so many tokens of replies."""
    return tokens_out / per_second / concurrency / 3600


def in_words(hours: float) -> str:
    """A time in the largest fitting unit."""
    if hours * 60 < 1:
        return "less than a minute"
    return f"about {hours * 60:.0f} minutes" if hours < 2 else f"about {hours:,.1f} hours"


def cost(loaded: Loaded, tokens_in: float, tokens_out: float) -> float | None:
    """The cost at the step's prices; None without both."""
    model = loaded.step.model
    if model is None or model.price_in is None or model.price_out is None:
        return None
    return (tokens_in * model.price_in + tokens_out * model.price_out) / 1e6


def said(loaded: Loaded, made: Estimate) -> str:
    """The estimate in words."""
    lines = [f"{loaded.step.name}: {made.rows:,} rows; {made.skipped:,} not of this step, {made.unusable:,} unusable"]
    if loaded.prompt is None:
        return "\n".join([*lines, "no model is asked"])
    model = loaded.step.asked
    took = hours(made.tokens_out, model.concurrency)
    price = cost(loaded, made.tokens_in, made.tokens_out)
    lines += [
        f"{made.calls:,} calls, and one more for each reply that fails a check; about {made.tokens_in:,.0f} tokens in, "
        f"{made.tokens_out:,.0f} out",
        f"{in_words(took)} at {model.concurrency} requests at a time and {TOKENS_PER_SECOND:.0f} tokens a second each",
        "no cost: the step names no prices" if price is None else f"about {price:,.2f} at the step's prices",
    ]
    return "\n".join(lines)
