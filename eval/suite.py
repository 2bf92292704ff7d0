"""A run over several benchmarks: check all input first, skip what is missing with one line, then predict and judge."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eval.benchmark import Benchmark
from eval.benchmarks.multiple_choice import ChoiceBenchmark
from eval.engines.engine import Model
from eval.errors import EvalError, say
from eval.items import Header
from eval.likelihood.run import PLAIN, Prompting, likelihood_header, run_likelihood
from eval.model import Checkpoint
from eval.predict import Questions, questions_of, run, run_header
from eval.predictions import check_same_run, read_predictions
from eval.registry import BENCHMARKS, SUITES, load, name_of
from eval.report.markdown import plain_table
from eval.sight import check_sight
from eval.unanswered import NoAnswersError, Unanswered

if TYPE_CHECKING:
    from eval.judge.client import JudgeSettings


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
    """Predict every benchmark that can be run, into `results`, then judge those that need a judge.

    `prompting` applies to the benchmarks that are scored by likelihood.

    Raises:
        NoAnswersError: no item of a benchmark was answered; the others are done.
        EvalError: none can be run, a file cannot be used, or `results` belongs to another checkpoint or run.
    """
    if judge:
        judge.check()
    ready, missing = find(names, root, model, prompting.shots)
    for line in missing:
        say(f"skipped: {line}")
    if not ready:
        raise EvalError(f"Nothing can be run: none of {', '.join(names)} is ready under {root}. See the lines above.")
    check_results(results, model, list(map(name_of, names)))
    asked = [questions_of(benchmark, limit) for benchmark in ready]
    check_sight(model, [(each.benchmark.name, each.items) for each in asked])
    paths = [results / "predictions" / f"{each.benchmark.name}.jsonl" for each in asked]
    for questions, path in zip(asked, paths, strict=True):
        if path.is_file():
            check_same_run(path, _header(model, questions, prompting))
    failed: dict[str, str] = {}
    for questions, path in zip(asked, paths, strict=True):
        try:
            _predict(model, questions, path, limit, prompting)
        except NoAnswersError as error:  # the other benchmarks may have answers
            failed[questions.benchmark.name] = str(error)
            say(f"{questions.benchmark.name}: no item was answered")
    _judge([each.name for each in ready if each.JUDGED and each.name not in failed], results, root, judge)
    if done := [path for path in paths if path.stem not in failed]:
        say(f"done: {', '.join(map(_done, done))}. Predictions are in {results / 'predictions'}.")
    if missing:
        skipped = ", ".join(line.partition(":")[0] for line in missing)
        say(f"skipped: {skipped}. `python -m eval benchmarks --root {root}` tells how to get them.")
    if failed:
        raise NoAnswersError("\n".join(failed.values()))


def find(
    names: Sequence[str], root: Path, model: Model | None = None, shots: int = 0
) -> tuple[list[Benchmark], list[str]]:
    """Return the benchmarks that can be run, and one line for each of the others, with what to do."""
    ready, missing = [], []
    for name in names:
        try:
            benchmark = load(name, root)
        except ModuleNotFoundError as error:
            missing.append(f"{name}: it needs the package {error.name}. Install it.")
            continue
        problems = benchmark.problems()
        if model is not None and benchmark.LIKELIHOOD and not _has_likelihoods(model):
            problems = ["options are scored by likelihood, which needs a checkpoint and --engine transformers or vllm"]
        elif model is not None and benchmark.LIKELIHOOD and importlib.util.find_spec("lm_eval") is None:
            problems = ["options are scored by lm-eval, which is not here: `uv pip install lm-eval datasets`"]
        if shots and not problems and isinstance(benchmark, ChoiceBenchmark):
            problems = benchmark.example_problems()
        if problems:
            missing.append(f"{name}: {' '.join(problem.removeprefix(f'{name}: ') for problem in problems)}")
        else:
            ready.append(benchmark)
    return ready, missing


def check_results(results: Path, model: Model, names: Sequence[str]) -> None:
    """Check that a results folder belongs to this model, so that no report mixes two.

    Raises:
        EvalError: it holds benchmark predictions of another model.
    """
    mine = _identity(model.header())
    for path in sorted((results / "predictions").glob("*.jsonl")):
        # The files of `names` are left out: their whole header is compared.
        header = read_predictions(path).header
        if path.stem not in names and "benchmark" in header and _identity(header) != mine:
            raise EvalError(
                f"{path}: these predictions are of another checkpoint, {header['model']}. "
                "One results folder holds one checkpoint: choose another --out."
            )


def _identity(header: Header) -> str:
    """Return what identifies a model: the checkpoint's hash, or the server's name for it."""
    return header["checkpoint_sha256"] or header["model"]


def _has_likelihoods(model: Model) -> bool:
    return isinstance(model, Checkpoint)


def _header(model: Model, questions: Questions, prompting: Prompting) -> Header:
    benchmark = questions.benchmark
    if isinstance(benchmark, ChoiceBenchmark) and isinstance(model, Checkpoint):
        return likelihood_header(model, benchmark, questions, prompting)
    return run_header(model, questions)


def _predict(model: Model, questions: Questions, path: Path, limit: int | None, prompting: Prompting) -> None:
    benchmark = questions.benchmark
    if not benchmark.LIKELIHOOD:
        run(model, questions, path)
        return
    assert isinstance(model, Checkpoint), "find() leaves likelihood benchmarks out for other models"
    run_likelihood(model, benchmark, path, limit, prompting)


def _judge(names: Sequence[str], results: Path, root: Path, judge: JudgeSettings | None) -> None:
    if not names:
        return
    if judge is None:
        say(f"not judged: {', '.join(names)}. Judge with `python -m eval judge {results} --judge-model MODEL`.")
        return
    from eval.judge.run import judge as ask_judge

    ask_judge(results, root, names, judge)


def _done(path: Path) -> str:
    """The name of a predictions file, and how many of its items have no answer."""
    unanswered = Unanswered.of(read_predictions(path).lines)
    return f"{path.stem} ({unanswered.count:,} of {unanswered.items:,} without an answer)" if unanswered else path.stem


def listing(root: Path) -> str:
    """Return the table of all benchmarks, how to get the missing ones, and the suites."""
    table = [["benchmark", "paper", "licence", "split", f"under {root}"]]
    missing: dict[tuple[str, str, str], list[str]] = {}
    for name in BENCHMARKS:
        try:
            benchmark = load(name, root)
        except ModuleNotFoundError as error:
            table.append([name, "", "", "", f"needs the package {error.name}"])
            continue
        problems = benchmark.problems()
        about = benchmark.ABOUT
        table.append([name, about.table or "-", about.licence, about.split, "missing" if problems else "there"])
        if problems:
            missing.setdefault((about.title, wanted(benchmark), about.get), []).append(name)
    suites = [f"--suite {suite}: {', '.join(names)}" for suite, names in SUITES.items()]
    rest = [
        line
        for (title, layout, get), names in missing.items()
        for line in (f"{', '.join(names)} ({title})", f"  wants  {layout}", f"  get it {get}")
    ]
    return "\n".join([plain_table(table), "", *(["How to get the rest:", *rest, ""] if rest else []), *suites])


def wanted(benchmark: Benchmark) -> str:
    """List the files that a benchmark needs, as paths from the root; its layout may be relative to its folder."""
    folder = getattr(benchmark, "FOLDER", "")
    words = re.split(r"(, or | or | and |, |also in |all of them in )", ", ".join(benchmark.ABOUT.layout))
    return "".join(f"{folder}/{word}" if folder and ("/" in word or "." in word) else word for word in words)
