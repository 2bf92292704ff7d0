"""What is told of items that have no answer: how many, and the most frequent kind of error."""

import pytest

from eval.cli import main
from eval.unanswered import AGAIN, NoAnswersError, Unanswered, check_answers, most_frequent
from tests.helpers import eval_builders as make


def lines_of(errors):
    """Predictions of items 0, 1, ..., each with its image and its error; "" is none."""
    return [
        make.prediction(f"i{number}", "Yes", "" if error else "Yes", images=[f"{number}.png"], error=error)
        for number, error in enumerate(errors)
    ]


def test_nothing_is_told_where_all_are_answered(tmp_path, capsys):
    check_answers(make.write_predictions(tmp_path, "train", lines_of(["", ""])))
    assert Unanswered.of([]) is None and capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("errors", "told"),
    [
        (["busy"], ": busy."),
        (["busy.", "gone"], ", the first: busy."),
        (["busy", "gone 4711", "gone 4712"], ", most often (2): gone 4711."),
        (["Error code: 400", "Error code: 500", "Error code: 500"], ", most often (2): Error code: 500."),
    ],
)
def test_errors_are_of_one_kind_where_only_long_numbers_differ(errors, told):
    assert most_frequent(errors) == told


def test_errors_are_of_one_kind_where_only_the_names_of_the_item_differ():
    found = Unanswered.of(lines_of(["timed out", "0.png", "no image 2.png of i2", "no image 3.png of i3", ""]))
    assert found.text == ("4 of 5 items have an error in place of an answer, most often (2): no image 2.png of i2.")


def test_some_are_told_and_none_at_all_is_an_error(tmp_path, capsys):
    check_answers(make.write_predictions(tmp_path, "train", lines_of(["busy", ""])))
    assert "train: 1 of 2 items has an error in place of an answer: busy. The same" in capsys.readouterr().err
    with pytest.raises(NoAnswersError) as told:
        check_answers(make.write_predictions(tmp_path, "train", lines_of(["busy"])))
    assert str(told.value) == f"train: 1 of 1 item has an error in place of an answer: busy. {AGAIN}"


def test_a_split_whose_images_are_all_broken_ends_with_status_1(llava, tmp_path, capsys):
    data = make.write_data(tmp_path / "tiny", {"train": make.TRAIN_ROWS[:2]})
    make.write_store(data, make.COLOURS, corrupt=make.COLOURS)
    command = ["run", "--model", llava, "--data", data, "--split", "train", "--out", tmp_path / "out"]
    assert main(list(map(str, command))) == 1
    told = capsys.readouterr().err
    assert "eval: error: train: 2 of 2 items have an error in place of an answer, most often (2): image " in told
    make.write_store(data, make.COLOURS)
    assert main(list(map(str, command))) == 0
