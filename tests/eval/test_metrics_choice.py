"""Accuracy of choices: unclear answers are unscored and counted, and wrong in the accuracy of all."""

from eval.benchmark import Metric
from eval.items import Prediction, Predictions
from eval.metrics.choice import ACCURACY, ACCURACY_ALL, accuracy_by, choice_facts
from eval.scores import aggregate

OPTIONS = {"A": "heart", "B": "lung", "C": "heart"}


def line(item, output, error="", **facts):
    about = choice_facts(OPTIONS, "A") | facts
    return Prediction(item=item, language="en", task="choice", output=output, gold="A. heart", facts=about, error=error)


def scored(*lines):
    return accuracy_by(Predictions("run", {}, list(lines)), ("level",))


def test_unclear_answers():
    found = scored(line("1", "A"), line("2", "B"), line("3", "A or B"), line("4", "", error="timeout"), line("5", "C"))
    assert [value for value in found[ACCURACY].values.values() if not isinstance(value, str)] == [1, 0, None, 1]
    assert list(found[ACCURACY_ALL].values.values()) == [1, 0, 0, None, 1]
    clear, every = aggregate("run", found)
    assert (clear.value, clear.n, clear.unscored) == (2 / 3, 3, 2)
    assert (every.value, every.n, every.unscored) == (2 / 4, 4, 1)
    assert clear.note == "1 answers choose no option, or several" and every.note == ""


def test_reasoning_is_taken_off_and_noted():
    found = scored(line("1", "<think>B, surely B.</think>A"), line("2", "<think>A"))
    assert found[ACCURACY].values["1"] is True and isinstance(found[ACCURACY].values["2"], str)
    assert found[ACCURACY_ALL].note == "2 of 2 outputs were scored without their reasoning blocks"


def test_by_a_fact_and_without_predictions():
    found = scored(line("1", "A", level="easy"), line("2", "B", level="hard"))
    assert [group.subgroup for group in found[ACCURACY].groups] == [{}, {"level": "easy"}, {"level": "hard"}]
    assert all(isinstance(metric, Metric) for metric in found.values()) and scored() == {}
