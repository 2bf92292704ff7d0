"""VQA-RAD, SLAKE and PathVQA in their real layouts: what is asked, and both scorings of the same answers."""

import json

import pytest

from eval.errors import EvalError
from eval.items import check_items
from eval.registry import load
from eval.scores import score_predictions
from tests.helpers.downloads import vqa as download
from tests.helpers.layouts import path_vqa, slake, vqa_rad
from tests.helpers.prediction_builders import answered, single_values, texts, value

YES_OR_NO = "Answer the following question with yes or no."


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("vqa")
    vqa_rad.make(root / "VQA-RAD")
    slake.make(root / "SLAKE")
    path_vqa.make(root / "path-vqa")
    return root


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    root = tmp_path_factory.mktemp("hub")
    vqa_rad.make_hub(root / "VQA-RAD")
    path_vqa.make_hub(root / "path-vqa")
    return root


@pytest.mark.parametrize("name", ["vqa_rad", "slake", "path_vqa"])
def test_the_test_split_with_readable_pictures(root, name):
    benchmark = load(name, root)
    assert benchmark.problems() == []
    items = benchmark.items()
    check_items(items, name)
    assert [item.language for item in items] == ["en"] * len(items)
    assert benchmark.image(items[0].images[0])[:2] == b"\xff\xd8"
    assert benchmark.sha256() == load(name, root).sha256()


@pytest.mark.parametrize("name", ["vqa_rad", "path_vqa"])
def test_the_layout_of_the_hub(hub, name):
    benchmark = load(name, hub)
    (item,) = benchmark.items()
    assert texts(item) == [YES_OR_NO, None, item.question] and item.gold == "no"
    assert benchmark.image(item.images[0])[:2] == b"\xff\xd8"
    assert item.facts == {"closed": True, "typed": False, "told_closed": True}
    scores = score_predictions(benchmark, answered([item], "No."), [])
    assert "says of no question" in value(scores, "corrected.closed_accuracy").note
    assert value(scores, "multimedeval.closedQuestionsAccuracy").note == ""


def test_the_pickle_of_plain_answers_has_no_types(tmp_path):
    download.path_vqa(tmp_path / "path-vqa", typed=False)
    benchmark = load("path_vqa", tmp_path)
    assert benchmark.problems() == [] and {item.facts["typed"] for item in benchmark.items()} == {False}
    download.path_vqa(tmp_path / "path-vqa")
    assert {item.facts["typed"] for item in load("path_vqa", tmp_path).items()} == {True}


def test_only_the_gold_answers_yes_and_no_are_told(root):
    by_answer = {item.gold: texts(item) for item in load("path_vqa", root).items()}
    assert by_answer["yes"] == [YES_OR_NO, None, "Is the liver affected?"]
    assert by_answer["3"] == [None, "How many nuclei are there?"]


def test_slake_writes_yes_with_a_capital_so_it_is_not_told(root):
    (item,) = load("slake", root).items()
    assert (texts(item), item.gold) == ([None, "Is this MRI?"], "Yes")
    assert item.facts == {"closed": True, "typed": True, "told_closed": False}


def test_a_row_that_cannot_be_asked_is_left_out_and_told(root, capsys):
    assert len(load("path_vqa", root).items()) == 4
    assert "1 of 5 rows are left out (1 empty_answer); the first is path_vqa-test-100422004" in capsys.readouterr().err


