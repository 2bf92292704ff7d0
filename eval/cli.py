"""The command line of `python -m eval`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eval.errors import EvalError

if TYPE_CHECKING:
    from eval.plan import Settings


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


def _run(options: argparse.Namespace) -> None:
    from eval.dataset import DataSet
    from eval.plan import Checkpoint, Selection
    from eval.predict import run

    selection = Selection(options.split, options.permute_images, tuple(options.tasks), options.limit)
    name = options.name or options.split + ("_permuted" if options.permute_images else "")
    data = DataSet.open(options.data)
    run(Checkpoint(options.model, _settings(options)), data, selection, options.out / "predictions" / f"{name}.jsonl")


def _score(options: argparse.Namespace) -> None:
    from eval.scores import score

    score(options.results)
    print(options.results / "scores.json")


def _report(options: argparse.Namespace) -> None:
    from eval.report.page import write_report

    out = options.out or options.results / "report.md"
    write_report(options.results, options.training, out)
    print(out)


def _summary(options: argparse.Namespace) -> None:
    from eval.report.page import summary

    print(summary(options.results))


def _quickstart(options: argparse.Namespace) -> None:
    from eval.dataset import DataSet
    from eval.quickstart import quickstart

    data = DataSet.open(options.data)
    report = quickstart(
        options.model, options.base, data, options.out, training=options.training, settings=_settings(options)
    )
    print(report)


def _settings(options: argparse.Namespace) -> Settings:
    from eval.plan import Settings

    return Settings(options.batch_size, options.max_new_tokens, options.dtype)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m eval", description="Predict, score and report.")
    commands = parser.add_subparsers(required=True)

    run = commands.add_parser("run", help="let a checkpoint answer a split of a data set")
    _add_engine_options(run)
    run.add_argument("--split", required=True)
    run.add_argument("--permute-images", action="store_true", help="show every row the picture of another row")
    run.add_argument("--tasks", nargs="+", default=[], help="only items of these tasks")
    run.add_argument("--limit", type=_positive, help="only the first so many items")
    run.add_argument("--name", help="name of the predictions file; by default made from the split")
    run.set_defaults(command=_run)

    score = commands.add_parser("score", help="predictions -> scores.json; needs no model")
    score.add_argument("results", type=Path)
    score.set_defaults(command=_score)

    report = commands.add_parser("report", help="scores and predictions -> Markdown report with figures")
    report.add_argument("results", type=Path)
    report.add_argument("--training", type=Path, nargs="+", default=[], help="training runs whose loss is drawn")
    report.add_argument("--out", type=Path, help="by default RESULTS/report.md")
    report.set_defaults(command=_report)

    summary = commands.add_parser("summary", help="print the short table")
    summary.add_argument("results", type=Path)
    summary.set_defaults(command=_summary)

    quickstart = commands.add_parser("quickstart", help="the quickstart's five runs, scored and reported")
    _add_engine_options(quickstart)
    quickstart.add_argument("--base", type=Path, required=True, help="the language model before training")
    quickstart.add_argument("--training", type=Path, nargs="+", default=[], help="training runs whose loss is drawn")
    quickstart.set_defaults(command=_quickstart)
    return parser


def _add_engine_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, required=True, help="checkpoint folder")
    parser.add_argument("--data", type=Path, required=True, help="data set folder")
    parser.add_argument("--out", type=Path, required=True, help="results folder")
    parser.add_argument("--batch-size", type=_positive, default=16)
    parser.add_argument("--max-new-tokens", type=_positive, default=32)
    parser.add_argument("--dtype", choices=["auto", "float32", "bfloat16", "float16"], default="auto")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number
