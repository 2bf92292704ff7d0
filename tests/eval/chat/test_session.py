"""Several models on the same questions: each with its own answers, and none lost when another fails."""

import pytest

from data_prep.llm.connection import Connection
from eval.chat.server import ServerTalker
from eval.chat.session import Session
from eval.chat.talker import STOPPED, Decoding
from eval.errors import EvalError
from tests.eval.chat.streaming_server import StreamingServer
from tests.eval.chat.talks import TOKENS, image, local
from tests.helpers import eval_builders as make


@pytest.fixture(scope="module")
def seeing(llava):
    return local(llava)


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    return local(make.write_llava(tmp_path_factory.mktemp("other"), seed=7))


@pytest.fixture(scope="module")
def blind(text_model):
    return local(text_model)


def last_parts(parts):
    """The last part of each lane."""
    return {part.lane: part for part in parts}


def texts(session, lane=0):
    return [turn.text for turn in session.lanes[lane].conversation.turns]


def test_two_models_answer_the_same_question_each_in_its_own_way(seeing, other):
    session = Session([seeing, other], Decoding(TOKENS))
    last = last_parts(session.ask("What is it?", [image("red")]))
    alone = last_parts(Session([other], Decoding(TOKENS)).ask("What is it?", [image("red")]))
    assert last[1].answer == alone[0].answer != last[0].answer
    assert [texts(session, lane)[0] for lane in (0, 1)] == ["What is it?"] * 2
    assert texts(session, 1)[1] == last[1].answer.text


def test_a_model_that_fails_leaves_the_other_its_answer(blind, seeing):
    session = Session([blind, seeing], Decoding(TOKENS))
    session.check_images()
    last = last_parts(session.ask("What is it?", [image("red")]))
    assert "text-only model" in last[0].answer.error and last[1].answer.text
    assert (len(texts(session, 0)), len(texts(session, 1))) == (1, 2)
    last = last_parts(session.ask("And without?"))
    assert last[0].answer.text and texts(session, 0)[0] == "And without?"
    with pytest.raises(EvalError, match="text-only"):
        Session([blind], Decoding()).check_images()


def test_regenerating_editing_and_undoing(seeing, other):
    session = Session([seeing, other], Decoding(TOKENS))
    first = last_parts(session.ask("One?", [image("red")]))
    assert last_parts(session.regenerate()) == first
    list(session.ask("Two?"))
    list(session.edit("Another answer.", place=1, number=1))
    assert texts(session, 1)[1] == "Another answer." != texts(session, 0)[1] and len(texts(session, 1)) == 4
    list(session.edit("Uno?", place=0, number=1))
    assert [texts(session, lane)[0] for lane in (0, 1)] == ["Uno?"] * 2 and len(texts(session)) == 2
    list(session.edit("Ein?"))
    assert texts(session)[0] == "Ein?" and session.lanes[0].conversation.turns[0].images
    session.undo()
    assert texts(session) == texts(session, 1) == []
    for deed in (
        session.undo,
        session.drop_oldest,
        lambda: list(session.regenerate()),
        lambda: list(session.edit("x")),
    ):
        with pytest.raises(EvalError):
            deed()


def test_stopping_keeps_what_came_and_asks_no_other_model(seeing, other):
    session = Session([seeing, other], Decoding(400))
    parts = []
    for part in session.ask("What is it?", [image("red")]):
        parts.append(part)
        if len(parts) == 3:
            session.stop()
            with pytest.raises(EvalError, match="stop it first"):
                session.undo()
    assert {part.lane for part in parts} == {0} and parts[-1].answer.finish_reason == STOPPED
    assert texts(session)[1] == parts[-1].answer.text and len(texts(session, 1)) == 1
    session.undo()


def test_a_reader_that_goes_away_leaves_a_usable_session(seeing):
    session = Session([seeing], Decoding(400))
    parts = session.ask("What is it?")
    next(parts)
    came = next(parts).answer.text
    parts.close()
    assert texts(session)[1:] == [came] or not came
    assert last_parts(session.regenerate())[0].answer.text


ENDS = {"stop": "before the first word", "length": "allow more tokens", "tool_calls": "a tool instead of answering"}


@pytest.mark.parametrize("end", ENDS)
def test_an_answer_without_a_word_is_told_and_is_none(end):
    with StreamingServer(words=({"reasoning_content": "Hm."}, " \n"), end=end) as server:
        session = Session([ServerTalker(Connection(server.url, timeout=5.0), "served")], Decoding())
        parts = list(session.ask("What?"))
        assert ENDS[end] in parts[-1].answer.error and texts(session) == ["What?"]
        assert "is reasoning" in parts[1].note and not parts[-1].note
        server.words, server.end = ("A lung.",), "stop"
        assert last_parts(session.regenerate())[0].answer.text == "A lung." and texts(session) == ["What?", "A lung."]


def test_a_question_is_there_before_its_answer_and_one_that_waits_is_told(seeing):
    first, second = Session([seeing], Decoding(400)), Session([seeing], Decoding(TOKENS))
    parts, waiting = first.ask("What is it?"), second.ask("And mine?")
    assert (next(parts).answer.text, texts(first)) == ("", ["What is it?"])
    next(parts)
    next(waiting)
    assert "another chat" in next(waiting).note
    parts.close()
    assert last_parts(waiting)[0].answer.text


def test_oldest_turns_are_dropped_only_when_asked(seeing):
    for drops in (False, True):
        session = Session([seeing], Decoding(TOKENS), "A system text.", drops_oldest=drops)
        for number in range(2):
            session.lanes[0].conversation.ask(f"Question {number}: {'word ' * 20}")
            session.lanes[0].conversation.answer("answer " * 20)
        before = texts(session)
        last = last_parts(session.ask(f"Question 2: {'word ' * 20}"))[0]
        if drops:
            assert "the oldest" in last.note and not last.answer.error
            assert texts(session)[0].startswith("Question ") and texts(session)[0] != before[0]
            assert session.lanes[0].conversation.system == "A system text."
        else:
            assert "Drop the oldest turns" in last.answer.error and texts(session)[:-1] == before
            session.drop_oldest()
            assert texts(session)[0] == before[2]


def test_a_cut_answer_is_kept_and_can_be_asked_again():
    with StreamingServer(end="dies") as server:
        session = Session([ServerTalker(Connection(server.url, timeout=5.0), "served")], Decoding())
        last = last_parts(session.ask("What?"))[0]
        assert "cut" in last.answer.error and texts(session)[1] == "A lung."
        server.end = "stop"
        assert last_parts(session.regenerate())[0].answer.finish_reason == "stop"


def test_a_chat_is_saved_with_the_models_that_answered(seeing, blind, tmp_path):
    session = Session([blind, seeing], Decoding(TOKENS))
    with pytest.raises(EvalError, match="no question was answered"):
        session.save(tmp_path / "chat.json")
    list(session.ask("What is it?", [image("red")]))
    images = session.save(tmp_path / "chat.json")
    assert [path.name for path in images.iterdir()] == [f"{image('red').key}.png"]
    assert (tmp_path / "chat.json").read_text().count('"generator"') == 1 and len(session.archive()) > 100
