"""Judge the predictions of a results folder: plan the questions, estimate the cost, ask those without a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data_prep.counted import counted
from eval.errors import EvalError, say
from eval.items import Prediction
from eval.judge.client import JudgeSettings, Question, Reply, ask
from eval.judge.instructions import SWAPPED, JudgedBenchmark
from eval.judge.verdicts import Judge, VerdictsFile, keys_in, path_of, sha256
from eval.metrics.reasoning import answer_only
from eval.predict import Progress
from eval.predictions import read_predictions
from eval.registry import BENCHMARKS, load
from eval.unanswered import AGAIN, most_frequent

ASCII_PER_TOKEN, OTHER_PER_TOKEN = 4, 2
"""Characters per token that the estimate assumes. Arabic takes about twice the tokens of English."""


@dataclass
class Usage:
    """Tokens sent and received."""

    tokens_in: int = 0
    tokens_out: int = 0

    def add(self, reply: Reply) -> None:
        """Count a reply."""
        self.tokens_in += reply.tokens_in
        self.tokens_out += reply.tokens_out

    def describe(self, settings: JudgeSettings) -> str:
        """Return the tokens, and their price if it is known."""
        tokens = f"{self.tokens_in:,} tokens in, {self.tokens_out:,} out"
        if settings.price_in is None or settings.price_out is None:
            return f"{tokens}; no prices given (--judge-price-in, --judge-price-out, per million tokens)"
        cost = (self.tokens_in * settings.price_in + self.tokens_out * settings.price_out) / 1e6
        return f"{tokens}: {cost:.2f} at {settings.price_in:g} in and {settings.price_out:g} out per million tokens"


@dataclass(frozen=True)
class Case:
    """What one question is about; the fields are keys of the verdict's line."""

    item: str
    kind: str
    repeat: int
    answer_sha256: str


@dataclass(frozen=True)
class Plan:
    """All questions about one predictions file, by what they are about."""

    name: str
    benchmark: JudgedBenchmark
    judge: Judge
    questions: dict[Case, Question]


def judge(results: Path, root: Path, names: Sequence[str], settings: JudgeSettings) -> None:
    """Append a verdict for every answer that has none yet. `names` are predictions files or benchmarks; empty: all.

    Raises:
        EvalError: no key, nothing to judge, an unknown name, a judge that no longer replies, or no verdict at all on
            one of the files; the others are judged.
    """
    settings.check()
    failed = [told for plan in _plans(results, root, names, settings) if (told := _judge_file(results, plan, settings))]
    if failed:
        raise EvalError("\n".join(failed))


def estimate(results: Path, root: Path, names: Sequence[str], settings: JudgeSettings) -> str:
    """What `judge` would ask and what it would cost, one line per predictions file."""
    return "\n".join(_estimate(results, plan, settings) for plan in _plans(results, root, names, settings))


def _plans(results: Path, root: Path, names: Sequence[str], settings: JudgeSettings) -> list[Plan]:
    found: dict[str, list[str]] = {}
    plans = []
    for path in sorted((results / "predictions").glob("*.jsonl")):
        predictions = read_predictions(path)
        benchmark = (predictions.header.get("benchmark") or {}).get("name", "")
        loaded = load(benchmark, root) if benchmark in BENCHMARKS else None
        found[path.stem] = [path.stem, benchmark]
        if isinstance(loaded, JudgedBenchmark) and (not names or {path.stem, benchmark} & set(names)):
            plans.append(_plan(path.stem, loaded, predictions.lines, settings))
    judged = [name for plan in plans for name in found[plan.name]]
    unknown = [name for name in names if name not in judged]
    if unknown or not plans:
        what = f"nothing to judge under the name {unknown[0]}" if unknown else "nothing to judge"
        raise EvalError(f"{results / 'predictions'}: {what}. Predictions there: {', '.join(found) or 'none'}.")
    return plans


def _plan(name: str, benchmark: JudgedBenchmark, lines: Sequence[Prediction], settings: JudgeSettings) -> Plan:
    instructions = benchmark.instructions()
    judge = {
        "model": settings.model,
        "temperature": settings.temperature,
        "max_tokens": benchmark.MAX_REPLY_TOKENS,
        "instructions": instructions.note,
    }
    kinds = [*benchmark.KINDS, *([SWAPPED] if settings.swap and benchmark.PAIRS else [])]
    questions = {}
    for line in lines:
        for kind in kinds if not line.error else []:
            text = benchmark.question_of(instructions, answer_only(line), kind)
            for repeat in range(settings.repeats):
                case = Case(line.item, kind, repeat, sha256(line.output))
                key = sha256([judge, vars(case), instructions.system, text])
                questions[case] = Question(key, instructions.system, text)
    return Plan(name, benchmark, {**judge, "base_url": settings.public_url}, questions)


def _estimate(results: Path, plan: Plan, settings: JudgeSettings) -> str:
    kept = keys_in(path_of(results, plan.name))
    todo = [question for question in plan.questions.values() if question.key not in kept]
    usage = _estimated_usage(todo, plan.benchmark.TYPICAL_REPLY_TOKENS)
    asked = counted(len(plan.questions), "question")
    return (
        f"{plan.name}: {len(todo)} of {asked} to the judge {settings.model}; roughly "
        f"{usage.describe(settings)} (estimated from the texts, {plan.benchmark.TYPICAL_REPLY_TOKENS} tokens per reply)"
    )


def _estimated_usage(questions: Sequence[Question], reply_tokens: int) -> Usage:
    tokens_in = sum(_estimated_tokens(question.system) + _estimated_tokens(question.text) for question in questions)
    return Usage(tokens_in, reply_tokens * len(questions))


def _estimated_tokens(text: str) -> int:
    ascii_characters = sum(character.isascii() for character in text)
    return round(ascii_characters / ASCII_PER_TOKEN + (len(text) - ascii_characters) / OTHER_PER_TOKEN)


def _judge_file(results: Path, plan: Plan, settings: JudgeSettings) -> str:
    """Ask what has no verdict yet. Return what went wrong if no question has one, else nothing."""
    say(_estimate(results, plan, settings))
    say(f"{plan.name}: {plan.judge['instructions']}")
    file = VerdictsFile(path_of(results, plan.name), plan.judge)
    todo = {question.key: case for case, question in plan.questions.items() if question.key not in file.keys}
    if not todo:
        return ""
    progress = Progress(plan.name, len(plan.questions), len(plan.questions) - len(todo))
    usage = Usage()

    def keep(question: Question, reply: Reply) -> None:
        usage.add(reply)
        file.append({"key": question.key, **vars(todo[question.key]), **vars(reply)})
        progress.add(1)

    try:
        failures = ask(
            [plan.questions[case] for case in todo.values()], settings, plan.benchmark.MAX_REPLY_TOKENS, keep
        )
    finally:
        say(f"{plan.name}: counted {usage.describe(settings)}")
    if not failures:
        return ""
    asked = counted(len(plan.questions), "question")
    told = f"{plan.name}: {len(failures):,} of {asked} without a verdict{most_frequent(failures)}"
    if len(failures) == len(plan.questions):
        return f"{told} {AGAIN}"
    say(f"{told} The same command asks them again.")
    return ""
