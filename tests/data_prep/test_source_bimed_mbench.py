import json

import pytest

from data_prep.rows import text_of
from data_prep.sources.bimed_mbench import CONVERSATION, DESCRIPTION, BimedMbench, items
from data_prep.tables.table import TableError
from tests.helpers.layouts import bimed_mbench as layout
from tests.helpers.layouts.jpeg import jpeg
from tests.helpers.readers import read_all


@pytest.fixture
def root(tmp_path):
    layout.make(tmp_path)
    return tmp_path / "BiMed-MBench/data/test_sets"


@pytest.mark.parametrize("folder", ["../..", "../../..", "."])
def test_the_english_file(root, folder):
    source = BimedMbench(path=str(root / folder))
    samples, rejected, _ = read_all(source)
    assert [sample.id for sample in samples] == [f"bimed_mbench-en-{number}" for number in range(4)] and rejected == []
    assert [sample.task for sample in samples] == ["vqa_open", "caption"] * 2
    assert [sample.modality for sample in samples] == ["histology", "ct"] * 2
    assert text_of(samples[0].messages).split("\n")[1] == "What is the organ in the image?"
    assert source.load(samples[1].images[0]).data == jpeg(1)


def test_translated_types_are_those_of_the_english_rows(root):
    english, _, _ = read_all(BimedMbench(path=str(root)))
    arabic, rejected, _ = read_all(BimedMbench(path=str(root), language="ar"))
    assert rejected == [] and [sample.task for sample in arabic] == [sample.task for sample in english]
    assert [sample.parent for sample in arabic] == [sample.id for sample in english]
    assert {sample.language for sample in arabic} == {"ar"}


@pytest.mark.parametrize(("language", "name"), [("en", "bimed-mbench_eng.jsonl"), ("ar", "bimed-mbench_ara.jsonl")])
def test_the_other_names_of_the_files(root, language, name):
    before = read_all(BimedMbench(path=str(root), language=language))
    (root / (layout.ENGLISH if language == "en" else layout.ARABIC)).rename(root / name)
    assert read_all(BimedMbench(path=str(root), language=language)) == before


def test_evaluation_gets_what_the_judge_is_told(root):
    found = items(BimedMbench(path=str(root), language="ar").file)
    assert [item.question_id for item in found] == [0, 1, 2, 3]
    assert [item.type for item in found] == [CONVERSATION, DESCRIPTION] * 2
    assert [item.domain for item in found] == ["histology", "ct_scan"] * 2
    assert (found[0].label, found[0].caption) == ("الشكل 3", "جزء من الملتحمة.")
    assert found[0].mentions[0]["tokens"] == "لم يتم العثور على خلايا." and found[1].mentions == ""


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"type": "شرح"}, "'type' is 'شرح'; known are values that start with conversation"),
        ({"type": ""}, "'type' is ''"),
        ({"domain": {"mri": False}}, "no domain of chest_xray"),
        ({"domain": "mri"}, "no domain of chest_xray"),
        ({"question_id": "3"}, "'question_id' is '3'"),
    ],
)
def test_an_unknown_value_is_named(root, change, what):
    path = root / layout.ENGLISH
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[2] = json.dumps(json.loads(lines[2]) | change)
    path.write_text("\n".join(lines), encoding="utf-8")
    samples, (rejected,), _ = read_all(BimedMbench(path=str(root)))
    assert len(samples) == 3 and rejected.reason == "bad_row" and what in rejected.detail
    with pytest.raises(TableError, match=r"llava_med_eval_qa50_qa.jsonl: line 3: .*") as caught:
        items(path)
    assert what in str(caught.value)


def test_figures_that_are_not_there_are_a_problem(root):
    (problem,) = BimedMbench(path=str(root), images=str(root / "figures")).problems()
    assert problem == f"images: {root}/figures: there is no such folder or archive"
    (problem,) = BimedMbench(path=str(root), language="fr").problems()
    assert problem == "language: 'fr'; known: en, ar"
