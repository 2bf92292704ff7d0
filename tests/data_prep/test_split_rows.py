"""The split of each row: rows of one family are in one split, published splits stay, shares keep their size."""

import random
import time
from collections import Counter
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep import mixture_file
from data_prep.build import build
from data_prep.mixture import Entry, Mixture, SplitRule
from data_prep.pipeline.split_rows import splits
from data_prep.rows import Sample
from data_prep.shards import shard_rows
from tests.helpers.data_fixtures import llava_mixture
from tests.helpers.families import Link, kin_of

HALVES = {"test": SplitRule(share=0.3), "validation": SplitRule(share=0.3)}
NUMBER = st.integers(0, 15)


def split(rows, rules, into=(None,), others=(), seed=0):
    """The split of each row by its place."""
    mixture = Mixture(name="m", sources=[], entries=[Entry(into=name) for name in into], splits=rules, seed=seed)
    codes, names = splits(kin_of(rows, others), mixture)
    return [names[code] for code in codes.tolist()]


def sample(row_id, *images):
    return Sample(row_id, "en", "vqa", "ct", [], "MIT", images)


@st.composite
def linked_rows(draw, sources=1):
    """Sixteen rows with random parents (also themselves and absent ones), groups and images."""
    rows = []
    for number in range(16):
        parent = draw(st.none() | NUMBER.map(str) | st.just("absent"))
        group = draw(st.just("") | st.sampled_from(["P1", "P2", "P3"]))
        images = draw(st.lists(st.sampled_from("abcdef"), max_size=2, unique=True))
        source = draw(st.integers(0, sources - 1))
        rows.append(Link(str(number), parent, group, tuple(images), source=source))
    return rows


def families(rows):
    """The ids of each family, by repeated joining of all that share an id, parent, group or image."""
    made = []
    for row in rows:
        marks = {("id", row.id), *(("image", name) for name in row.images)}
        marks |= {("id", row.parent)} if row.parent else set()
        marks |= {("group", row.group)} if row.group else set()
        ids = {row.id}
        for other in [other for other in made if other[0] & marks]:
            made.remove(other)
            marks |= other[0]
            ids |= other[1]
        made.append((marks, ids))
    return [ids for _, ids in made]


@given(linked_rows(), st.integers(0, 99))
def test_a_family_is_in_one_split(rows, seed):
    found = dict(zip([row.id for row in rows], split(rows, HALVES, seed=seed), strict=True))
    for family in families(rows):
        assert len({found[one] for one in family}) == 1


@given(linked_rows(sources=2), st.randoms(use_true_random=False), st.sampled_from(["test", "train", None]))
def test_the_order_of_rows_and_sources_changes_nothing(rows, shuffle, published):
    before = dict(zip([row.id for row in rows], split(rows, HALVES, (None, published)), strict=True))
    moved = [row._replace(source=1 - row.source) for row in rows]
    shuffle.shuffle(moved)
    assert dict(zip([row.id for row in moved], split(moved, HALVES, (published, None)), strict=True)) == before


@given(linked_rows(sources=3))
def test_published_splits_stay_and_what_was_made_from_their_rows_follows(rows):
    into = ("test", "train", None)
    found = dict(zip([row.id for row in rows], split(rows, HALVES, into), strict=True))
    by_id = {row.id: row for row in rows}
    for row in rows:
        here, seen = row, set()
        while here and here.source == 2 and here.id not in seen:
            seen.add(here.id)
            here = by_id.get(here.parent or "")
        if here and here.source < 2:
            assert found[row.id] == into[here.source]


def test_rows_that_share_an_image_with_published_rows_follow_the_one_held_out_first():
    """Test, then any other name, then validation, then train."""
    into = (None, "train", "validation", "atlas", "test")
    rows = []
    for number, name in enumerate(into[1:], start=1):
        rows.append(Link(f"p{number}", images=("a",), source=number))
        assert (
            split([*rows, Link("new", images=("a", "b")), Link("far", images=("b",))], HALVES, into)[-2:] == [name] * 2
        )
        assert split(rows, HALVES, into) == [*into[1 : number + 1]]


def test_a_parents_published_split_comes_before_that_of_an_image():
    rows = [Link("p", images=("a",), source=1), Link("t", images=("a",), source=2), Link("child", "p", images=("a",))]
    assert split(rows, HALVES, (None, "train", "test")) == ["train", "test", "train"]


@pytest.mark.parametrize("one", [Link("r1", group="P1"), Link("r1", images=("a.png",)), Link("r1")])
def test_a_family_of_one_name_is_drawn_by_it(one):
    """As every release has drawn it, so that datasets keep their splits."""
    name = one.group or (one.images or (one.id,))[0]
    for seed in range(30):
        draw = int.from_bytes(sha256(f"{seed} test {name}".encode()).digest()[:8]) / 2**64
        assert split([one], {"test": SplitRule(share=0.3)}, seed=seed) == ["test" if draw < 0.3 else "train"]


