"""Replies are parsed strictly, and what is put into a request comes back whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.curate.kinds.kind import BadReply
from data_prep.curate.kinds.numbered import MARK, numbered, read_numbered
from data_prep.curate.kinds.translate import segments, translated
from data_prep.rows import image_part, text_part

PIECE = st.text(min_size=1).filter(lambda text: text.strip() and not MARK.search(text))
LINE = st.tuples(st.sampled_from(["", "A. ", "B) ", "C: "]), st.text("xyz ٣.", min_size=1).filter(str.strip))


@given(st.lists(PIECE, min_size=1, max_size=20))
def test_pieces_come_back_as_they_were(pieces):
    assert read_numbered(numbered(pieces), len(pieces)) == tuple(piece.strip() for piece in pieces)


@given(st.text())
def test_any_reply_is_read_or_refused(text):
    try:
        assert len(read_numbered(text, 2)) == 2
    except BadReply as error:
        assert error.check in ("turns", "bad_reply")


@given(st.lists(st.lists(LINE, min_size=1, max_size=6), min_size=1, max_size=4), st.integers(0, 2))
def test_a_translation_of_a_row_into_itself_is_the_row_with_its_images_and_letters(turns, images):
    messages = [
        {
            "role": "assistant" if number % 2 else "user",
            "content": [
                *([image_part()] * (0 if number % 2 else images)),
                text_part("\n".join(a + b for a, b in turn)),
            ],
        }
        for number, turn in enumerate(turns)
    ]
    pieces = segments(messages)
    assert all(not piece.text.startswith(("A. x", "B) x", "C: x")) for piece in pieces)
    assert translated(messages, tuple(piece.text for piece in pieces)) == messages


@pytest.mark.parametrize(
    ("reply", "check"),
    [
        ("[[1]]\na", "turns"),
        ("[[1]]\na\n[[3]]\nb", "turns"),
        ("[[2]]\na\n[[1]]\nb", "turns"),
        ("[[1]]\na\n[[2]]\n", "turns"),
        ("a\nb", "turns"),
        ("Sure!\n[[1]]\na\n[[2]]\nb", "bad_reply"),
    ],
)
def test_replies_in_another_form_are_refused(reply, check):
    with pytest.raises(BadReply) as error:
        read_numbered(reply, 2)
    assert error.value.check == check


def test_arabic_indic_numbers_are_read():
    assert read_numbered("[[١]] نص\n[[٢]] آخر", 2) == ("نص", "آخر")