def test_two_scorings_of_the_same_answers(root):
    items = load("path_vqa", root).items()
    closed, canals, nuclei, none = items
    answers = {closed.id: "yes and no", canals.id: "canals of hering", nuclei.id: "three", none.id: None}
    scores = score_predictions(load("path_vqa", root), answered(items, answers), [])
    # MultiMedEval: both words are in; 3 of the 4 gold words "in canals of hering"; "three" is 3.
    assert value(scores, "multimedeval.closedQuestionsAccuracy").value == 1
    opened = value(scores, "multimedeval.openQuestionsRecall")
    assert (opened.value, opened.n, opened.unscored) == (pytest.approx((3 / 4 + 1) / 2), 2, 1)
    assert value(scores, "multimedeval.openQuestionsAccuracy").value == 1
    recall = value(scores, "multimedeval.recall")
    assert (recall.value, recall.n) == (pytest.approx((1 + 3 / 4 + 1) / 3), 3)
    # F1 of sets: 2/3 of {yes, and, no} and {yes} is 0.5; 3 of 3 and 3 of 4 is 6/7; 1.
    assert value(scores, "multimedeval.F1").value == pytest.approx((0.5 + 6 / 7 + 1) / 3, abs=1e-6)
    # Corrected: the first word is yes, so it says yes; its f1 is 2 * 1 / (3 + 1).
    assert value(scores, "corrected.closed_accuracy").value == 1
    assert value(scores, "corrected.f1").value == pytest.approx((0.5 + 6 / 7 + 1) / 3)
    assert value(scores, "corrected.open_accuracy").n == 2
    assert {score.metric for score in scores if not score.subgroup} == {
        *(f"multimedeval.{name}" for name in ("closedQuestionsAccuracy", "openQuestionsAccuracy")),
        *(f"multimedeval.{name}" for name in ("openQuestionsRecall", "recall", "F1", "bleu")),
        *(f"corrected.{name}" for name in ("closed_accuracy", "open_accuracy", "open_recall", "recall", "f1", "bleu1")),
    }


def test_closed_is_what_the_data_says(tmp_path):
    vqa_rad.make(tmp_path / "VQA-RAD")
    table = tmp_path / "VQA-RAD/VQA_RAD Dataset Public.json"
    (row,) = [row for row in json.loads(table.read_text()) if row["answer"] == "left"]
    table.write_text(json.dumps([row | {"phrase_type": "test_freeform"}]))
    benchmark = load("vqa_rad", tmp_path)
    scores = score_predictions(benchmark, answered(benchmark.items(), "left and right"), [])
    assert value(scores, "corrected.closed_accuracy").value == 0
    # For MultiMedEval it is an open question, and the gold word is there.
    assert value(scores, "multimedeval.openQuestionsAccuracy").value == 1
    assert all(score.metric != "multimedeval.closedQuestionsAccuracy" for score in scores)


def test_subgroups(root):
    items = load("path_vqa", root).items()
    scores = score_predictions(load("path_vqa", root), answered(items, "3"), [])
    assert value(scores, "corrected.recall", task="vqa_short").n == 2
    assert value(scores, "corrected.closed_accuracy", task="vqa_closed").value == 0


ARABIC = [
    {"id": "slake-30", "question": "هل هذه صورة بالرنين المغناطيسي؟", "answer": "نعم"},
]


def arabic(root, rows):
    slake.make(root / "SLAKE")
    path = root / "SLAKE" / "arabic.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return load("slake", root)


def test_arabic_versions_stand_beside_the_benchmarks_own_numbers(tmp_path):
    benchmark = arabic(tmp_path, ARABIC)
    english, version = benchmark.items()
    check_items([english, version], "slake")
    assert (version.id, version.language, version.gold) == ("slake-30-ar", "ar", "نعم")
    assert version.images == english.images and version.facts["version_of"] == "slake-30"
    assert texts(version) == [None, ARABIC[0]["question"]]
    scores = score_predictions(
        benchmark, answered([english, version], {english.id: "No", version.id: "نعم، بالتأكيد"}), []
    )
    own = value(scores, "corrected.closed_accuracy")
    assert (own.value, own.n) == (0, 1)
    assert value(scores, "corrected.closed_accuracy", language="ar").value == 1
    assert value(scores, "corrected.closed_accuracy", language="en").value == 0
    # MultiMedEval takes the Arabic yes for an open question, and does not know the Arabic comma.
    opened = value(scores, "multimedeval.openQuestionsAccuracy", language="ar")
    assert opened.value == 0 and "English alone" in opened.note