@pytest.mark.parametrize(
    ("rows", "name"),
    [
        ([Link("z"), Link("a", "z")], "z"),
        ([Link("z", images=("z.png",)), Link("a", "z", images=("b.png",))], "z.png"),
        ([Link("z"), Link("a", "z", group="P2")], "P2"),
        ([Link("a", group="P2", images=("x",)), Link("b", group="P1", images=("x",))], "P1"),
        ([Link("b", "a"), Link("a", "b")], "a"),
        ([Link("c", "gone"), Link("b", "gone")], "b"),
        ([Link("c", images=("b.png", "a.png"))], "a.png"),
    ],
)
def test_a_family_of_several_names_is_drawn_by_the_first_of_its_roots(rows, name):
    for seed in range(20):
        alone = split([Link("one", group=name)], HALVES, seed=seed)
        assert split(rows, HALVES, seed=seed) == alone * len(rows)
        assert split(rows[::-1], HALVES, seed=seed) == alone * len(rows)


def test_shares_are_near_their_numbers_whatever_the_size_of_a_family():
    """With the smallest of several draws, families of four rows would be held out three times as often."""
    for size in (1, 4):
        rows = [
            Link(f"{family}-{row}", f"{family}-0" if row else None, images=(f"{family}-{row}.png",))
            for family in range(2_000)
            for row in range(size)
        ]
        found = Counter(split(rows, {"validation": SplitRule(share=0.2), "test": SplitRule(share=0.2)}))
        assert 0.17 < found["validation"] / len(rows) < 0.23
        assert 0.13 < found["test"] / len(rows) < 0.19, "its share of the others"


def test_a_share_of_one_takes_all_and_other_seeds_and_rules_draw_otherwise():
    rows = [Link(str(number)) for number in range(200)]
    assert set(split(rows, {"test": SplitRule(share=1.0)})) == {"test"}
    first = split(rows, {"test": SplitRule(share=0.5)})
    assert first != split(rows, {"test": SplitRule(share=0.5)}, seed=1)
    assert first != [name.replace("held", "test") for name in split(rows, {"held": SplitRule(share=0.5)})]


def test_the_family_of_a_named_row_goes_with_it():
    rules = {"held": SplitRule(ids=["x"]), "test": SplitRule(share=0.0001)}
    rows = [Link("x", "y", named="held"), Link("y", images=("a",)), Link("z", images=("a",)), Link("other")]
    assert split(rows, rules) == ["held", "held", "held", "train"]


def test_without_a_share_only_parents_carry_a_split():
    rules = {"held": SplitRule(images=["a"])}
    rows = [Link("x", images=("a", "b"), named="held"), Link("y", images=("b",)), Link("ar", "x"), Link("p", source=1)]
    assert split([*rows, Link("ar-p", "p")], rules, (None, "test")) == ["held", "train", "held", "test", "test"]


def test_a_row_that_is_left_out_holds_its_family_together():
    """The row between was rejected; the two children name a parent that is in the benchmark, or nowhere."""
    rows = [Link("top"), Link("low", "between"), Link("a", "item"), Link("b", "item"), Link("c", "gone")]
    others = [Link("between", "top"), Link("item", "gone", source=1)]
    for seed in range(20):
        found = split(rows, HALVES, others=others, seed=seed)
        assert found[0] == found[1] and len({*found[2:]}) == 1


def test_the_first_rule_that_names_a_row_decides():
    rules = {"held": SplitRule(images=["b*"]), "test": SplitRule(ids=["t-*"], images=["c"])}
    mixture = Mixture(name="x", sources=[], splits=rules)
    rows = {None: sample("a", "a"), "held": sample("t-1", "a", "b1"), "test": sample("t-2", "a")}
    assert {name: mixture.named(row) for name, row in rows.items()} == {name: name for name in rows}


def test_many_rows_are_split_within_seconds():
    number, draw = 200_000, random.Random(0)
    rows = [Link(str(n), str(draw.randrange(n)) if n % 3 == 0 and n else None, f"P{n // 7}") for n in range(number)]
    start = time.monotonic()
    split(rows, HALVES)
    assert time.monotonic() - start < 10


def test_a_row_that_is_too_long_still_links_its_parent_and_its_children(tmp_path):
    def row(name, parent, answer):
        turns = [{"from": "human", "value": f"What is {name}?"}, {"from": "gpt", "value": answer}]
        return {"id": name, "conversations": turns, "parent": parent}

    rows = []
    for n in range(16):
        rows += [row(f"top{n}", None, f"The first, {n}."), row(f"low{n}", f"messages-between{n}", f"The last, {n}.")]
        rows.append(row(f"between{n}", f"messages-top{n}", "long " * 100))
    near = {"exact": False, "near": False}
    path = llava_mixture(tmp_path, rows, max_characters=300, duplicates=near)
    path.write_text(path.read_text() + "splits: {test: {share: 0.5}}\n")
    made = build(mixture_file.load(path), tmp_path / "out", "test")
    assert made["ledger"] == {"too_long": 16} and len(made["shards"]) == 2
    found = {row["id"]: name for name, row in shard_rows(tmp_path / "out", list(made["shards"]))}
    assert all(found[f"messages-top{n}"] == found[f"messages-low{n}"] for n in range(16))
