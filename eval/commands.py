"""What each verb of the command line does; its work is imported when it is asked for."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from eval.benchmarks.registry import chosen
from eval.errors import EvalError

if TYPE_CHECKING:
    from eval.engines.base import Model
    from eval.judges.settings import JudgeSettings
    from eval.plan import Settings

SERVER_SLOTS = 4
"""Prompts a request slot in one batch of a server: enough that slots seldom wait for the batch's slowest answer."""
VLLM_BATCH = 64


def run(options: Namespace) -> None:
    """Predict benchmarks, or a split of a data set."""
    names = chosen(options.task, options.suite)
    if bool(names) == bool(options.data) or bool(options.data) != bool(options.split):
        raise EvalError("Say what to ask: --suite or --task with benchmarks, or --data FOLDER with --split NAME.")
    settings = judge_settings(options) if options.judge_model else None
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


def benchmarks(options: Namespace) -> None:
    """List the benchmarks: name, table of the paper, licence, and whether they are there."""
    from eval.listing import listing

    print(listing(options.root))


def judge(options: Namespace) -> None:
    """Add the verdicts that are missing, or say what they would cost."""
    from eval.judges.run import estimate
    from eval.judges.run import judge as ask_judge

    if not options.judge_model:
        raise EvalError("--judge-model: say which model judges.")
    asked = (options.results, options.root, chosen(options.task), judge_settings(options))
    if options.estimate:
        print(estimate(*asked))
    else:
        ask_judge(*asked)


def score(options: Namespace) -> None:
    """Compute all scores again."""
    from eval.scores import score as score_all

    score_all(options.results, options.root)
    print(options.results / "scores.json")


def report(options: Namespace) -> None:
    """Score and write the report."""
    from eval.report.beside_paper import with_rules
    from eval.report.report import write_report
    from eval.scores import score as score_all

    with_rules((), options.starred)  # a misspelt rule is told before anything is scored
    score_all(options.results, options.root)
    out = options.out or options.results / "report.md"
    options_of_it = {"against": options.against, "data": options.data, "root": options.root}
    options_of_it["starred"] = options.starred
    for path in write_report(options.results, options.training, out, **options_of_it):
        print(path)


def compare(options: Namespace) -> None:
    """Compare two results folders."""
    from eval.report.comparison import compare as compare_folders

    print(compare_folders(options.a, options.b, options.out))


def summary(options: Namespace) -> None:
    """Print the short table."""
    from eval.report.report import summary as short_table

    print(short_table(options.results))


def quickstart(options: Namespace) -> None:
    """Run the quickstart's evaluation."""
    from eval.dataset import DataSet
    from eval.quickstart import quickstart as run_quickstart

    data = DataSet.open(options.data)
    settings = _settings(options)
    print(run_quickstart(options.model, options.base, data, options.out, training=options.training, settings=settings))


def judge_settings(options: Namespace) -> JudgeSettings:
    """Make the judge's settings; what is not said is left to their defaults."""
    from eval.judges.settings import SERVERS_OWN, JudgeSettings

    given = {field.name: getattr(options, f"judge_{field.name}", None) for field in fields(JudgeSettings)}
    settings = {name: value for name, value in given.items() if value is not None}
    if settings.get("temperature") == SERVERS_OWN:
        settings["temperature"] = None
    return JudgeSettings(**settings)


def _settings(options: Namespace, batch_size: int | None = None) -> Settings:
    from eval.plan import Settings

    size = options.batch_size or batch_size or Settings.batch_size
    return Settings(size, options.max_new_tokens, options.dtype)


def _model(options: Namespace) -> Model:
    if options.engine == "openai":
        from eval.engines.connection import connect
        from eval.engines.openai_engine import Server

        bounds = {"concurrency": options.concurrency, "timeout": options.timeout}
        connection = connect(options.base_url, options.api_key_variable, **bounds)
        return Server(options.model, connection, _settings(options, SERVER_SLOTS * options.concurrency))
    if options.base_url or options.api_key_variable:
        raise EvalError("--base-url and --api-key-variable belong to --engine openai.")
    from eval.plan import Checkpoint

    batch_size = VLLM_BATCH if options.engine == "vllm" else None
    return Checkpoint(Path(options.model), _settings(options, batch_size), options.engine)
