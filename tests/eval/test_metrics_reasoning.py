"""Reasoning blocks: taken off in our metrics, left in published ones, whose names say which they are."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.items import Prediction, Predictions
from eval.metrics.reasoning import answer_only, answers_only, without_reasoning
from eval.metrics.reports.values import reports
from eval.metrics.vqa import vqa

BLOCKS = [
    ("<think>It may be B.</think>A", "A"),
    ("<think>\nIt may be B.\n</think>\n\nA\n", "A"),
    ("<think></think>\n\nA", "A"),
    ("<THINKING>B</THINKING> A", "A"),
    ("<think>B</think>A<think>C</think> D", "A D"),
    # The chat template has opened the block in the prompt.
    ("It may be B.</think>A", "A"),
    ("<think>one <think>two</think> three</think>A", "A"),
    # Never closed: the output was cut before its answer.
    ("<think>It may be B", ""),
    ("A <think>or B", "A"),
    ("<unused94>thought\nB<unused95>A", "A"),
    ("<|channel|>analysis<|message|>B<|end|><|start|>assistant<|channel|>final<|message|>A", "A"),
    ("<|channel|>analysis<|message|>B", ""),
    # No block.
    ("A < B and B > A", "A < B and B > A"),
    (" A \n", " A \n"),
    ("I think A", "I think A"),
    ("<thinker>A", "<thinker>A"),
    ("", ""),
]


@pytest.mark.parametrize(("output", "answer"), BLOCKS)
def test_blocks(output, answer):
    assert without_reasoning(output) == answer


@given(st.lists(st.sampled_from(["<think>", "</think>", "A", " ", "\n", "<"]), max_size=12).map("".join))
def test_no_block_is_left(text):
    answer = without_reasoning(text)
    assert without_reasoning(answer) == answer
    assert "<think>" not in answer and "</think>" not in answer


def predictions(*outputs, gold="yes", language="en"):
    facts = {"closed": gold == "yes", "typed": True}
    about = {"language": language, "task": "vqa_closed", "modality": "ct", "gold": gold, "facts": facts}
    lines = [Prediction(item=str(place), output=output, **about) for place, output in enumerate(outputs)]
    return Predictions("run", {}, lines)


def values(metrics, name):
    return list(metrics[name].values.values())


def test_predictions_without_a_block_stay_the_same_objects():
    plain = predictions("yes", "no")
    assert answers_only(plain) is plain and answer_only(plain.lines[0]) is plain.lines[0]
    assert not any(name.startswith("without_reasoning.") for name in vqa(plain, None))


def test_multimedeval_reads_outputs_as_they_are_and_answers_under_another_name(tmp_path):
    raw = predictions("<think>Is it yes?</think>no", "yes")
    found = vqa(raw, tmp_path)
    closed = "multimedeval.closedQuestionsAccuracy"
    # MultiMedEval finds the word yes in the block.
    assert values(found, closed) == [1, 1] and values(found, f"without_reasoning.{closed}") == [0, 1]
    assert values(found, "corrected.closed_accuracy") == [0, 1]
    assert found["corrected.closed_accuracy"].note == "1 of 2 outputs were scored without their reasoning blocks"
    alone = vqa(predictions("no", "yes"), tmp_path)
    for name in alone:
        if name.startswith("multimedeval."):
            assert found[f"without_reasoning.{name}"].values == alone[name].values


def test_reports_both_ways_and_rouge_of_another_script(tmp_path):
    english = reports(predictions("<think>hm</think>clear lungs", gold="clear lungs"), tmp_path)
    assert values(english, "multimedeval.bleu1") == [pytest.approx(1 / 2)]
    assert values(english, "without_reasoning.multimedeval.bleu1") == [1]
    assert "ours.rougeL" not in english
    arabic = reports(predictions("الرئتان سليمتان", gold="الرئتان سليمتان", language="ar"), tmp_path)
    assert values(arabic, "multimedeval.rougeL") == [0] and values(arabic, "ours.rougeL") == [1]


def test_an_error_stays_unscored():
    line = replace(predictions("<think>x").lines[0], error="no answer")
    assert answers_only(Predictions("run", {}, [line])).lines[0].error == "no answer"
