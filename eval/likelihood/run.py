"""Run a likelihood benchmark: prompts from lm-eval, likelihoods from the checkpoint, one prediction per question."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from eval.benchmark import Benchmark
from eval.benchmarks.multiple_choice import ChoiceBenchmark, likeliest
from eval.errors import EvalError, say
from eval.items import Header, Item, Prediction
from eval.likelihood.language_model import language_model, make_task
from eval.model import Checkpoint
from eval.predict import Progress, Questions, make_header, questions_of
from eval.predictions import PredictionsFile
from eval.unanswered import check_answers

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from lm_eval.api.model import TemplateLM
    from lm_eval.api.task import ConfigurableTask

CHUNK = 64
"""Questions scored and written together: the most that a killed run repeats."""


@dataclass(frozen=True)
class Prompting:
    """The form of a prompt: `shots` examples before each question, and whether the checkpoint's chat template is used.

    The paper states neither. lm-eval's defaults are no examples and no template.
    """

    shots: int = 0
    chat_template: bool = False


PLAIN = Prompting()


def run_likelihood(
    checkpoint: Checkpoint, benchmark: Benchmark, path: Path, limit: int | None, prompting: Prompting = PLAIN
) -> None:
    """Score the options of every question that is not yet in the file at `path`.

    `limit` keeps only the first questions. All files are read before a model is loaded.

    Raises:
        NoAnswersError: no question has finite likelihoods.
        EvalError: a file or a row that cannot be used, or predictions of another run at `path`.
    """
    if not isinstance(benchmark, ChoiceBenchmark):
        raise EvalError(f"{benchmark.name}: this benchmark has no options to score by likelihood.")
    questions = questions_of(benchmark, limit)
    items = questions.items
    file = PredictionsFile(path, likelihood_header(checkpoint, benchmark, questions, prompting))
    if not {item.id for item in items} - file.finished:
        say(f"{path.stem}: all {len(items)} items are there already")
        return
    task = make_task(benchmark, prompting.shots)
    model = language_model(checkpoint, chat_template=prompting.chat_template)
    requests = _requests(task, items, model if prompting.chat_template else None)
    progress = Progress(path.stem, len(items), len(file.finished))
    for chunk in _chunks(items, requests):
        # An interrupted chunk is scored again as a whole: the same batches give the same rounding in low precision
        # as in an uninterrupted run.
        todo = [item for item in chunk if item.id not in file.finished]
        if todo:
            lines = _answer(model, chunk, requests)
            file.append(lines[item.id] for item in todo)
            progress.add(len(todo))
    check_answers(path)


def likelihood_header(
    checkpoint: Checkpoint, benchmark: ChoiceBenchmark, questions: Questions, prompting: Prompting
) -> Header:
    """Describe everything that determines the predictions, including lm-eval's settings."""
    header = make_header(checkpoint, questions)
    examples = benchmark.examples() if prompting.shots else None
    return {
        **header,
        "engine": {
            "name": "lm-eval",
            "version": version("lm-eval"),
            "prompt_tokens": "unverified: lm-eval makes them",
            **(
                {"through": header["engine"]}
                if checkpoint.engine_name == "vllm"
                else checkpoint.settings.placement.header()
            ),
        },
        "generation": {"decoding": "likelihood", **checkpoint.header()["generation"]},
        "likelihood": {
            "task": benchmark.task.name,
            "shots": prompting.shots,
            "chat_template": prompting.chat_template,
            "examples_sha256": _sha256(examples) if examples else None,
        },
    }


def _sha256(content: object) -> str:
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def _requests(task: ConfigurableTask, items: Sequence[Item], model: TemplateLM | None) -> dict[str, list[Instance]]:
    """Build the prompts of all items at once, since lm-eval draws few-shot examples prompt by prompt.

    Returns item id -> requests, one per option. With a `model`, prompts use its chat template.
    """
    task.build_all_requests(
        limit=len(items),
        apply_chat_template=model is not None,
        chat_template=model.apply_chat_template if model else None,
        fewshot_as_multiturn=True,
    )
    requests: dict[str, list[Instance]] = {item.id: [] for item in items}
    for request in task.instances:
        requests[items[request.doc_id].id].append(request)
    return requests


def _chunks(items: Sequence[Item], requests: Mapping[str, Sequence[Instance]]) -> list[list[Item]]:
    """Sort by prompt length, longest first, so that batches need little padding; then split into chunks."""
    ordered = sorted(items, key=lambda item: (-len(requests[item.id][0].args[0]), item.id))
    return [ordered[start : start + CHUNK] for start in range(0, len(ordered), CHUNK)]


def _answer(
    model: TemplateLM, chunk: Sequence[Item], requests: Mapping[str, Sequence[Instance]]
) -> dict[str, Prediction]:
    """Score the options of a chunk of items."""
    start = time.monotonic()
    answers = iter(model.loglikelihood([each for item in chunk for each in requests[item.id]], disable_tqdm=True))
    values = {item.id: [float(next(answers)[0]) for _ in requests[item.id]] for item in chunk}
    seconds = round((time.monotonic() - start) / len(chunk), 4)
    return {item.id: _line(model, item, requests[item.id], values[item.id], seconds) for item in chunk}


def _line(
    model: TemplateLM, item: Item, requests: Sequence[Instance], loglikelihoods: Sequence[float], seconds: float
) -> Prediction:
    """Make the prediction of one item; `seconds` is its share of its chunk's time.

    Its facts hold everything that accuracy needs: log-likelihoods, and lengths in characters as lm-eval counts them.
    `cut` tells whether lm-eval had to truncate the beginning of the prompt.
    """
    facts = {
        **item.facts,
        "loglikelihoods": list(loglikelihoods),
        "lengths": [len(option) for option in item.facts["options"]],
        "cut": any(len(model.tok_encode("".join(each.args))) > model.max_length + 1 for each in requests),
    }
    usable = all(math.isfinite(value) for value in loglikelihoods)
    return Prediction.of(
        item,
        benchmark=item.task,
        prompt=requests[0].args[0],
        output=facts["options"][likeliest(facts)] if usable else "",
        finish_reason="likelihood" if usable else "error",
        tokens=0,
        seconds=seconds,
        facts=facts if usable else dict(item.facts),
        error="" if usable else f"a log-likelihood is not finite: {loglikelihoods}",
    )
