"""Reasoning blocks that a model writes before its answer, and predictions without them.

Qwen3, DeepSeek-R1 and others put their reasoning into <think>…</think>; some chat templates open the block in the
prompt, so that the output has its end alone. A block that is not closed has no answer behind it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from eval.benchmark import Metrics
from eval.items import Prediction, Predictions

PREFIX = "without_reasoning."
"""Begins the name of a published metric that was computed from answers without their reasoning blocks."""
_NAMES = "think|thinking|thought|thoughts|reasoning|scratchpad"
_BLOCK = re.compile(
    rf"<(?P<name>{_NAMES})\b[^>]*>.*?(?:</(?P=name)>|\Z)"
    r"|<unused94>.*?(?:<unused95>|\Z)"  # MedGemma
    r"|<\|channel\|>(?:analysis|commentary)\b.*?(?:(?=<\|channel\|>final)|\Z)",  # gpt-oss
    re.DOTALL | re.IGNORECASE,
)
_END = re.compile(rf"\A.*(?:</(?:{_NAMES})>|<unused95>|<\|channel\|>final<\|message\|>)", re.DOTALL | re.IGNORECASE)


def without_reasoning(output: str) -> str:
    """Return the answer behind the reasoning blocks; empty where a block is not closed, the output where none is."""
    if "<" not in output:
        return output
    answer = _END.sub("", _BLOCK.sub("", output))
    return output if answer == output else answer.strip()


def answers_only(predictions: Predictions) -> Predictions:
    """Return the predictions with the outputs of `without_reasoning`; the same object where no output has a block."""
    lines = [answer_only(line) for line in predictions.lines]
    same = all(new is old for new, old in zip(lines, predictions.lines, strict=True))
    return predictions if same else replace(predictions, lines=lines)


def of_answers(measure: Callable[[Predictions], Metrics], predictions: Predictions) -> Metrics:
    """Compute our own metrics, which are of the answers alone; a note counts the reasoning blocks taken off."""
    answers = answers_only(predictions)
    found = measure(answers)
    count = sum(new is not old for new, old in zip(answers.lines, predictions.lines, strict=True))
    if not count:
        return found
    note = f"{count} of {len(answers.lines)} outputs were scored without their reasoning blocks"
    return {name: replace(metric, note="; ".join(filter(None, [metric.note, note]))) for name, metric in found.items()}


def in_both_ways(measure: Callable[[Predictions], Metrics], predictions: Predictions) -> Metrics:
    """Compute published metrics from the outputs as they are, as their authors do.

    Where outputs have reasoning blocks, the metrics of the answers alone stand beside them under PREFIX.
    """
    found = measure(predictions)
    answers = answers_only(predictions)
    if answers is predictions:
        return found
    return found | {f"{PREFIX}{name}": metric for name, metric in measure(answers).items()}


def answer_only(line: Prediction) -> Prediction:
    """Return the prediction with the output of `without_reasoning`; the same object where it has no block."""
    answer = without_reasoning(line.output)
    return line if answer == line.output else replace(line, output=answer)
