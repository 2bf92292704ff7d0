"""The command line of `python -m eval`: its verbs.

A verb imports its work when it runs, so that `--help` and the cheap verbs load neither torch nor matplotlib.
"""

from __future__ import annotations

import argparse
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence

from data_prep import local_page
from eval.described import judge_settings, model_of, settings_of
from eval.errors import EvalError
from eval.options import CHAT, CHAT_PASSWORD, ENGINE, JUDGE, PROMPT, SERVE, SETTINGS, SIZE, add
from eval.registry import chosen

INTERRUPTED = 130
"""The exit code after Ctrl-C, as of shells."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return 0, 1 after one line on stderr that says what is wrong with the input, or INTERRUPTED."""
    options = _parser().parse_args(arguments)
    verb: Callable[[Namespace], None] = options.verb
    try:
        verb(options)
    except EvalError as error:
        print(f"eval: error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        if error.filename is None:  # not of a file that was given
            raise
        print(f"eval: error: {error.filename}: {error.strerror}. Give another path, or mend this one.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("eval: interrupted", file=sys.stderr)
        return INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m eval", description="Predict, judge, score, report, compare.")
    verbs = parser.add_subparsers(required=True)

    run = _verb(verbs, "run", _run, "generate a model's answers to benchmarks or to a dataset split")
    add(run, "--model", "--root", "--suite", "--task")
    add(run, "--data", help="dataset folder, instead of benchmarks")
    add(run, "--split", "--permute-images", "--row-tasks", "--name", "--limit")
    add(run, "--out", required=True)
    add(run, *SETTINGS, *PROMPT)
    add(run.add_argument_group("a large model"), *SIZE)
    add(run.add_argument_group("engine"), *ENGINE)
    add(run.add_argument_group("benchmarks that lm-eval scores by likelihood"), "--shots", "--chat-template")
    add(run.add_argument_group("judge"), *JUDGE)

    chat = _verb(verbs, "chat", _chat, "talk to a model over several turns, with images, in the terminal or a page")
    add(chat, "--model", required=False, nargs="+", default=[], help="one checkpoint or served model; two to compare")
    add(chat, "--max-new-tokens", help="longest answer in tokens; default: 512")
    add(chat, "--temperature", type=float, help="default: 0, greedy, as in evaluation")
    add(chat, "--dtype", *CHAT, "--chat-template-file", "--device-map", "--load-in")
    add(chat.add_argument_group("server"), "--base-url", "--api-key-variable", "--timeout", "--prepare-images")
    local_page.add_options(chat.add_argument_group("page"), CHAT_PASSWORD)

    serve = _verb(verbs, "serve", _serve, "serve a checkpoint with vLLM, compared with transformers at its start")
    add(serve, "--model", help="checkpoint folder, or its name on the Hub")
    add(serve, "--tensor-parallel", "--chat-template-file", *SERVE)
    add(serve, "--dtype", help="by default as the checkpoint is stored")

    benchmarks = _verb(
        verbs, "benchmarks", _benchmarks, "list the benchmarks, which are there, and how to get the rest"
    )
    add(benchmarks, "--root")

    judge = _verb(verbs, "judge", _judge, "judge the predictions that need a judge")
    add(judge, "results")
    add(judge, "--task", help="only these benchmarks")
    add(judge, "--root", "--estimate")
    add(judge.add_argument_group("judge"), *JUDGE)

    score = _verb(verbs, "score", _score, "compute scores.json from predictions and verdicts, without a model")
    add(score, "results", "--root")

    report = _verb(verbs, "report", _report, "score, then write the report")
    add(report, "results", "--against", "--training")
    add(report, "--data", help="folder of the training data, for its overlap with the benchmarks")
    add(report, "--starred", "--root")
    add(report, "--out", help="by default RESULTS/report.md")

    compare = _verb(verbs, "compare", _compare, "compare two results folders item by item")
    add(compare, "a", "b")
    add(compare, "--out", help="file for the table")

    add(_verb(verbs, "summary", _summary, "print the short table"), "results")

    quickstart = _verb(verbs, "quickstart", _quickstart, "run, score and report the quickstart's five runs")
    add(quickstart, "--model", help="merged checkpoint folder")
    add(quickstart, "--base")
    add(quickstart, "--data", "--out", required=True)
    add(quickstart, "--training", *SETTINGS)
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


def _run(options: Namespace) -> None:
    names = chosen(options.task, options.suite)
    if bool(names) == bool(options.data) or bool(options.data) != bool(options.split):
        raise EvalError("Say what to ask: --suite or --task with benchmarks, or --data FOLDER with --split NAME.")
    settings = judge_settings(options) if options.judge_model else None
    if names:
        from eval.likelihood.run import Prompting
        from eval.suite import run_benchmarks

        prompting = Prompting(options.shots, options.chat_template)
        asked = (model_of(options), names, options.root, options.out)
        run_benchmarks(*asked, limit=options.limit, judge=settings, prompting=prompting)
    else:
        _run_data(options)


def _run_data(options: Namespace) -> None:
    from eval.benchmarks.data_split import DataSplit, Selection
    from eval.predict import questions_of, run

    selection = Selection(options.split, options.permute_images, tuple(options.row_tasks))
    questions = questions_of(DataSplit(options.data, selection), options.limit)
    name = options.name or options.split + ("_permuted" if options.permute_images else "")
    run(model_of(options), questions, options.out / "predictions" / f"{name}.jsonl")


def _chat(options: Namespace) -> None:
    from eval.chat.command import chat

    chat(options, settings_of(options))


def _serve(options: Namespace) -> None:
    from eval.serve.command import serve

    serve(options)


def _benchmarks(options: Namespace) -> None:
    from eval.suite import listing

    print(listing(options.root))


def _judge(options: Namespace) -> None:
    from eval.judge.run import estimate, judge

    if not options.judge_model:
        raise EvalError("--judge-model: say which model judges.")
    asked = (options.results, options.root, chosen(options.task), judge_settings(options))
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
    from eval.quickstart import quickstart

    folders = (options.model, options.base, options.data, options.out)
    print(quickstart(*folders, training=options.training, settings=settings_of(options)))
