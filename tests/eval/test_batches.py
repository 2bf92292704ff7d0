"""Batches: every item once, the questions of an image together, whatever the order of the items."""

import dataclasses
from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from eval.batches import MOST_IMAGES, batches_of
from tests.helpers import core_builders as hand

IMAGES = st.lists(st.sampled_from("abcd"), max_size=2)
ITEMS = st.lists(st.tuples(IMAGES, st.sampled_from(["closed", "open"]), st.integers(1, 30)), min_size=1, max_size=40)


def asked(drawn):
    items = [
        dataclasses.replace(hand.item(str(number), images=images), task=task)
        for number, (images, task, _) in enumerate(drawn)
    ]
    return items, {str(number): length for number, (_, _, length) in enumerate(drawn)}


@given(ITEMS, st.integers(1, 12), st.randoms(use_true_random=False))
def test_every_item_is_in_one_batch_whatever_their_order(drawn, size, draw):
    items, lengths = asked(drawn)
    batches = batches_of(items, lengths, size)
    assert sorted(item.id for batch in batches for item in batch) == sorted(lengths)
    assert max(map(len, batches)) <= size
    draw.shuffle(items)
    assert batches_of(items, lengths, size) == batches


@given(ITEMS, st.integers(1, 12))
def test_questions_of_an_image_are_parted_only_where_they_must_be(drawn, size):
    items, lengths = asked(drawn)
    batches = batches_of(items, lengths, size)
    for images in {item.images for item in items if item.images}:
        number = sum(item.images == images for item in items)
        assert sum(any(item.images == images for item in batch) for batch in batches) == -(-number // size)
    for batch in batches:
        assert len({bool(item.images) for item in batch}) == 1
        runs = [images for images, _ in groupby(batch, key=lambda item: item.images)]
        assert not batch[0].images or len(runs) == len(set(runs)), "questions of one image are no neighbours"


def test_texts_of_one_task_and_length_share_a_batch():
    items, lengths = asked([([], task, length) for length in (3, 9, 5) for task in ("closed", "open")])
    of_batch = [[(item.task, lengths[item.id]) for item in batch] for batch in batches_of(items, lengths, 3)]
    assert of_batch == [[("closed", 9), ("closed", 5), ("closed", 3)], [("open", 9), ("open", 5), ("open", 3)]]


def test_a_batch_has_a_bounded_number_of_images():
    items, lengths = asked([([str(number)], "open", 1) for number in range(MOST_IMAGES + 1)])
    assert [len(batch) for batch in batches_of(items, lengths, 4096)] == [MOST_IMAGES, 1]
