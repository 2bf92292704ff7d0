"""The command line of `python -m eval`: its options, each declared once, and its verbs.

A verb imports its work when it runs, so that `--help` and the cheap verbs need neither torch nor matplotlib.
"""

from __future__ import annotations

import argparse
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.errors import EvalError
from eval.judges.settings import SERVERS_OWN, JudgeSettings
from eval.registry import ROOT, SUITES, chosen

if TYPE_CHECKING:
    from eval.engines.base import Model
    from eval.model import Settings

SERVER_BATCH_FACTOR = 4
"""Prompts in one batch of a server, per concurrent request: few requests then wait for the batch's slowest answer."""
VLLM_BATCH = 64


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return 0, or 1 after one line on stderr that says what is wrong with the input."""
    options = _parser().parse_args(arguments)
    verb: Callable[[Namespace], None] = options.verb
    try:
        verb(options)
    except EvalError as error:
        print(f"eval: error: {error}", file=sys.stderr)
        return 1
    return 0


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


def _temperature(text: str) -> float | str:
    return text if text == SERVERS_OWN else float(text)


OPTIONS: dict[str, dict[str, Any]] = {
    "results": {"type": Path, "help": "results folder"},
    "a": {"type": Path, "help": "results folder"},
    "b": {"type": Path, "help": "results folder"},
    "--model": {"required": True, "help": "checkpoint folder; with --engine openai the server's name for the model"},
    "--base": {"type": Path, "required": True, "help": "the language model before training"},
    "--root": {"type": Path, "default": ROOT, "help": f"folder of all benchmarks and sources ({ROOT})"},
    "--suite": {"choices": SUITES, "help": "a named group of benchmarks"},
    "--task": {"nargs": "+", "default": [], "metavar": "NAME", "help": "benchmarks; `benchmarks` lists them"},
    "--data": {"type": Path, "help": "dataset folder"},
    "--split": {"help": "split of --data"},
    "--permute-images": {"action": "store_true", "help": "show each row of --data the images of another row"},
    "--row-tasks": {"nargs": "+", "default": [], "help": "only the rows of --data with these tasks"},
    "--name": {"help": "name of the predictions file of --data; by default made from the split"},
    "--limit": {"type": _positive, "help": "only the first LIMIT items"},
    "--out": {"type": Path, "help": "results folder"},
    "--batch-size": {"type": _positive, "help": "prompts per batch"},
    "--max-new-tokens": {"type": _positive, "help": "by default the benchmark's limit; 32 for --data"},
    "--dtype": {"choices": ["auto", "float32", "bfloat16", "float16"], "default": "auto"},
    "--engine": {"choices": ["transformers", "vllm", "openai"], "default": "transformers"},
    "--base-url": {"help": "URL of an OpenAI-compatible server, including /v1"},
    "--api-key-variable": {"metavar": "NAME", "help": "environment variable that holds the server's key"},
    "--concurrency": {"type": _positive, "default": 16, "help": "concurrent requests"},
    "--timeout": {"type": _positive, "default": 300, "help": "seconds per request"},
    "--shots": {"type": int, "choices": range(33), "metavar": "N", "default": 0, "help": "examples; default 0"},
    "--chat-template": {"action": "store_true", "help": "prompt with the checkpoint's chat template"},
    "--judge-model": {"help": "such as gpt-4o-2024-08-06, the paper's judge"},
    "--judge-base-url": {"help": "URL of an OpenAI-compatible server; by default OpenAI's"},
    "--judge-api-key-variable": {"metavar": "NAME", "help": "environment variable that holds the judge's key"},
    "--judge-repeats": {"type": _positive, "help": "verdicts per answer"},
    "--judge-swap": {"action": "store_true", "help": "judge pairs in both orders"},
    "--judge-concurrency": {"type": _positive, "help": "concurrent requests"},
    "--judge-timeout": {"type": _positive, "help": "seconds per attempt"},
    "--judge-patience": {"type": _positive, "help": "seconds until a request is given up"},
    "--judge-temperature": {"type": _temperature, "help": "by default 0; `server` leaves it to the server"},
    "--judge-price-in": {"type": float, "help": "price per million input tokens, for the cost estimate"},
    "--judge-price-out": {"type": float, "help": "price per million output tokens, for the cost estimate"},
    "--estimate": {"action": "store_true", "help": "only estimate the cost"},
    "--against": {"help": "`published`, or another results folder"},
    "--training": {"type": Path, "nargs": "+", "default": [], "help": "training runs whose loss is drawn"},
    "--starred": {
        "nargs": "+",
        "default": [],
        "metavar": "METRIC=RULE",
        "help": "how to rescale the paper's starred rows, such as bleu4=times10 radcliq=reciprocal; the paper's own "
        "rule is unpublished",
    },
}
SETTINGS = ("--batch-size", "--max-new-tokens", "--dtype")
ENGINE = ("--engine", "--base-url", "--api-key-variable", "--concurrency", "--timeout")
JUDGE = tuple(option for option in OPTIONS if option.startswith("--judge-"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m eval", description="Predict, judge, score, report, compare.")
    verbs = parser.add_subparsers(required=True)

    run = _verb(verbs, "run", _run, "generate a model's answers to benchmarks or to a dataset split")
    _add(run, "--model", "--root", "--suite", "--task")
    _add(run, "--data", help="dataset folder, instead of benchmarks")
    _add(run, "--split", "--permute-images", "--row-tasks", "--name", "--limit")
    _add(run, "--out", required=True)
    _add(run, *SETTINGS)
    _add(run.add_argument_group("engine"), *ENGINE)
    _add(run.add_argument_group("benchmarks that lm-eval scores by likelihood"), "--shots", "--chat-template")
    _add(run.add_argument_group("judge"), *JUDGE)

    benchmarks = _verb(
        verbs, "benchmarks", _benchmarks, "list the benchmarks, which are there, and how to get the rest"
    )
    _add(benchmarks, "--root")

    judge = _verb(verbs, "judge", _judge, "judge the predictions that need a judge")
    _add(judge, "results")
    _add(judge, "--task", help="only these benchmarks")
    _add(judge, "--root", "--estimate")
    _add(judge.add_argument_group("judge"), *JUDGE)

    score = _verb(verbs, "score", _score, "compute scores.json from predictions and verdicts, without a model")
    _add(score, "results", "--root")

    report = _verb(verbs, "report", _report, "score, then write the report")
    _add(report, "results", "--against", "--training")
    _add(report, "--data", help="folder of the training data, for its overlap with the benchmarks")
    _add(report, "--starred", "--root")
    _add(report, "--out", help="by default RESULTS/report.md")

    compare = _verb(verbs, "compare", _compare, "compare two results folders item by item")
    _add(compare, "a", "b")
    _add(compare, "--out", help="file for the table")

    _add(_verb(verbs, "summary", _summary, "print the short table"), "results")

    quickstart = _verb(verbs, "quickstart", _quickstart, "run, score and report the quickstart's five runs")
    _add(quickstart, "--model", type=Path, help="merged checkpoint folder")
    _add(quickstart, "--base")
    _add(quickstart, "--data", "--out", required=True)
    _add(quickstart, "--training", *SETTINGS)
    return parser


def _verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    verb: Callable[[Namespace], None],
    text: str,
) -> argparse.ArgumentParser:
    parser = verbs.add_parser(name, help=text, description=text, allow_abbrev=False)
    parser.set_defaults(verb=verb)
    return parser


def _add(parser: argparse._ActionsContainer, *options: str, **changes: Any) -> None:
    """Add options to a verb; `changes` replace parts of their declaration."""
    for option in options:
        parser.add_argument(option, **OPTIONS[option] | changes)


def _run(options: Namespace) -> None:
    names = chosen(options.task, options.suite)
    if bool(names) == bool(options.data) or bool(options.data) != bool(options.split):
        raise EvalError("Say what to ask: --suite or --task with benchmarks, or --data FOLDER with --split NAME.")
    settings = _judge_settings(options) if options.judge_model else None
    if names:
        from eval.likelihood.run import Prompting
        from eval.suite import run_benchmarks

        prompting = Prompting(options.shots, options.chat_template)
        asked = (_model(options), names, options.root, options.out)
        run_benchmarks(*asked, limit=options.limit, judge=settings, prompting=prompting)
    else:
        _run_data(options)


def _run_data(options: Namespace) -> None:
    from eval.dataset import DataSet
    from eval.predict import run as predict
    from eval.questions import Selection, of_data

    selection = Selection(options.split, options.permute_images, tuple(options.row_tasks), options.limit)
    questions = of_data(DataSet.open(options.data), selection)
    name = options.name or options.split + ("_permuted" if options.permute_images else "")
    predict(_model(options), questions, options.out / "predictions" / f"{name}.jsonl")


def _benchmarks(options: Namespace) -> None:
    from eval.suite import listing

    print(listing(options.root))


def _judge(options: Namespace) -> None:
    from eval.judges.run import estimate, judge

    if not options.judge_model:
        raise EvalError("--judge-model: say which model judges.")
    asked = (options.results, options.root, chosen(options.task), _judge_settings(options))
    if options.estimate:
        print(estimate(*asked))
    else:
        judge(*asked)


def _score(options: Namespace) -> None:
    from eval.scores import score

    score(options.results, options.root)
    print(options.results / "scores.json")


def _report(options: Namespace) -> None:
    from eval.report.beside_paper import with_rules
    from eval.report.report import write_report
    from eval.scores import score

    with_rules((), options.starred)  # an unknown rule is reported before the slow scoring
    score(options.results, options.root)
    out = options.out or options.results / "report.md"
    given = {"against": options.against, "data": options.data, "root": options.root, "starred": options.starred}
    for path in write_report(options.results, options.training, out, **given):
        print(path)


def _compare(options: Namespace) -> None:
    from eval.report.comparison import compare

    print(compare(options.a, options.b, options.out))


def _summary(options: Namespace) -> None:
    from eval.report.report import summary

    print(summary(options.results))


def _quickstart(options: Namespace) -> None:
    from eval.dataset import DataSet
    from eval.quickstart import quickstart

    data, settings = DataSet.open(options.data), _settings(options)
    print(quickstart(options.model, options.base, data, options.out, training=options.training, settings=settings))


def _judge_settings(options: Namespace) -> JudgeSettings:
    """Make the judge's settings; options that were not given keep the defaults of JudgeSettings."""
    given = {field.name: getattr(options, f"judge_{field.name}", None) for field in fields(JudgeSettings)}
    settings = {name: value for name, value in given.items() if value is not None}
    if settings.get("temperature") == SERVERS_OWN:
        settings["temperature"] = None
    return JudgeSettings(**settings)


def _settings(options: Namespace, batch_size: int | None = None) -> Settings:
    from eval.model import Settings

    size = options.batch_size or batch_size or Settings.batch_size
    return Settings(size, options.max_new_tokens, options.dtype)


def _model(options: Namespace) -> Model:
    if options.engine == "openai":
        from eval.engines.connection import connect
        from eval.engines.openai_engine import Server

        bounds = {"concurrency": options.concurrency, "timeout": options.timeout}
        connection = connect(options.base_url, options.api_key_variable, **bounds)
        return Server(options.model, connection, _settings(options, SERVER_BATCH_FACTOR * options.concurrency))
    if options.base_url or options.api_key_variable:
        raise EvalError("--base-url and --api-key-variable belong to --engine openai.")
    from eval.model import Checkpoint

    batch_size = VLLM_BATCH if options.engine == "vllm" else None
    return Checkpoint(Path(options.model), _settings(options, batch_size), options.engine)
