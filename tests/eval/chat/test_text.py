"""Text from outside is made such that it can be encoded, and is shown in the order in which it stands."""

from hypothesis import given
from hypothesis import strategies as st

from eval.chat.conversation import Conversation
from eval.chat.text import printable, well_formed, without_overrides


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_text_that_can_be_encoded_stays_as_it_is(text):
    assert well_formed(text) == text


def test_halves_of_a_character_are_joined_and_a_half_alone_is_replaced():
    assert well_formed("a \ud83e\udec0 b \ud83e") == "a 🫀 b \ufffd"
    conversation = Conversation()
    conversation.ask("a \udcff")
    conversation.answer("b \ud83e")
    conversation.edit(0, "c \udcff")
    assert [turn.text for turn in conversation.turns] == ["c \ufffd"]


def test_what_could_move_the_cursor_is_not_printed():
    assert printable("a\x1b]0;title\x07b\nc\td\x9bé عربي\ud800") == "a]0;titleb\nc\tdé عربي\ufffd"


def test_overrides_of_direction_go_and_marks_that_arabic_needs_stay():
    arabic = "الجرعة 10 ملغ\u200f (\u2066CT\u2069)"
    assert without_overrides("\u202e01\u202c " + arabic) == "01\u202c " + arabic
    assert printable("\u202d10") == "10"
