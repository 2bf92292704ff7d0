"""Verdicts are on disk when they are said to be, of many reviewers at once, on one dataset."""

import multiprocessing
import resource
import sqlite3

import pytest

from data_prep.curate.review.errors import ReviewError
from data_prep.curate.review.sample import Plan
from data_prep.curate.review.store import Store
from tests.helpers.reviewed import said


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "reviews.sqlite", "d" * 64)


def test_a_verdict_comes_back_as_it_was_given_and_a_later_one_takes_its_place(store):
    first = said("p0", "minor", reason="«صياغة»; DROP TABLE", texts=("أ", "ب\n"), seconds=1.5)
    store.put(first)
    store.put(said("p0", "none", reviewer="R2"))
    assert store.verdicts("R1") == [first]
    store.put(said("p0", "major"))
    assert [one.verdict for one in store.verdicts()] == ["major", "none"]


def _write(path, reviewer, together):
    store = Store(path, "d" * 64)
    together.wait()
    for number in range(40):
        store.put(said(f"p{number}", "none", reviewer=reviewer))


def test_several_processes_write_at_once_and_lose_nothing(store):
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(3)
    writers = [context.Process(target=_write, args=(store.path, f"R{n}", together)) for n in range(3)]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    assert [one.exitcode for one in writers] == [0, 0, 0]
    assert len(store.verdicts()) == 120


def _fill(path, results):
    store = Store(path, "d" * 64)
    resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, 120_000))
    kept = 0
    try:
        for number in range(10_000):
            store.put(said(f"p{number}", "none", reason="x" * 500))
            kept += 1
    except ReviewError as error:
        results.put((kept, str(error)))


def test_on_a_full_disk_what_was_said_to_be_kept_is_kept_and_the_next_is_told(store):
    context = multiprocessing.get_context("spawn")
    results = context.SimpleQueue()
    writer = context.Process(target=_fill, args=(store.path, results))
    writer.start()
    writer.join()
    kept, message = results.get()
    assert str(store.path) in message and "nothing of this was kept" in message and "disk full" in message
    assert len(store.verdicts()) == kept > 0


def test_reviews_of_another_dataset_are_refused(store):
    with pytest.raises(ReviewError, match="verdicts on another dataset"):
        Store(store.path, "e" * 64)


@pytest.mark.parametrize("content", [b"verdicts\n" * 100, b"SQLite format 3\0" + b"\1" * 200])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    path = tmp_path / "other.sqlite"
    path.write_bytes(content)
    with pytest.raises(ReviewError, match=r"other\.sqlite"):
        Store(path, "d" * 64)
    assert path.read_bytes() == content


def test_reviewers_get_parts_in_the_order_in_which_they_come_and_keep_them(store):
    assert [store.register(name, None) for name in ("R1", "R2", "R1", "رنا 'x'; --")] == [0, 1, 0, 2]
    assert store.register("R9", "translator", part=7) == 7 == store.register("R9", None)
    store.register("judge", "radiologist", draws=False)
    assert store.roles()["judge"] == "radiologist" and store.roles()["R1"] == "reviewer"
    for name in ("judge", "second"):
        store.register(name, None, draws=False, default="adjudicator")
    assert store.roles()["judge"] == "radiologist" and store.roles()["second"] == "adjudicator"


def test_the_first_plan_is_that_of_all(store):
    first = store.plan({"sample": 9}, Plan(seed=3))
    assert first == Plan(9, seed=3) == store.plan({}, Plan()) == store.plan({"seed": 3}, Plan())
    with pytest.raises(ReviewError, match="begun with --sample 9, --seed 3"):
        store.plan({"sample": 10}, Plan())


def test_the_file_is_in_write_ahead_mode(store):
    with sqlite3.connect(store.path) as file:
        assert file.execute("PRAGMA journal_mode").fetchone() == ("wal",)
