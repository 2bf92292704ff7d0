"""A reviewer's way: first the rows without a verdict, then those put off; wrong answers keep nothing."""

import pytest

from data_prep.curate.review.curated import texts_of
from data_prep.curate.review.session import Session
from tests.helpers.reviewed import curated_set, opened, said


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return curated_set(tmp_path_factory.mktemp("set"))


ROWS = ["messages-p0", "messages-p1", "messages-p2"]


@pytest.fixture
def session(folder):
    folder.with_name("curated.reviews.sqlite").unlink(missing_ok=True)
    curated, store = opened(folder)
    return Session(curated, store, "R1", ROWS)


def answer(session, row, verdict="none", **more):
    texts = texts_of(session.curated.row(row)["messages"])
    return session.answer(
        {"action": "verdict", "row": row, "verdict": verdict, "texts": texts, "reason": "", "seconds": 2} | more
    )


def test_verdicts_lead_on_and_skipped_rows_come_last(session):
    assert session.first().row == ROWS[0]
    put_off = answer(session, ROWS[0], "skip")
    assert put_off.row == ROWS[1] and not put_off.saved  # its typed text stays in the browser
    assert answer(session, ROWS[1], "minor").row == ROWS[2]
    assert answer(session, ROWS[2]).row == ROWS[0]
    last = answer(session, ROWS[0], "major", reason=" a wrong side ")
    assert last.row is None and last.saved == ROWS[0]
    kept = session.given()[ROWS[0]]
    assert (kept.verdict, kept.reason, kept.texts, kept.seconds) == ("major", "a wrong side", None, 2)


def test_back_goes_to_the_row_before_and_from_the_end_to_the_last(session):
    assert session.answer({"action": "back", "row": ROWS[1]}).row == ROWS[0]
    assert session.answer({"action": "back", "row": ROWS[0]}).row == ROWS[0]
    assert session.answer({"action": "back", "row": None}).row == ROWS[2]


def test_only_changed_texts_are_a_correction(session):
    answer(session, ROWS[0], texts=["  ماذا تظهر الصورة؟ ", "عقيدة"])
    assert session.given()[ROWS[0]].texts == ("ماذا تظهر الصورة؟", "عقيدة")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"verdict": "good"}, "known: none, minor, major, skip"),
        ({"verdict": ["none"]}, "known: none"),
        ({"texts": ["one"]}, "incomplete"),
        ({"texts": [1, 2]}, "incomplete"),
        ({"texts": None}, "incomplete"),
        ({"texts": ["a", " "]}, "text 2 is empty"),
        ({"texts": ["<image> a", "b"]}, "marks the place of an image"),
        ({"texts": ["a" * 1_000_001, "b"]}, "characters"),
        ({"seconds": "x"}, "time"),
        ({"seconds": float("nan")}, "time"),
    ],
)
def test_nothing_is_kept_of_a_wrong_answer_and_the_row_stays(session, wrong, message):
    shown = answer(session, ROWS[1], **wrong)
    assert shown.row == ROWS[1] and message in shown.message and not shown.saved
    assert session.given() == {}


def test_an_answer_on_a_row_of_somebody_else_is_not_kept(session):
    answer(session, "messages-p5")
    assert session.store.verdicts() == []


def test_no_reviewer_sees_the_verdicts_of_another_but_an_adjudicator_does(session):
    session.store.put(said("p0", "minor", reviewer="R2"))
    assert session.others("messages-p0") == [] and session.given() == {}
    judge = Session(session.curated, session.store, "J", ["messages-p0"], adjudicates=True)
    assert [one.reviewer for one in judge.others("messages-p0")] == ["R2"]
    answer(judge, "messages-p0", "none")
    assert session.store.verdicts("J")[0].adjudicated
