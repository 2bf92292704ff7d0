"""One run: a model answers the items of a benchmark into a predictions file."""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.batches import batches_of
from eval.benchmark import Benchmark
from eval.engines.engine import Completion, Engine, Model, Request
from eval.errors import EvalError, say
from eval.extent import size_of, wrong_size
from eval.images import DecodedImage, ReadImages, read_ahead
from eval.items import Header, Item, Prediction, check_items
from eval.predictions import PredictionsFile
from eval.sight import check_sight, first_of_each
from eval.unanswered import check_answers


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
    size = size_of(items, benchmark.size)
    if told := wrong_size(benchmark.name, size):
        say(told)
    about = {name: facts | {"size": size} for name, facts in benchmark.header(items, limit).items()}
    return Questions(benchmark, items[:limit], about)


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


def run_header(model: Model, questions: Questions) -> Header:
    """Describe a run that generates answers: also whether its tokens are those of the checkpoint's own processor."""
    header = make_header(model, questions)
    first = first_of_each(questions.items, questions.benchmark, shown=model.shows_images)
    return header | {"engine": header["engine"] | {"prompt_tokens": model.prompt_tokens(first)}}


def run(model: Model, questions: Questions, path: Path) -> None:
    """Answer what the file at `path` does not hold yet. All input is checked before a model is loaded.

    Raises:
        NoAnswersError: every item got an error in place of an answer.
        EvalError: something cannot be used, or the engine has stopped.
    """
    items, benchmark = questions.items, questions.benchmark
    check_sight(model, [(benchmark.name, items)])
    if model.shows_images:
        benchmark.check_images(items)
    file = PredictionsFile(path, run_header(model, questions))
    if not {item.id for item in items} - file.finished:
        say(f"{path.stem}: all {len(items)} items are there already")
        return
    engine = model.engine
    prompts = {item.id: engine.prompt(item) for item in items}
    lengths = {name: engine.length(prompt) for name, prompt in prompts.items()}
    batches = left_of(batches_of(items, lengths, model.batch_size), file.finished, whole=engine.WHOLE_BATCHES)
    names = [[name for item in batch for name in item.images if model.shows_images] for batch in batches]
    longest = longest_answer(model, benchmark)
    progress = Progress(path.stem, len(items), len(file.finished))
    start = time.monotonic()
    for batch, images in zip(batches, read_ahead(benchmark.image, names), strict=True):
        requests = [_request(item, prompts[item.id], images) for item in batch]
        completions = _answer(engine, requests, images, longest)
        seconds = round((time.monotonic() - start) / len(batch), 4)
        start = time.monotonic()
        lines = [
            _prediction(
                each, completions[each.item.id], benchmark=benchmark.name, shown=model.shows_images, seconds=seconds
            )
            for each in requests
            if each.item.id not in file.finished
        ]
        file.append(lines)
        progress.add(len(lines))
        engine.check()
    check_answers(path)


def left_of(batches: Sequence[list[Item]], finished: Set[str], *, whole: bool) -> list[list[Item]]:
    """Return what is still to ask of each batch.

    A half-finished batch is asked whole again where its padding, and with it every low-precision rounding, has to be
    that of the uninterrupted run.
    """
    left = [batch for batch in batches if any(item.id not in finished for item in batch)]
    return left if whole else [[item for item in batch if item.id not in finished] for batch in left]


def _request(item: Item, prompt: str, images: ReadImages) -> Request:
    """Ask an item with its images; with none if one of them cannot be read, or if none are shown."""
    found = [image for name in item.images if isinstance(image := images.get(name), DecodedImage)]
    return Request(item, prompt, tuple(found) if len(found) == len(item.images) else ())


def _answer(engine: Engine, requests: Sequence[Request], images: ReadImages, longest: int) -> dict[str, Completion]:
    """Answer a batch, by item id; an item whose image cannot be read gets an `error` in place of an answer."""
    completions: dict[str, Completion] = {}
    for each in requests:
        failed = [image for name in each.item.images if isinstance(image := images.get(name), EvalError)]
        if failed:
            completions[each.item.id] = Completion("", "error", 0, str(failed[0]))
    readable = [each for each in requests if each.item.id not in completions]
    if readable:
        answers = engine.answer(readable, longest)
        completions |= {each.item.id: answer for each, answer in zip(readable, answers, strict=True)}
    return completions


def _prediction(request: Request, completion: Completion, *, benchmark: str, shown: bool, seconds: float) -> Prediction:
    """`seconds` is the item's share of its batch's time."""
    return Prediction.of(
        request.item,
        benchmark=benchmark,
        prompt=request.prompt,
        images=list(request.item.images) if shown else [],
        image_hashes=[image.sha256 for image in request.images],
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
