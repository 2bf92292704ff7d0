"""The command line of `python -m eval`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from eval import commands
from eval.errors import EvalError
from eval.judge.client import SERVERS_OWN
from eval.registry import ROOT, SUITES


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0, or 1 after one line on stderr that says what is wrong with the input."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], None] = options.command
    try:
        command(options)
    except EvalError as error:
        print(f"eval: error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m eval", description="Predict, judge, score, report, compare.")
    verbs = parser.add_subparsers(required=True)

    run = _verb(verbs, "run", commands.run, "let a model answer benchmarks, or a split of a data set")
    run.add_argument("--model", required=True, help="checkpoint folder; with --engine openai the server's name for it")
    _add_benchmark_options(run)
    run.add_argument("--data", type=Path, help="data set folder, in place of benchmarks")
    run.add_argument("--split", help="of --data")
    run.add_argument("--permute-images", action="store_true", help="show every row of --data the picture of another")
    run.add_argument("--row-tasks", nargs="+", default=[], help="only rows of --data of these tasks")
    run.add_argument("--name", help="name of the predictions file of --data; by default made from the split")
    run.add_argument("--limit", type=_positive, help="only the first so many items")
    run.add_argument("--out", type=Path, required=True, help="results folder")
    _add_settings(run)
    _add_engine_options(run)
    _add_likelihood_options(run)
    _add_judge_options(run)

    known = _verb(verbs, "benchmarks", commands.benchmarks, "list what is known, what is there, how to get the rest")
    _add_root(known)

    judge = _verb(verbs, "judge", commands.judge, "let a judge read the predictions that need one")
    judge.add_argument("results", type=Path)
    judge.add_argument("--task", nargs="+", default=[], metavar="NAME", help="only these benchmarks")
    _add_root(judge)
    _add_judge_options(judge)
    judge.add_argument("--estimate", action="store_true", help="only say what it would cost")

    score = _verb(verbs, "score", commands.score, "predictions and verdicts -> scores.json; needs no model")
    score.add_argument("results", type=Path)
    _add_root(score)

    report = _verb(verbs, "report", commands.report, "score, then write the report")
    report.add_argument("results", type=Path)
    report.add_argument("--against", help="`published`, or another results folder")
    report.add_argument("--training", type=Path, nargs="+", default=[], help="training runs whose loss is drawn")
    report.add_argument("--data", type=Path, help="the training data, for what it shares with benchmarks")
    star = "how to rescale the paper's starred rows, such as bleu4=times10 radcliq=reciprocal; its own rule is unknown"
    report.add_argument("--starred", nargs="+", default=[], metavar="METRIC=RULE", help=star)
    report.add_argument("--out", type=Path, help="by default RESULTS/report.md")
    _add_root(report)

    compare = _verb(verbs, "compare", commands.compare, "two results folders, item by item")
    compare.add_argument("a", type=Path)
    compare.add_argument("b", type=Path)
    compare.add_argument("--out", type=Path, help="file for the table")

    summary = _verb(verbs, "summary", commands.summary, "print the short table")
    summary.add_argument("results", type=Path)

    quickstart = _verb(verbs, "quickstart", commands.quickstart, "the quickstart's five runs, scored and reported")
    quickstart.add_argument("--model", type=Path, required=True, help="merged checkpoint folder")
    quickstart.add_argument("--base", type=Path, required=True, help="the language model before training")
    quickstart.add_argument("--data", type=Path, required=True, help="data set folder")
    quickstart.add_argument("--out", type=Path, required=True, help="results folder")
    quickstart.add_argument("--training", type=Path, nargs="+", default=[], help="training runs whose loss is drawn")
    _add_settings(quickstart)
    return parser


def _verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    command: Callable[[argparse.Namespace], None],
    text: str,
) -> argparse.ArgumentParser:
    parser = verbs.add_parser(name, help=text, description=text, allow_abbrev=False)
    parser.set_defaults(command=command)
    return parser


def _add_root(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--root", type=Path, default=ROOT, help=f"folder of all benchmarks and sources ({ROOT})")


def _add_benchmark_options(parser: argparse.ArgumentParser) -> None:
    _add_root(parser)
    parser.add_argument("--suite", choices=SUITES, help="benchmarks that belong together")
    parser.add_argument("--task", nargs="+", default=[], metavar="NAME", help="benchmarks; `benchmarks` lists them")


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--batch-size", type=_positive, help="prompts answered together")
    parser.add_argument("--max-new-tokens", type=_positive, help="by default the benchmark's; 32 for --data")
    parser.add_argument("--dtype", choices=["auto", "float32", "bfloat16", "float16"], default="auto")


def _add_engine_options(parser: argparse.ArgumentParser) -> None:
    engine = parser.add_argument_group("engine")
    engine.add_argument("--engine", choices=["transformers", "vllm", "openai"], default="transformers")
    engine.add_argument("--base-url", help="of an OpenAI-compatible server, /v1 included")
    engine.add_argument("--api-key-variable", metavar="NAME", help="environment variable that holds its key")
    engine.add_argument("--concurrency", type=_positive, default=16, help="requests under way at a time")
    engine.add_argument("--timeout", type=_positive, default=300, help="seconds for one request")


def _add_likelihood_options(parser: argparse.ArgumentParser) -> None:
    likelihood = parser.add_argument_group("benchmarks that lm-eval scores by likelihood")
    likelihood.add_argument("--shots", type=int, choices=range(33), metavar="N", default=0, help="examples; default 0")
    likelihood.add_argument("--chat-template", action="store_true", help="ask in turns of the checkpoint's template")


def _add_judge_options(parser: argparse.ArgumentParser) -> None:
    judge = parser.add_argument_group("judge")
    judge.add_argument("--judge-model", help="such as gpt-4o-2024-08-06, the paper's")
    judge.add_argument("--judge-base-url", help="of an OpenAI-compatible server; OpenAI's own by default")
    judge.add_argument("--judge-api-key-variable", metavar="NAME", help="environment variable that holds its key")
    judge.add_argument("--judge-repeats", type=_positive, help="judge each answer so many times")
    judge.add_argument("--judge-swap", action="store_true", help="judge pairs in both orders")
    judge.add_argument("--judge-concurrency", type=_positive, help="questions under way at a time")
    judge.add_argument("--judge-timeout", type=_positive, help="seconds for one attempt")
    judge.add_argument("--judge-patience", type=_positive, help="seconds after which a question is given up")
    judge.add_argument("--judge-temperature", type=_temperature, help="0 by default; `server` leaves it to the server")
    judge.add_argument("--judge-price-in", type=float, help="for a million tokens, for the cost estimate")
    judge.add_argument("--judge-price-out", type=float, help="for a million tokens, for the cost estimate")


def _temperature(text: str) -> float | str:
    return text if text == SERVERS_OWN else float(text)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number
