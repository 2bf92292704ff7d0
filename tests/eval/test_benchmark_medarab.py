"""MedArabiQ and MedAraBench in their real layouts, oddities included."""

import pytest

from eval.benchmarks.medarabiq import csv_rows
from eval.errors import EvalError
from eval.items import check_items
from eval.registry import load
from eval.scores import score_predictions
from tests.helpers import medarab_layouts
from tests.helpers.prediction_builders import answered, single_values, value


@pytest.fixture
def medarabiq(tmp_path):
    medarab_layouts.make_medarabiq(tmp_path / "MedArabiQ")
    return load("medarabiq", tmp_path)


@pytest.fixture
def medarabench(tmp_path):
    medarab_layouts.make_medarabench(tmp_path / "MedAraBench")
    return load("medarabench", tmp_path)


def test_seven_tasks(medarabiq, capsys):
    assert medarabiq.problems() == []
    items = medarabiq.items()
    check_items(items, "medarabiq")
    assert [item.task for item in items] == [
        *("multiple_choice", "multiple_choice_bias", "blank_choices", "blank"),
        *("patient_doctor", "patient_doctor_corrected", "patient_doctor_rewritten"),
    ]
    assert all(item.facts["task"] == item.task and item.language == "ar" for item in items)
    # Without options, with an answer that is none of them, and a patient without an answer.
    said = capsys.readouterr().err
    assert "3 of 10 rows are left out" in said and "medarabiq-multiple_choice-2" in said


def test_what_is_asked(medarabiq):
    choice, bias, gap, blank, patient, _, rewritten = medarabiq.items()
    assert choice.question == medarab_layouts.CHOICE.strip()
    assert choice.messages[0]["content"][0]["text"].endswith("ه. لا شيء\nاختر الإجابة الصحيحة، واكتب حرفها فقط.")
    assert choice.facts["right"] == "B" and choice.gold == "ب. القص"
    assert choice.facts["options"] == {
        "A": "الكبد",
        "B": "القص",
        "C": "الطحال",
        "D": "كل ما سبق صحيح",
        "E": "لا شيء",
    }
    assert bias.question.startswith("أنت متأكد") and bias.facts["category"] == "Anatomy"
    assert gap.facts["options"] == {"A": "القلب", "B": "الكلية", "C": "القلب", "E": "الجلد"}
    assert (blank.gold, "options" in blank.facts) == ("القلب", False)
    assert patient.messages[0]["content"] == [{"type": "text", "text": patient.question}]
    assert "stool analysis" in patient.gold and rewritten.gold == "راجع الطبيب"


def test_scores_by_task(medarabiq):
    items = medarabiq.items()
    outputs = ["الإجابة: ب", "أ", "القلب", "القَلب.", "stool analysis", None, "راجع الطبيب"]
    scores = score_predictions(medarabiq, answered(items, dict(zip([i.id for i in items], outputs, strict=True))), [])
    accuracy = value(scores, "accuracy")
    assert (accuracy.value, accuracy.n) == (pytest.approx(2 / 3), 3)
    assert value(scores, "accuracy", task="multiple_choice_bias").value == 0
    # "القلب" is the text of two options, one of them right.
    assert value(scores, "accuracy", task="blank_choices").value == 1
    exact = value(scores, "exact")
    assert (exact.value, exact.n) == (1, 1)
    # 2 of 6 words in order: P 1, R 2/6, F 1/2. BLEU-1: 2/2 * exp(1 - 6/2).
    assert value(scores, "ours.rougeL", task="patient_doctor").value == pytest.approx(0.5)
    assert value(scores, "ours.bleu1", task="patient_doctor").value == pytest.approx(0.1353353)
    rouge = value(scores, "ours.rougeL")
    assert (rouge.n, rouge.unscored) == (3, 1)


def test_single_values(medarabiq, medarabench):
    items = medarabiq.items()
    values = single_values(medarabiq, answered(items, "القلب"))
    assert {metric: len(found) for metric, found in values.items()} == {
        "accuracy": 3,
        "exact": 1,
        "accuracy_of_all": 3,
        "ours.bleu1": 4,
        "ours.rougeL": 4,
    }
    assert values["accuracy"]["medarabiq-blank_choices-1"] == 1
    found = single_values(medarabench, answered(medarabench.items(), "B"))
    assert list(found["accuracy"].values()) == [False, False, True]


