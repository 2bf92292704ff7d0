"""One run: a model answers the items of a benchmark into a predictions file."""

from __future__ import annotations

import hashlib
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.benchmark import Benchmark
from eval.engines.engine import Completion, Engine, Model, Request
from eval.errors import EvalError, say
from eval.images import read_image
from eval.items import Header, Item, Prediction, check_items
from eval.predictions import PredictionsFile
from eval.sight import check_sight, first_of_each


@dataclass(frozen=True)
class Questions:
    """What a run asks: `items` in a fixed order, with unique ids; `about` is what the header says of them."""

    benchmark: Benchmark
    items: list[Item]
    about: dict[str, Any]


def questions_of(benchmark: Benchmark, limit: int | None = None) -> Questions:
    """Ask a benchmark, or the first `limit` of its items; what the header says is of all its items.

    Raises:
        EvalError: a file of it cannot be used, or its ids are missing or not unique.
    """
    items = benchmark.items()
    check_items(items, benchmark.name)
    return Questions(benchmark, items[:limit], benchmark.header(items, limit))


def longest_answer(model: Model, benchmark: Benchmark) -> int:
    """Return the maximal number of tokens of an answer: the model's setting if there is one, else the benchmark's."""
    return model.max_new_tokens or benchmark.MAX_NEW_TOKENS


def make_header(model: Model, questions: Questions) -> Header:
    """Describe all that decides the predictions; two runs with equal headers can share a file."""
    described, benchmark = model.header(), questions.benchmark
    shown = "permuted" if benchmark.permuted else "shown"
    greedy = {"decoding": "greedy", "max_new_tokens": longest_answer(model, benchmark)}
    return {
        "format": 1,
        **described,
        "images": shown if model.shows_images else "not shown",
        "permuted": benchmark.permuted,
        "generation": greedy | described["generation"],
        **questions.about,
        "versions": {"python": platform.python_version()} | described["versions"],
    }


def run(model: Model, questions: Questions, path: Path) -> None:
    """Answer what the file at `path` does not hold yet. All input is checked before a model is loaded."""
    items, benchmark = questions.items, questions.benchmark
    check_sight(model, [(benchmark.name, items)])
    if model.shows_images:
        benchmark.check_images(items)
    header = make_header(model, questions)
    header["engine"] |= {
        "prompt_tokens": model.prompt_tokens(first_of_each(items, benchmark, shown=model.shows_images))
    }
    file = PredictionsFile(path, header)
    if not {item.id for item in items} - file.finished:
        say(f"{path.stem}: all {len(items)} items are there already")
        return
    engine = model.engine
    prompts = {item.id: engine.prompt(item) for item in items}
    longest = longest_answer(model, benchmark)
    progress = Progress(path.stem, len(items), len(file.finished))
    for batch in _batches(items, prompts, engine, model.batch_size):
        todo = [item for item in batch if item.id not in file.finished]
        if todo:
            # A half-finished batch is answered whole again where its padding, and with it every low-precision
            # rounding, has to be that of the uninterrupted run.
            asked = batch if engine.WHOLE_BATCHES else todo
            answers = _answer(engine, asked, prompts, benchmark, shown=model.shows_images, max_new_tokens=longest)
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
    benchmark: Benchmark,
    *,
    shown: bool,
    max_new_tokens: int,
) -> dict[str, Prediction]:
    """Answer one batch; an item whose image cannot be read gets an `error` in place of an answer."""
    start = time.monotonic()
    requests: dict[str, Request] = {}
    completions: dict[str, Completion] = {}
    for item in batch:
        try:
            images = tuple(read_image(benchmark.image(name), name) for name in item.images) if shown else ()
            requests[item.id] = Request(item, prompts[item.id], images)
        except EvalError as error:
            requests[item.id] = Request(item, prompts[item.id])
            completions[item.id] = Completion("", "error", 0, str(error))
    readable = [request for name, request in requests.items() if name not in completions]
    if readable:
        answered = engine.answer(readable, max_new_tokens)
        completions |= {request.item.id: answer for request, answer in zip(readable, answered, strict=True)}
    seconds = round((time.monotonic() - start) / len(batch), 4)
    return {
        name: _prediction(benchmark.name, request, completions[name], seconds, shown)
        for name, request in requests.items()
    }


def _prediction(benchmark: str, request: Request, completion: Completion, seconds: float, shown: bool) -> Prediction:
    """`seconds` is the item's share of its batch's time."""
    return Prediction.of(
        request.item,
        benchmark=benchmark,
        prompt=request.prompt,
        images=list(request.item.images) if shown else [],
        image_hashes=[hashlib.sha256(image.content).hexdigest() for image in request.images],
        output=completion.text,
        finish_reason=completion.finish_reason,
        tokens=completion.tokens,
        seconds=seconds,
        error=completion.error,
    )


class Progress:
    """Tell items done, rate and time left, at most once every `interval` seconds and at the end."""

    def __init__(self, name: str, total: int, done: int = 0, interval: float = 10.0) -> None:
        self.name, self.total, self.done, self.interval = name, total, done, interval
        self._done_before = done
        self._start = self._last = time.monotonic()

    def add(self, items: int) -> None:
        """Count finished items, and print a line if it is time."""
        self.done += items
        now = time.monotonic()
        if now - self._last >= self.interval or self.done >= self.total:
            self._last = now
            rate = (self.done - self._done_before) / max(now - self._start, 1e-9)
            left = (self.total - self.done) / max(rate, 1e-9)
            say(f"{self.name}: {self.done}/{self.total} items, {rate:.2f} items/s, {left:.0f} s left")
