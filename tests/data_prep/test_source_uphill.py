import pytest

from data_prep.rows import text_of
from data_prep.sources.uphill import LEVELS, Uphill, queries
from data_prep.tables.table import TableError
from tests.helpers.layouts import uphill as layout
from tests.helpers.readers import read_all


def test_a_claim_is_asked_about_at_five_levels(tmp_path):
    layout.make(tmp_path)
    samples, rejected, _ = read_all(Uphill(path=str(tmp_path)))
    assert [sample.id for sample in samples[:5]] == [f"uphill-4214-{level}" for level in range(5)] and rejected == []
    assert text_of(samples[0].messages) == "neutral: Garlic cures influenza?\nfalse"
    assert [sample.group for sample in samples] == ["uphill-4214"] * 5 + ["uphill-17_f"] * 5


def test_scoring_finds_the_claim_of_a_sample(tmp_path):
    layout.make(tmp_path)
    found = queries(tmp_path / "queries.csv")
    assert [query.row_id for query in found] == [sample.id for sample in read_all(Uphill(path=str(tmp_path)))[0]]
    assert (found[0].claim, found[0].veracity, found[-1].veracity) == ("Garlic cures influenza", "false", "fabricated")
    assert [query.level for query in found[:5]] == list(LEVELS)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"presupposition_level": "Shouting"}, "'presupposition_level' is 'shouting'; known: neutral"),
        ({"claim_veracity": "maybe"}, "'claim_veracity' is 'maybe'; known: true"),
        ({"claim_id": " "}, "no text under 'claim_id'"),
    ],
)
def test_an_unknown_value_is_named(tmp_path, changes, what):
    layout.make(tmp_path, **changes)
    samples, (rejected,), _ = read_all(Uphill(path=str(tmp_path)))
    assert len(samples) == 9 and rejected.reason == "bad_row" and what in rejected.detail
    assert rejected.id == "uphill-row-10"
    with pytest.raises(TableError, match=f"queries.csv: row 10: {what}"):
        queries(tmp_path / "queries.csv")