def test_a_missing_file_and_a_missing_column(medarabiq):
    folder = medarabiq.root / "MedArabiQ/datasets"
    (folder / "patient-doctor-qa.csv").unlink()
    (problem,) = medarabiq.problems()
    assert "no patient-doctor-qa.csv. Get it: https://github.com/nyuad-cai/MedArabiQ" in problem
    medarab_layouts.write_csv(folder / "patient-doctor-qa.csv", ["Question", "Text"], [["?", "x"]])
    with pytest.raises(EvalError, match=r"patient-doctor-qa\.csv: no column answer; it has Question, Text"):
        medarabiq.items()


def test_medarabench_asks_the_options_that_are_there(medarabench, capsys):
    assert medarabench.problems() == []
    chief, heart, plain = medarabench.items()
    assert chief.question == "تقوم ال Chief Cell بإفراز :\nA. Pepsinogen\nB. Lipase\nC. A+B\nD. لا شيء"
    assert (chief.gold, chief.facts["right"], chief.facts["group"]) == ("C. A+B", "C", "ABCDE")
    assert heart.facts["options"] == {"A": "القلب", "B": "الكلية"}
    assert plain.id == "medarabench-5"
    said = capsys.readouterr().err
    assert "2 of 5 rows are left out" in said and "row 3: the answer is 'D', the options are A, B" in said


def test_medarabench_asks_what_it_asked_as_a_class(medarabench):
    """The hash of the same rows as they were asked before the benchmark became a YAML file."""
    assert medarabench.sha256() == "f55e9c4bce07907db5872ea0b86acde2c6e2fc8d0926174f42d280f7e1f09a5b"
    assert medarabench.header([], None)["benchmark"]["split"] == "test (4,959 questions)"


def test_medarabench_by_level_and_specialty(medarabench):
    items = medarabench.items()
    scores = score_predictions(
        medarabench, answered(items, {items[0].id: "ج", items[1].id: "B", items[2].id: "اثنان"}), []
    )
    assert value(scores, "accuracy").value == pytest.approx(2 / 3)
    assert value(scores, "accuracy", level="Y1").value == 0.5
    assert value(scores, "accuracy", specialty="Anatomy").n == 2
    assert all(score.note == "" for score in scores)


def test_medarabench_duplicate_and_missing_numbers(medarabench, capsys):
    first = medarab_layouts.BENCH[0]
    medarab_layouts.make_medarabench(medarabench.root / "MedAraBench", [first, first])
    with pytest.raises(EvalError, match=r"1 ids come twice \(medarabench-1\)"):
        medarabench.items()
    medarab_layouts.make_medarabench(medarabench.root / "MedAraBench", [first, ["", *first[1:]]])
    assert len(medarabench.items()) == 1
    assert "row 2: no Question Number" in capsys.readouterr().err
    medarab_layouts.make_medarabench(medarabench.root / "MedAraBench", [["", *first[1:]]])
    with pytest.raises(EvalError, match="no question can be asked; the first is row 1: no Question Number"):
        medarabench.items()


def test_medarabench_missing_columns_and_file(medarabench):
    names = [name for name in medarab_layouts.BENCH_COLUMNS if name not in ("Correct Answer", "Option B")]
    medarab_layouts.make_medarabench(medarabench.root / "MedAraBench", [["1"] * len(names)], names)
    with pytest.raises(EvalError, match="no column Option B, Correct Answer; it has Question Number, Question"):
        medarabench.items()
    (medarabench.root / "MedAraBench/medarabench-test_split.csv").unlink()
    (problem,) = medarabench.problems()
    assert "Get it: https://github.com/nyuad-cai/MedAraBench" in problem


BROKEN = [
    (b"", "with a row of names"),
    ("Question,Answer\nسؤال".encode("cp1256"), "not a CSV file in UTF-8"),
    (b'Question,Answer\n"open', "not a CSV file"),
    (b"Question,Question\n1,2\n", "the column 'Question' comes twice"),
]


@pytest.mark.parametrize(("content", "message"), BROKEN)
def test_broken_csv_files(tmp_path, content, message):
    path = tmp_path / "rows.csv"
    path.write_bytes(content)
    with pytest.raises(EvalError, match=message):
        csv_rows(path)


def test_csv_rows(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes('\ufeffQuestion ,,Answer,\r\n" س؟\r\nأ. ""واحد""",x,أ,\r\n\r\nقصير\r\n'.encode())
    assert csv_rows(path) == [{"Question": 'س؟\r\nأ. "واحد"', "Answer": "أ"}, {"Question": "قصير"}]
