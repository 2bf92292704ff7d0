"""Benchmarks, one after the other: all input is checked first, what is not there is skipped with one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eval.benchmark import Benchmark
from eval.benchmarks.multiple_choice import ChoiceBenchmark
from eval.engines.engine import Model
from eval.errors import EvalError, say
from eval.items import Header
from eval.likelihood.run import PLAIN, Prompting, run_likelihood
from eval.model import Checkpoint
from eval.predict import Questions, questions_of, run
from eval.predictions import read_predictions
from eval.registry import load

if TYPE_CHECKING:
    from eval.judge.client import JudgeSettings


@dataclass(frozen=True)
class Prepared:
    """A benchmark whose files were read."""

    benchmark: Benchmark
    questions: Questions


def run_benchmarks(
    model: Model,
    names: Sequence[str],
    root: Path,
    results: Path,
    *,
    limit: int | None = None,
    judge: JudgeSettings | None = None,
    prompting: Prompting = PLAIN,
) -> None:
    """Predict every benchmark that can be run into `results`, then judge those that need it.

    `prompting` is for the benchmarks that are scored by likelihood.

    Raises:
        EvalError: none can be run, a file cannot be used, or `results` belongs to another checkpoint.
    """
    if judge:
        judge.check()
    ready, missing = find(names, root, model, prompting.shots)
    for line in missing:
        say(f"skipped: {line}")
    if not ready:
        raise EvalError(f"Nothing can be run: none of {', '.join(names)} is ready under {root}. See the lines above.")
    check_results(results, model, names)
    prepared = [Prepared(each, questions_of(each, limit)) for each in ready]
    for each in prepared:
        _predict(model, each, results, limit, prompting)
    _judge([each.name for each in ready if each.JUDGED], results, root, judge)
    say(f"done: {', '.join(each.name for each in ready)}. Predictions are in {results / 'predictions'}.")
    if missing:
        skipped = ", ".join(line.partition(":")[0] for line in missing)
        say(f"skipped: {skipped}. `python -m eval benchmarks --root {root}` says how to get what is not there.")


def find(
    names: Sequence[str], root: Path, model: Model | None = None, shots: int = 0
) -> tuple[list[Benchmark], list[str]]:
    """Return the benchmarks that can be run, and one line for each that cannot, with what to do."""
    ready, missing = [], []
    for name in names:
        try:
            benchmark = load(name, root)
        except ModuleNotFoundError as error:
            missing.append(f"{name}: it needs the package {error.name}. Install it.")
            continue
        problems = benchmark.problems()
        if model is not None and benchmark.LIKELIHOOD and not _has_likelihoods(model):
            problems = ["options are scored by likelihood, which needs a checkpoint folder and --engine transformers"]
        if shots and not problems and isinstance(benchmark, ChoiceBenchmark):
            problems = benchmark.example_problems()
        if problems:
            missing.append(f"{name}: {' '.join(problem.removeprefix(f'{name}: ') for problem in problems)}")
        else:
            ready.append(benchmark)
    return ready, missing


def check_results(results: Path, model: Model, names: Sequence[str]) -> None:
    """Look whether a results folder is this model's, so that no report mixes two.

    Raises:
        EvalError: a benchmark's predictions in it come from another model.
    """
    mine = _identity(model.header())
    for path in sorted((results / "predictions").glob("*.jsonl")):
        # The whole header of a file of these names is compared when it is opened.
        header = read_predictions(path).header
        if path.stem not in names and "benchmark" in header and _identity(header) != mine:
            raise EvalError(
                f"{path}: these predictions are of another checkpoint, {header['model']}. "
                "One results folder holds one checkpoint: choose another --out."
            )


def _identity(header: Header) -> str:
    """What tells models apart: the checkpoint's hash, or a server's name for its model."""
    return header["checkpoint_sha256"] or header["model"]


def _has_likelihoods(model: Model) -> bool:
    return isinstance(model, Checkpoint) and model.engine_name == "transformers"


def _predict(model: Model, prepared: Prepared, results: Path, limit: int | None, prompting: Prompting) -> None:
    path = results / "predictions" / f"{prepared.benchmark.name}.jsonl"
    if not prepared.benchmark.LIKELIHOOD:
        run(model, prepared.questions, path)
        return
    assert isinstance(model, Checkpoint), "find() leaves likelihood benchmarks out for other models"
    run_likelihood(model, prepared.benchmark, path, limit, prompting)


def _judge(names: Sequence[str], results: Path, root: Path, judge: JudgeSettings | None) -> None:
    if not names:
        return
    if judge is None:
        say(f"not judged: {', '.join(names)}. Judge with `python -m eval judge {results} --judge-model MODEL`.")
        return
    from eval.judge.run import judge as ask_judge

    ask_judge(results, root, names, judge)
