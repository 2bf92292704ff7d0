"""Different answers to one question on one image: counted, listed, and kept."""

import json
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep import manifest, mixture_file
from data_prep.build import build
from data_prep.check import CheckError, check
from data_prep.mixture import Duplicates, Entry, Mixture
from data_prep.pipeline.conflicts import counts, groups
from data_prep.shards import shard_rows
from tests.helpers.data_fixtures import built, encoded, llava_mixture, llava_row, random_image

ASKED = "<image>\nIs the heart enlarged?"
ROWS = [
    llava_row("yes", question=ASKED, answer="Yes"),
    llava_row("no", question="<image>\nis the heart enlarged", answer="No."),
    llava_row("same", question="Is the heart  enlarged?\n<image>", answer="yes!"),
    llava_row("other_image", "b.png", ASKED, "No"),
    llava_row("other_question", question="<image>\nIs the lung clear?", answer="No"),
    llava_row("text", None, "Is the heart enlarged?", "No"),
    llava_row("nothing_asked", question="<image>", answer="A heart"),
    llava_row("nothing_asked_2", question="<image>", answer="A lung"),
]
for number, row_id in enumerate(("several", "several_2")):
    more = [{"from": "human", "value": "Sure?"}, {"from": "gpt", "value": f"Yes {number}"}]
    row = llava_row(row_id, question=ASKED, answer=f"It is {number}")
    ROWS.append(row | {"conversations": row["conversations"] + more})


def listed(out):
    return [json.loads(line) for line in (out / "conflicts.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("duplicates", [{"exact": False, "near": False}, {"exact": False, "near": True}])
@pytest.mark.parametrize("checks", [True, False])
def test_rows_that_answer_one_question_on_one_image_differently_are_counted_and_listed(tmp_path, duplicates, checks):
    path, out = llava_mixture(tmp_path, ROWS, duplicates=duplicates, checks=checks), tmp_path / "out"
    made, rows, left_out = built(path, out)
    [entry] = listed(out)
    ids = [one["id"].removeprefix("messages-") for one in entry["rows"]]
    assert {"yes", "no"} <= {*ids} <= {"yes", "no", "same"} and not {*ids} & {*left_out}
    assert made["conflicts"] == {"messages": {"questions": 1, "rows": len(ids)}}
    assert entry["question"] == "Is the heart enlarged?" and entry["images"] == rows["yes"]["images"]
    assert [one["answer"] for one in entry["rows"]] == [rows[name]["messages"][1]["content"][0]["text"] for name in ids]
    assert "| messages | 1 |" in (out / "README.md").read_text()
    assert check(out) == made and "conflicts.jsonl" in made["files"]


def test_answers_in_two_languages_do_not_conflict(tmp_path):
    arabic = llava_row("ar", question="<image>\nCT?", answer="لا، هذه صورة أشعة سينية")
    path = llava_mixture(tmp_path, [llava_row("en", question="<image>\nCT?", answer="Yes"), arabic])
    made, rows, _ = built(path, tmp_path / "out")
    assert {row["language"] for row in rows.values()} == {"ar", "en"} and made["conflicts"] == {}
    assert listed(tmp_path / "out") == [] and "Conflicting" not in (tmp_path / "out/README.md").read_text()


def test_conflicts_between_sources_are_counted_by_the_pair_over_many_shards_and_copies(tmp_path):
    sources = []
    for name, answer in (("first", "Yes"), ("second", "No")):
        (tmp_path / name).mkdir()
        given = [llava_row(str(n), question=f"<image>\nIs it {n}?", answer=answer) for n in range(7)]
        sources += mixture_file.load(llava_mixture(tmp_path / name, given)).sources
        (tmp_path / name / "images/a.png").write_bytes(encoded(random_image(0)))
    sources = [
        type(one)(**{**vars(one), "name": name, "id_prefix": name}) for one, name in zip(sources, "ab", strict=True)
    ]
    rules = {"duplicates": Duplicates(near=False), "rows_per_shard": 4}
    two = Mixture(name="two", sources=sources, entries=[Entry(weight=2), Entry()], **rules)
    made = build(two, tmp_path / "out", "test")
    assert made["conflicts"] == {"a / b": {"questions": 7, "rows": 21}} and len(made["shards"]) == 6
    places = {row["id"]: row for _, row in shard_rows(tmp_path / "out", list(made["shards"]))}
    found = listed(tmp_path / "out")
    for entry in found:
        texts = {places[one["id"]]["messages"][0]["content"][1]["text"] for one in entry["rows"]}
        assert texts == {entry["question"]} and sorted(one["source"] for one in entry["rows"]) == ["a", "a", "b"]
    order = [entry["rows"][0]["id"] for entry in found]
    assert order == [row_id for row_id in places if row_id in order] and check(tmp_path / "out") == made


def test_check_counts_conflicts_again_and_accepts_a_set_built_without_them(tmp_path):
    out = tmp_path / "out"
    build(mixture_file.load(llava_mixture(tmp_path, ROWS)), out, "test")
    made = manifest.read(out)
    for changed in ({"conflicts": {}}, {"conflicts": {"messages": {"questions": 1, "rows": 9}}}):
        (out / "manifest.json").write_text(json.dumps(made | changed))
        with pytest.raises(CheckError, match="conflicting answers are not those"):
            check(out)
    del made["conflicts"]
    (out / "manifest.json").write_text(json.dumps(made))
    assert check(out) == made


hashes = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 3), st.integers(0, 1)), max_size=12)


@given(hashes)
def test_groups_and_counts_are_those_of_plain_sets(given):
    question, answer, source = (np.array([row[n] for row in given], np.uint64) for n in range(3))
    by = defaultdict(list)
    for number, (asked, *_) in enumerate(given):
        by[asked].append(number)
    wanted = [rows for asked, rows in by.items() if asked and len({given[row][1] for row in rows}) > 1]
    found = groups(question, answer)
    assert [np.flatnonzero(found == number).tolist() for number in range(len(wanted))] == wanted
    assert (found >= 0).sum() == sum(map(len, wanted))
    totals = counts(found, source, ["a", "b"])
    assert sum(entry["questions"] for entry in totals.values()) == len(wanted)
    assert sum(entry["rows"] for entry in totals.values()) == sum(map(len, wanted))
    assert totals.get("a / b", {"questions": 0})["questions"] == sum(
        len({given[row][2] for row in rows}) == 2 for rows in wanted
    )
