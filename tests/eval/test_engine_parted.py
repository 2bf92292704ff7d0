"""Prompts parted into a shared prefix and their own tokens."""

from hypothesis import given
from hypothesis import strategies as st

from eval.engines.engine import Request
from eval.engines.parted import Parted, expanded, groups_of
from eval.images import read_image
from tests.helpers import core_builders as hand
from tests.helpers import eval_builders as make

ROWS = st.lists(st.tuples(st.integers(0, 3), st.lists(st.integers(0, 2), min_size=1, max_size=8)), min_size=1)


def counted(keys):
    """The groups of keys, counted in the order of their first."""
    order = list(dict.fromkeys(keys))
    return [order.index(key) for key in keys]


@given(ROWS)
def test_prefix_and_own_tokens_are_the_prompt_and_no_prefix_could_be_longer(rows):
    tokens, group_of = [ids for _, ids in rows], counted([group for group, _ in rows])
    parted = Parted.of(tokens, group_of)
    for group, length in enumerate(parted.lengths):
        members = [row for row, of in enumerate(group_of) if of == group]
        assert len({tuple(tokens[row][:length]) for row in members}) == 1
        assert all(tokens[row][length:] == parted.own[row] and parted.own[row] for row in members)
        assert len({tuple(tokens[row][: length + 1]) for row in members}) > 1 or any(
            len(parted.own[row]) == 1 for row in members
        )
    assert parted.width >= max(map(len, tokens))


def test_questions_of_slakes_shape_are_worth_sharing_and_single_ones_are_not():
    image = [0] * 600
    questions = [[*image, number, *[9] * 13] for number in range(1, 12)]
    assert Parted.of(questions, [0] * 11).worthwhile
    assert not Parted.of(questions, list(range(11))).worthwhile
    assert not Parted.of([ids[600:] + image for ids in questions], [0] * 11).worthwhile


@given(st.lists(st.sampled_from(["<i>", "x", " yz", ""]), max_size=8).map("".join), st.text("ab<", max_size=3))
def test_placeholders_are_replaced_in_order(prompt, mark):
    replacements = [f"{mark}<i>{number}" for number in range(prompt.count("<i>"))]
    result = expanded(prompt, "<i>", replacements)
    for replacement in replacements:
        before, found, result = result.partition(replacement)
        text, _, prompt = prompt.partition("<i>")
        assert found and before == text
    assert result == prompt


def test_without_a_placeholder_a_prompt_stays():
    assert expanded("a <image> b", None, []) == "a <image> b"


def test_a_group_has_the_same_images_in_the_same_order():
    red, blue = (read_image(make.png(colour), colour) for colour in ("red", "blue"))
    again = read_image(make.png("red"), "another name")
    shown = [(red,), (), (red, blue), (again,), (blue, red), ()]
    assert groups_of([Request(hand.item("a"), "a", images) for images in shown]) == [0, 1, 2, 0, 3, 1]