def test_single_values_are_those_behind_the_means_of_the_own_items(tmp_path):
    benchmark = arabic(tmp_path, ARABIC)
    run = answered(benchmark.items(), "Yes")
    values = single_values(benchmark, run)
    assert values["corrected.closed_accuracy"] == {"slake-30": True}
    for metric, found in values.items():
        assert value(score_predictions(benchmark, run, []), metric).value == sum(found.values()) / len(found)


def test_an_arabic_version_is_told_what_its_english_one_is(tmp_path):
    path_vqa.make_hub(tmp_path / "path-vqa")
    (item,) = load("path_vqa", tmp_path).items()
    row = {"id": item.id, "question": "هل يوجد نخر؟", "answer": "لا"}
    (tmp_path / "path-vqa" / "arabic.jsonl").write_text(json.dumps(row), encoding="utf-8")
    _, version = load("path_vqa", tmp_path).items()
    assert texts(version) == ["أجب عن السؤال التالي بنعم أو لا.", None, "هل يوجد نخر؟"]


BROKEN_ARABIC = [
    ([ARABIC[0], ARABIC[0]], "line 2: the id 'slake-30' comes twice"),
    ([ARABIC[0] | {"id": "slake-99"}], "line 1: no English item has the id 'slake-99'"),
    ([ARABIC[0] | {"answer": " "}], "line 1: no text under 'answer'"),
    ([{"id": "slake-30", "question": "x"}], "line 1: no text under 'answer'"),
    ([ARABIC[0], 3], "line 2: int instead of an object"),
]


@pytest.mark.parametrize(("rows", "message"), BROKEN_ARABIC)
def test_a_broken_arabic_file_is_one_message(tmp_path, rows, message):
    with pytest.raises(EvalError, match=message) as error:
        arabic(tmp_path, rows).items()
    assert "arabic.jsonl" in str(error.value) and "\n" not in str(error.value)


def test_what_is_missing_is_said_with_where_to_get_it(tmp_path):
    (problem,) = load("slake", tmp_path).problems()
    assert "no such folder" in problem and "huggingface.co/datasets/BoKelvin/SLAKE" in problem
    assert "imgs/ or imgs.zip" in problem
    slake.make(tmp_path / "SLAKE")
    (tmp_path / "SLAKE/test.json").unlink()
    (problem,) = load("slake", tmp_path).problems()
    assert problem.startswith(str(tmp_path / "SLAKE/test.json")) and "Get it: https://" in problem


def test_missing_columns_are_one_message(tmp_path):
    slake.make(tmp_path / "SLAKE")
    rows = [{"qid": 1, "q_lang": "en", "img_name": "a.jpg", "answer": "Yes"}]
    (tmp_path / "SLAKE/test.json").write_text(json.dumps(rows))
    with pytest.raises(EvalError, match="no row of SLAKE can be used; the first is slake-1: no text under 'question'"):
        load("slake", tmp_path).items()


def test_duplicate_ids_are_found(tmp_path):
    slake.make(tmp_path / "SLAKE")
    table = tmp_path / "SLAKE/test.json"
    table.write_text(json.dumps(json.loads(table.read_text()) * 2))
    with pytest.raises(EvalError, match="slake-30"):
        check_items(load("slake", tmp_path).items(), "slake")


def test_a_cut_file_is_one_message(tmp_path):
    slake.make(tmp_path / "SLAKE")
    table = tmp_path / "SLAKE/test.json"
    table.write_text(table.read_text()[:-2])
    with pytest.raises(EvalError, match=r"slake: .*test\.json"):
        load("slake", tmp_path).items()


def test_a_missing_picture_names_itself(root):
    with pytest.raises(EvalError, match=r"path_vqa: missing_image: test/val_9999\.jpg"):
        load("path_vqa", root).image("test/val_9999.jpg")
