"""apply writes what reviewers decided, accounts for every row, and says on the card who found what."""

import json

import pytest

from data_prep.__main__ import main
from data_prep.check import check
from data_prep.curate.review.apply import apply
from data_prep.curate.review.curated import texts_of
from data_prep.curate.review.errors import ReviewError
from tests.helpers.reviewed import curated_set, ledger_of, opened, rows_of, said

CORRECTED = ("ماذا ترى؟", "عقيدة بقياس 12 ملم.")


@pytest.fixture
def folder(tmp_path):
    return curated_set(tmp_path, passed=6, waiting=4)


def applied(folder, *verdicts, names=False):
    """Apply verdicts of R1, R2 and the adjudicator J; give the manifest and the folder."""
    curated, store = opened(folder)
    for name in ("R1", "R2"):
        store.register(name, "radiologist")
    store.put_all(list(verdicts))
    out = folder.with_name("out")
    made = apply(curated, store, out, "test", names)
    assert made is None or check(out) == made
    return made, out


def test_rows_are_corrected_kept_rejected_or_still_wait(folder):
    made, out = applied(
        folder,
        said("p0", "none"),
        said("p1", "minor", texts=CORRECTED),
        said("p2", "minor"),
        said("p3", "major", reason="wrong side"),
        said("p4", "major", texts=CORRECTED),
        said("w0", "none"),
        said("w1", "major"),
        said("w2", "skip"),
    )
    rows, old = rows_of(out), rows_of(folder)
    assert set(rows) == {f"messages-{one}" for one in ("p0", "p1", "p2", "p4", "p5", "w0")}
    assert {split for split, _ in rows.values()} == {"train"}
    for one in ("p1", "p4"):
        _, row = rows[f"messages-{one}"]
        assert tuple(texts_of(row["messages"])) == CORRECTED
        assert [part["type"] for part in row["messages"][0]["content"]] == ["image", "text"]
        assert row["parent"] == f"parent-{one}" and row["images"] == old[f"messages-{one}"][1]["images"]
    for one in ("p0", "p2", "p5", "w0"):
        assert rows[f"messages-{one}"][1] == old[f"messages-{one}"][1]
    assert ledger_of(out) == {
        "messages-p3": ("rejected_in_review", "wrong side"),
        "messages-w1": ("rejected_in_review", "a major error"),
        "messages-w2": ("needs_review", "no reviewer has seen it"),
        "messages-w3": ("needs_review", "no reviewer has seen it"),
    }
    assert made["read"] == 10 and made["curation"]["review_waiting"] == 0


def test_lines_of_curation_go_with_their_rows(folder):
    _, out = applied(folder, said("p1", "minor", texts=CORRECTED), said("w0", "none"))
    lines = [json.loads(line) for line in (out / "curation.jsonl").read_text().splitlines()]
    assert {line["id"] for line in lines} == set(rows_of(out))
    by_id = {line["id"]: line for line in lines}
    assert by_id["messages-p1"]["review"] == {"verdict": "minor", "corrected": True}
    assert "review" not in by_id["messages-p0"]
    curated, _ = opened(out)
    assert len(curated.rows) == len(lines)


def test_where_reviewers_differ_a_row_waits_until_an_adjudicator_decides(folder):
    differ = [said("p0", "none"), said("p0", "major", reviewer="R2"), said("w0", "none")]
    _, out = applied(folder, *differ)
    assert ledger_of(out)["messages-p0"][0] == "needs_review"
    final = said("p0", "minor", reviewer="J", texts=CORRECTED, adjudicated=True)
    _, out = applied(folder, *differ, final)
    assert tuple(texts_of(rows_of(out)["messages-p0"][1]["messages"])) == CORRECTED


def test_two_corrections_of_one_row_are_a_conflict_and_one_is_not(folder):
    other = ("ماذا؟", "عقيدة.")
    _, out = applied(
        folder,
        said("p0", "minor", texts=CORRECTED),
        said("p0", "minor", reviewer="R2", texts=other),
        said("p1", "minor", texts=CORRECTED),
        said("p1", "minor", reviewer="R2"),
    )
    assert ledger_of(out)["messages-p0"][0] == "needs_review"
    assert tuple(texts_of(rows_of(out)["messages-p1"][1]["messages"])) == CORRECTED


def test_the_card_says_how_many_errors_with_intervals_and_roles_and_names_only_if_wanted(folder):
    verdicts = [said("p0", "none"), said("p1", "minor"), said("p2", "none"), said("p3", "major", texts=CORRECTED)]
    made, out = applied(folder, *verdicts)
    card = (out / "README.md").read_text()
    assert made["review"]["result"] in card and "R1" not in card
    # Wilson's interval of 1 in 4
    rates = "minor 25.0% (4.6% to 69.9%), major 25.0% (4.6% to 69.9%)"
    assert f"reviewed 4 of 10 rows: 4 of 6 that passed the checks, {rates}; by 1 radiologist" in card
    made, out = applied(folder, *verdicts, names=True)
    assert "by R1 (radiologist)" in (out / "README.md").read_text()


def test_the_same_verdicts_give_the_same_bytes_and_nothing_to_do(folder):
    verdicts = [said("p1", "minor", texts=CORRECTED), said("w0", "none")]
    _, out = applied(folder, *verdicts)
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    assert applied(folder, *verdicts)[0] is None
    out.rename(out.with_name("old"))
    _, out = applied(folder, *verdicts)
    assert {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()} == before


def test_apply_refuses_the_dataset_itself_and_reviews_without_verdict(folder):
    curated, store = opened(folder)
    with pytest.raises(ReviewError, match="no verdict yet"):
        apply(curated, store, folder.with_name("out"), "test")
    with pytest.raises(ReviewError, match="give another folder"):
        apply(curated, store, folder, "test")


def test_a_mixture_reads_the_reviewed_dataset_and_a_dataset_without_rows_is_told(folder, capsys):
    _, out = applied(folder, said("w0", "none"))
    mixture = folder.with_name("mixture.yml")
    mixture.write_text(f"name: again\nsources: [{{reader: dataset, path: {out}}}]\n")
    assert main(["build", str(mixture), "--out", str(folder.with_name("again"))]) == 0
    assert "messages-w0" in rows_of(folder.with_name("again"))
