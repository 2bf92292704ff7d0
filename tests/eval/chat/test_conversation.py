"""A conversation changes as people change their minds, and stays one that can be rendered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.chat.attachment import Attachment
from eval.chat.conversation import Conversation
from eval.errors import EvalError
from tests.helpers import eval_builders as make


def red():
    return Attachment("red.png", make.png("red"))


def talk(*turns, system=""):
    conversation = Conversation(system)
    for question, answer in turns:
        conversation.ask(question)
        conversation.answer(answer)
    return conversation


def test_messages_have_the_form_of_a_row():
    conversation = Conversation("Answer briefly.")
    conversation.ask(" What is it? ", [red()])
    assert conversation.messages() == [
        {"role": "system", "content": [{"type": "text", "text": "Answer briefly."}]},
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is it?"}]},
    ]
    assert conversation.item().images == (make.key("red"),)


def test_a_question_is_taken_back_edited_or_replaced():
    conversation = talk(("one?", "1"), ("two?", "2"))
    assert conversation.take_back().text == "two?" and len(conversation.turns) == 2
    conversation.ask("never answered")
    conversation.ask("three?")
    assert [turn.text for turn in conversation.turns] == ["one?", "1", "three?"]
    conversation.edit(1, "uno")
    assert [turn.text for turn in conversation.turns] == ["one?", "uno", "three?"]
    conversation.edit(0, "zero?")
    assert [turn.text for turn in conversation.turns] == ["zero?"]
    for wrong in (lambda: conversation.edit(7, "x"), lambda: conversation.edit(0, " "), lambda: conversation.ask("")):
        with pytest.raises(EvalError):
            wrong()


def test_only_oldest_turns_are_dropped_and_never_the_last_question():
    conversation = talk(("one?", "1"), ("two?", "2"), system="S")
    conversation.ask("three?")
    assert conversation.drop_oldest() and conversation.turns[0].text == "two?"
    assert conversation.drop_oldest() and not conversation.drop_oldest()
    assert conversation.messages()[0]["role"] == "system" and conversation.turns[-1].text == "three?"


DEEDS = st.lists(
    st.tuples(st.sampled_from(["ask", "answer", "back", "edit", "drop"]), st.integers(0, 5), st.text(max_size=3)),
    max_size=12,
)


@given(DEEDS)
def test_turns_alternate_whatever_is_done(deeds):
    conversation = Conversation()
    for deed, place, text in deeds:
        try:
            if deed == "ask":
                conversation.ask(text)
            elif deed == "answer" and conversation.turns and conversation.turns[-1].role == "user":
                conversation.answer(text)
            elif deed == "back":
                conversation.take_back()
            elif deed == "edit":
                conversation.edit(place, text)
            elif deed == "drop":
                conversation.drop_oldest()
        except EvalError:
            continue
    roles = [turn.role for turn in conversation.turns]
    assert roles == (["user", "assistant"] * len(roles))[: len(roles)]
    assert len(conversation.answered().turns) % 2 == 0
