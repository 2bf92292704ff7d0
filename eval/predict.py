"""One run: a checkpoint answers a split of a data set into a predictions file."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bimedix2_plugin.image_store import ImageStore, ImageStoreError
from eval.dataset import DataSet, Item
from eval.engine import Completion, Engine
from eval.errors import EvalError
from eval.plan import Checkpoint, Selection, make_header, select_items
from eval.predictions import Prediction, PredictionsFile
from eval.progress import Progress, say


def run(checkpoint: Checkpoint, data: DataSet, selection: Selection, path: Path) -> None:
    """Answer what the file at `path` does not hold yet. All input is checked before a model is loaded."""
    items = select_items(data, selection)
    store = _checked_store(data, items) if checkpoint.llava else None
    file = PredictionsFile(path, make_header(checkpoint, data, selection))
    if not {item.id for item in items} - file.finished:
        say(f"{path.stem}: all {len(items)} items are there already")
        return
    engine = checkpoint.engine
    prompts = {item.id: engine.prompt(item) for item in items}
    progress = Progress(path.stem, len(items), len(file.finished))
    for batch in _batches(items, prompts, engine, checkpoint.settings.batch_size):
        # A half-finished batch is answered whole again, so that its padding, and with it every low-precision
        # rounding, is that of the uninterrupted run.
        todo = [item for item in batch if item.id not in file.finished]
        if todo:
            answers = _answer(engine, batch, prompts, store, f"{data.name}/{selection.split}")
            file.append(answers[item.id] for item in todo)
            progress.add(len(todo))


def _checked_store(data: DataSet, items: Sequence[Item]) -> ImageStore | None:
    """Open the image store if any item needs it, and look every key up before the work starts."""
    if not any(item.images for item in items):
        return None
    try:
        store = ImageStore(data.folder / "images")
    except ImageStoreError as error:
        raise EvalError(str(error)) from error
    for item in items:
        for key in item.images:
            if key not in store:
                raise EvalError(
                    f"{store.folder}: no image {key!r}, which item {item.id!r} shows. Build the data again."
                )
    return store


def _batches(items: Sequence[Item], prompts: dict[str, str], engine: Engine, size: int) -> list[list[Item]]:
    """Sort by number of images, task and prompt length, the longest first.

    Prompts of one length need little padding, and answers to one task end at about the same step.
    """
    ordered = sorted(items, key=lambda item: (-len(item.images), item.task, -engine.length(prompts[item.id]), item.id))
    return [ordered[start : start + size] for start in range(0, len(ordered), size)]


def _answer(
    engine: Engine, batch: Sequence[Item], prompts: dict[str, str], store: ImageStore | None, benchmark: str
) -> dict[str, Prediction]:
    """Answer one batch; an item whose picture cannot be decoded gets an `error` in place of an answer."""
    start = time.monotonic()
    pictures: dict[str, list[Any]] = {}
    errors: dict[str, str] = {}
    for item in batch:
        try:
            pictures[item.id] = [store.image(key) for key in item.images] if store else []
        except ImageStoreError as error:
            errors[item.id] = str(error)
    readable = [item for item in batch if item.id in pictures]
    completions: list[Completion] = []
    if readable:
        completions = engine.answer([prompts[item.id] for item in readable], [pictures[item.id] for item in readable])
    seconds = round((time.monotonic() - start) / len(batch), 4)
    answers = {
        item.id: _line(benchmark, item, prompts[item.id], completion, seconds, shown=store is not None)
        for item, completion in zip(readable, completions, strict=True)
    }
    for item in batch:
        if item.id in errors:
            line = _line(benchmark, item, prompts[item.id], Completion("", "error", 0), seconds, shown=True)
            answers[item.id] = {**line, "error": errors[item.id]}
    return answers


def _line(
    benchmark: str, item: Item, prompt: str, completion: Completion, seconds: float, *, shown: bool
) -> Prediction:
    """Make the predictions file's line of one item; `seconds` is the item's share of its batch's time."""
    return {
        "benchmark": benchmark,
        "item": item.id,
        "language": item.language,
        "task": item.task,
        "modality": item.modality,
        "question": item.question,
        "prompt": prompt,
        "image_hashes": list(item.images) if shown else [],
        "output": completion.text,
        "finish_reason": completion.finish_reason,
        "tokens": completion.tokens,
        "seconds": seconds,
        "gold": item.gold,
    }
