"""Permuted images: every row sees another picture, and no picture is lost where that is possible."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from eval.dataset import permute_images
from eval.errors import EvalError
from tests.helpers import eval_builders as make

KEYS = st.sampled_from("ABCDEF")
IMAGES = st.lists(st.lists(KEYS, max_size=3), max_size=25)


def rows_of(images):
    return [{"id": str(number), "images": keys} for number, keys in enumerate(images)]


def shown(rows):
    return [row["images"] for row in rows]


@given(IMAGES, st.integers(0, 3))
def test_every_image_row_shows_another_first_image(images, seed):
    assume(len({keys[0] for keys in images if keys}) > 1)
    permuted = shown(permute_images(rows_of(images), seed))
    assert [len(keys) for keys in permuted] == [len(keys) for keys in images]
    assert all(now[0] != before[0] for now, before in zip(permuted, images, strict=True) if before)
    assert permuted == shown(permute_images(rows_of(images), seed))


@given(st.lists(KEYS, min_size=2, max_size=25), st.integers(0, 3))
def test_no_picture_is_lost_where_none_is_too_frequent(keys, seed):
    assume(max(map(keys.count, keys)) * 2 <= len(keys))
    permuted = shown(permute_images(rows_of([[key] for key in keys]), seed))
    assert sorted(key for (key,) in permuted) == sorted(keys)


def test_a_lonely_two_image_row_borrows_from_the_others():
    # The pair has no partner of two: it gets one of the single images, twice.
    permuted = shown(permute_images(rows_of([["A", "B"], ["A"], ["C"]]), 0))
    assert permuted == [["C", "C"], ["C"], ["A"]]


def test_seeds_differ():
    rows = rows_of([[letter] for letter in "ABCDEFGHIJ"])
    assert len({str(shown(permute_images(rows, seed))) for seed in range(5)}) > 1


def test_rows_are_not_changed_in_place():
    rows = [dict(row) for row in make.TRAIN_ROWS]
    permute_images(rows, 0)
    assert rows == make.TRAIN_ROWS


def test_one_picture_cannot_be_permuted():
    with pytest.raises(EvalError, match="same first image"):
        permute_images(rows_of([["A"], ["A", "B"], []]), 0)
