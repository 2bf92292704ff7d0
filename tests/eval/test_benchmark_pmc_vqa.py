"""PMC-VQA in its two releases, and how options are told apart in one text."""

import json

import pytest

from eval.errors import EvalError
from eval.metrics.option_letters import lettered, split_options
from eval.registry import load
from eval.scores import score_predictions
from tests.helpers.layouts import pmc_vqa
from tests.helpers.prediction_builders import answered, single_values, texts, value


def test_the_checked_split_of_the_first_release(tmp_path):
    pmc_vqa.make(tmp_path / "PMC-VQA")
    pmc_vqa.make_second(tmp_path / "PMC-VQA")
    benchmark = load("pmc_vqa", tmp_path)
    assert benchmark.problems() == []
    (item,) = benchmark.items()
    assert item.id == "pmc_vqa-1-test_clean-choice-1"
    assert item.facts["right"] == "B" and item.facts["options"]["C"] == "DNA: none"
    assert texts(item)[0] is None and texts(item)[1].endswith(
        "\nD. Cannot be told\nAnswer with the letter of the right option alone."
    )
    assert benchmark.image(item.images[0])[:2] == b"\xff\xd8"


def test_the_second_release(tmp_path):
    pmc_vqa.make_second(tmp_path / "PMC-VQA")
    (item,) = load("pmc_vqa", tmp_path).items()
    assert (item.id, item.gold) == ("pmc_vqa-2-test-choice-11", "D. Cannot be told")


def test_an_answer_that_chooses_nothing_is_unscored_or_wrong(tmp_path):
    pmc_vqa.make(tmp_path / "PMC-VQA")
    (tmp_path / "PMC-VQA/test_clean.csv").write_bytes((tmp_path / "PMC-VQA/test.csv").read_bytes())
    benchmark = load("pmc_vqa", tmp_path)
    first, second = benchmark.items()
    clear, every = score_predictions(
        benchmark, answered([first, second], {first.id: "The answer is B.", second.id: "maybe"}), []
    )
    assert (clear.metric, clear.value, clear.n, clear.unscored) == ("accuracy", 1, 1, 1)
    assert clear.note == "1 answers choose no option, or several"
    assert (every.metric, every.value, every.n, every.unscored) == ("accuracy_of_all", 0.5, 2, 0)
    failed = value(
        score_predictions(benchmark, answered([first, second], {first.id: "A", second.id: None}), []), "accuracy"
    )
    assert (failed.value, failed.n, failed.unscored, failed.note) == (0, 1, 1, "")


@pytest.fixture
def with_arabic(tmp_path):
    """Write arabic.jsonl for the one checked question; return the benchmark."""
    pmc_vqa.make(tmp_path / "PMC-VQA")
    benchmark = load("pmc_vqa", tmp_path)

    def write(question="ما هذا؟\nأ. قلب\nب. رئة\nج. كبد", answer="ب. رئة"):
        line = {"id": benchmark.items()[0].id, "question": question, "answer": answer}
        (benchmark.folder / "arabic.jsonl").write_text(json.dumps(line, ensure_ascii=False) + "\n")
        return benchmark

    return write


def test_arabic_versions_are_scored_on_their_own(with_arabic):
    benchmark = with_arabic()
    english, arabic = benchmark.items()
    assert (arabic.id, arabic.language, arabic.images) == (f"{english.id}-ar", "ar", english.images)
    assert texts(arabic) == [None, "ما هذا؟\nأ. قلب\nب. رئة\nج. كبد\nاختر الإجابة الصحيحة، واكتب حرفها فقط."]
    assert arabic.facts["right"] == "B" and arabic.facts["options"] == {"A": "قلب", "B": "رئة", "C": "كبد"}
    predictions = answered([english, arabic], {english.id: "A", arabic.id: "الجواب هو ب"})
    scores = score_predictions(benchmark, predictions, [])
    assert (value(scores, "accuracy").value, value(scores, "accuracy").n) == (0, 1)
    assert value(scores, "accuracy", language="ar").value == 1
    assert set(single_values(benchmark, predictions)["accuracy"]) == {english.id}


def test_an_arabic_version_without_its_options_is_one_message(with_arabic):
    with pytest.raises(EvalError, match=r"the choices cannot be told apart. Mend arabic\.jsonl"):
        with_arabic(question="ما هذا؟").items()


def test_no_file_of_either_release(tmp_path):
    (tmp_path / "PMC-VQA").mkdir()
    assert any("test_2.csv: there is no such file. Get it: https://" in p for p in load("pmc_vqa", tmp_path).problems())
    with pytest.raises(EvalError, match=r"pmc_vqa: .*test_2\.csv"):
        load("pmc_vqa", tmp_path).items()


SPLIT = [
    ("What?\nA. one\nB. two", "What?", {"A": "one", "B": "two"}),
    ("ما هو؟\nأ. واحد\nب. اثنان\nهـ. لا شيء", "ما هو؟", {"A": "واحد", "B": "اثنان", "E": "لا شيء"}),
    # Any mark behind the letter, blanks before it, alef without hamza, lines of an option.
    ("ما؟\n ا) واحد\n  أو أكثر\nب - اثنان \n", "ما؟", {"A": "واحد\n  أو أكثر", "B": "اثنان"}),
    # An option that begins like a stem's line: the last A counts.
    ("A. B. went home.\nWhy?\nA. one\nB. two", "A. B. went home.\nWhy?", {"A": "one", "B": "two"}),
    ("املأ الفراغ ____", "املأ الفراغ ____", {}),
    ("ما؟\nب. اثنان", "ما؟\nب. اثنان", {}),
    # An option without text is one.
    ("What?\nA.\nB. two", "What?", {"A": "", "B": "two"}),
]


@pytest.mark.parametrize(("text", "stem", "options"), SPLIT)
def test_splitting_options(text, stem, options):
    assert split_options(text) == (stem, options)


def test_lettering_and_splitting_are_inverse():
    options = {"A": "واحد", "C": "A+B", "F": "x: y"}
    assert split_options(lettered("سؤال؟", options)) == ("سؤال؟", options)
