"""One run: a model answers questions into a predictions file."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path

from eval.engines.engine import Completion, Engine, Model, Request
from eval.errors import EvalError
from eval.images import read_image
from eval.items import Item, Prediction
from eval.model import longest_answer, make_header
from eval.predictions import PredictionsFile
from eval.progress import Progress, say
from eval.questions import PictureBytes, Questions


def run(model: Model, questions: Questions, path: Path) -> None:
    """Answer what the file at `path` does not hold yet. All input is checked before a model is loaded."""
    items = questions.items
    pictures = questions.open_pictures() if model.shows_images else None
    file = PredictionsFile(path, make_header(model, questions))
    if not {item.id for item in items} - file.finished:
        say(f"{path.stem}: all {len(items)} items are there already")
        return
    engine = model.engine
    prompts = {item.id: engine.prompt(item) for item in items}
    longest = longest_answer(model, questions)
    progress = Progress(path.stem, len(items), len(file.finished))
    for batch in _batches(items, prompts, engine, model.batch_size):
        todo = [item for item in batch if item.id not in file.finished]
        if todo:
            # A half-finished batch is answered whole again where its padding, and with it every low-precision
            # rounding, has to be that of the uninterrupted run.
            asked = batch if engine.WHOLE_BATCHES else todo
            answers = _answer(engine, asked, prompts, pictures, source=questions.name, max_new_tokens=longest)
            file.append(answers[item.id] for item in todo)
            progress.add(len(todo))
            engine.check()
    if unanswered := len({item.id for item in items} - file.finished):
        say(f"{path.stem}: {unanswered} items have an error in place of an answer; the next run asks them again")


def _batches(items: Sequence[Item], prompts: dict[str, str], engine: Engine, size: int) -> list[list[Item]]:
    """Sort by number of images, task and prompt length, the longest first.

    Prompts of one length need little padding, and answers to one task end at about the same step.
    """
    ordered = sorted(items, key=lambda item: (-len(item.images), item.task, -engine.length(prompts[item.id]), item.id))
    return [ordered[start : start + size] for start in range(0, len(ordered), size)]


def _answer(
    engine: Engine,
    batch: Sequence[Item],
    prompts: dict[str, str],
    pictures: PictureBytes | None,
    *,
    source: str,
    max_new_tokens: int,
) -> dict[str, Prediction]:
    """Answer one batch; an item whose picture cannot be read gets an `error` in place of an answer."""
    start = time.monotonic()
    asked: dict[str, Request] = {}
    completions: dict[str, Completion] = {}
    for item in batch:
        try:
            shown = tuple(read_image(pictures(name), name) for name in item.images) if pictures else ()
            asked[item.id] = Request(item, prompts[item.id], shown)
        except EvalError as error:
            asked[item.id] = Request(item, prompts[item.id])
            completions[item.id] = Completion("", "error", 0, str(error))
    readable = [each for name, each in asked.items() if name not in completions]
    if readable:
        answered = engine.answer(readable, max_new_tokens)
        completions |= {each.item.id: answer for each, answer in zip(readable, answered, strict=True)}
    seconds = round((time.monotonic() - start) / len(batch), 4)
    return {name: _line(source, asked[name], completions[name], seconds, pictures is not None) for name in asked}


def _line(source: str, asked: Request, completion: Completion, seconds: float, shown: bool) -> Prediction:
    """Make the predictions file's line of one item; `seconds` is the item's share of its batch's time."""
    item = asked.item
    return Prediction(
        benchmark=source,
        item=item.id,
        language=item.language,
        task=item.task,
        modality=item.modality,
        question=item.question,
        prompt=asked.prompt,
        images=list(item.images) if shown else [],
        image_hashes=[hashlib.sha256(picture.content).hexdigest() for picture in asked.images],
        output=completion.text,
        finish_reason=completion.finish_reason,
        tokens=completion.tokens,
        seconds=seconds,
        gold=item.gold,
        facts=dict(item.facts),
        error=completion.error,
    )
