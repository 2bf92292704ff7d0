"""The predictions file: append-only, resumable, and of one run only."""

import json

import pytest

from eval.errors import EvalError
from eval.predictions import PredictionsFile, check_same_run, read_all, read_predictions
from tests.helpers import eval_builders as make

HEADER = make.header()
LINES = [make.prediction(f"r{number}#0", "yes", "نعم\u2028no") for number in range(3)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "predictions" / "train.jsonl"


def test_appended_lines_are_read_back(path):
    file = PredictionsFile(path, HEADER)
    file.append(LINES[:2])
    PredictionsFile(path, HEADER).append(LINES[2:])
    found = read_predictions(path)
    assert (found.name, found.header, found.lines) == ("train", HEADER, LINES)


def test_a_line_is_the_fields_in_their_order_and_an_error_only_if_there_is_one(path):
    PredictionsFile(path, HEADER).append(
        [make.prediction("a", "yes", "نعم"), make.prediction("b", "no", "", error="!")]
    )
    first, second = path.read_text(encoding="utf-8").splitlines()[1:]
    assert first == (
        '{"benchmark": "hand/train", "item": "a", "language": "en", "task": "vqa_short", "modality": "ct", '
        '"question": "Question of a?", "prompt": "", "images": [], "image_hashes": [], "output": "نعم", '
        '"finish_reason": "stop", "tokens": 1, "seconds": 0.1, "gold": "yes", "facts": {}}'
    )
    assert list(json.loads(second)) == [*json.loads(first), "error"]


def test_a_line_that_is_no_prediction_is_told(path):
    PredictionsFile(path, HEADER).append(LINES)
    path.write_text(path.read_text(encoding="utf-8") + '{"item": "x"}\n', encoding="utf-8")
    with pytest.raises(EvalError, match=r"train\.jsonl: a line is no prediction"):
        read_predictions(path)


@pytest.mark.parametrize("header", [3, None, {}, {"format": 1, "model": "m"}])
def test_a_first_line_that_is_no_header_is_told(path, header):
    PredictionsFile(path, HEADER)
    path.write_text(json.dumps({"header": header}) + "\n", encoding="utf-8")
    with pytest.raises(EvalError, match=r"train\.jsonl: the first line is no header"):
        read_all(path.parent.parent)


def test_a_file_without_any_answer_begins_anew_for_another_run(path):
    other = {**HEADER, "generation": {"decoding": "greedy", "max_new_tokens": 5}}
    PredictionsFile(path, HEADER).append([make.prediction("a", "yes", "", error="!")])
    check_same_run(path, other)
    before = path.read_bytes()
    assert PredictionsFile(path, HEADER).finished == set() and path.read_bytes() == before
    assert PredictionsFile(path, other).finished == set()
    assert (read_predictions(path).header, read_predictions(path).lines) == (other, [])
    PredictionsFile(path, other).append(LINES[:1])
    for refuse in (check_same_run, PredictionsFile):
        with pytest.raises(EvalError, match="belong to another run"):
            refuse(path, HEADER)


def test_every_cut_can_be_gone_on_from(path):
    PredictionsFile(path, HEADER).append(LINES)
    whole = path.read_bytes()
    for cut in range(0, len(whole), 3):
        path.write_bytes(whole[:cut])
        file = PredictionsFile(path, HEADER)
        file.append([line for line in LINES if line.item not in file.finished])
        assert path.read_bytes() == whole


def test_reading_leaves_a_half_line_out_and_the_file_alone(path):
    PredictionsFile(path, HEADER).append(LINES)
    path.write_bytes(path.read_bytes()[:-5])
    before = path.read_bytes()
    assert read_predictions(path).lines == LINES[:2]
    assert path.read_bytes() == before


def test_another_header_is_refused_and_both_are_named(path):
    PredictionsFile(path, HEADER).append(LINES)
    before = path.read_bytes()
    with pytest.raises(EvalError, match=r'checkpoint_sha256: the file has "0+", this run has "f+"') as caught:
        PredictionsFile(path, {**HEADER, "checkpoint_sha256": "f" * 64})
    assert "versions" not in str(caught.value) and str(path) in str(caught.value)
    assert path.read_bytes() == before


def test_broken_line_is_named(path):
    PredictionsFile(path, HEADER).append(LINES)
    path.write_text(path.read_text().replace('{"benchmark"', "{benchmark", 1))
    with pytest.raises(EvalError, match=r"train\.jsonl: line 2 is not JSON"):
        read_predictions(path)


def test_file_without_header(path):
    path.parent.mkdir()
    path.write_text(json.dumps(LINES[0].record()) + "\n")
    with pytest.raises(EvalError, match="the first line is no header"):
        read_predictions(path)


def test_runs_are_read_in_the_order_of_the_report(tmp_path):
    make.write_predictions(tmp_path, "base_train", LINES, images="not shown")
    make.write_predictions(tmp_path, "a_heldout", LINES, split="heldout_image")
    make.write_predictions(tmp_path, "a_permuted", LINES, images="permuted", permuted={"seed": 0})
    make.write_predictions(tmp_path, "train", LINES)
    assert [run.name for run in read_all(tmp_path)] == ["train", "a_permuted", "a_heldout", "base_train"]


def test_no_predictions(tmp_path):
    with pytest.raises(EvalError, match="python -m eval run"):
        read_all(tmp_path)
