"""A served model in a chat: streamed, stopped, cut, refusing, too long, several models."""

import threading

import pytest

from data_prep.llm.connection import Connection
from eval.chat.conversation import Conversation
from eval.chat.server import ServerTalker, served
from eval.chat.talker import STOPPED, Decoding, TooLongError
from eval.errors import EvalError
from tests.eval.chat.streaming_server import StreamingServer
from tests.eval.chat.talks import answered, image
from tests.helpers.live_server import smollm2
from tests.helpers.page_server import free_port


def talker_of(server, **limits):
    return ServerTalker(Connection(server.url, **({"timeout": 5.0} | limits)), "served")


def asked(text="What is it?", *images):
    conversation = Conversation("Answer briefly.")
    conversation.ask(text, images)
    return conversation


def test_an_answer_is_streamed_with_images_in_their_places():
    with StreamingServer() as server:
        parts = list(talker_of(server).stream(asked("What?", image("red")), Decoding(9, 0.5), threading.Event()))
    assert [part.text for part in parts] == ["A", "A lung", "A lung.", "A lung."]
    assert [part.finish_reason for part in parts] == ["", "", "", "stop"]
    (request,) = server.requests
    assert (request["temperature"], request["max_tokens"], request["stream"]) == (0.5, 9, True)
    system, user = request["messages"]
    assert system == {"role": "system", "content": "Answer briefly."}
    assert [part["type"] for part in user["content"]] == ["image_url", "text"]


def test_a_server_that_dies_in_the_middle_leaves_what_came_and_one_message():
    with StreamingServer(end="dies") as server:
        conversation = asked()
        last = answered(talker_of(server), conversation)
    assert (last.text, last.finish_reason) == ("A lung.", "error") and "The answer is cut" in last.error
    assert conversation.turns[-1].text == "A lung."


def test_a_server_that_dies_before_the_first_word_gives_no_answer():
    with StreamingServer(words=(), end="dies") as server, pytest.raises(EvalError, match="ended before its reply"):
        answered(talker_of(server), asked())


def test_an_answer_is_stopped_at_once_and_the_server_is_told():
    with StreamingServer(end="hangs") as server:
        stop, parts = threading.Event(), []
        for part in talker_of(server).stream(asked(), Decoding(), stop):
            parts.append(part)
            if len(parts) == 4:
                stop.set()
        assert parts[-1].finish_reason == STOPPED and parts[-1].text.startswith("A lung.")
        assert server.closed.wait(10)


@pytest.mark.parametrize("end", ["hangs", "reads"])
def test_a_server_is_told_when_the_reader_goes_away_also_before_its_first_word(end):
    with StreamingServer(end=end) as server:
        stop = threading.Event()
        stream = talker_of(server).stream(asked(), Decoding(), stop)
        if end == "hangs":
            next(stream)
            stream.close()
        else:
            threading.Timer(0.5, stop.set).start()
            assert [part.finish_reason for part in stream] == [STOPPED]
        assert server.closed.wait(10)


def test_a_silent_server_is_given_up():
    silent = StreamingServer(refuses=lambda _: threading.Event().wait(3))
    with silent as server, pytest.raises(EvalError, match="timed out"):
        answered(talker_of(server, timeout=0.2), asked())


MESSAGES = [
    "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens",
    "the request exceeds the available context size (512 tokens), try increasing it",
]


@pytest.mark.parametrize("message", MESSAGES)
def test_too_long_a_conversation_is_told_apart_from_other_refusals(message):
    with StreamingServer(refuses=lambda _: message) as server, pytest.raises(TooLongError, match="oldest turns"):
        answered(talker_of(server), asked())
    other = StreamingServer(refuses=lambda _: "this model takes no images")
    with other as server, pytest.raises(EvalError, match="this model takes no images") as error:
        answered(talker_of(server), asked())
    assert not isinstance(error.value, TooLongError)


REASONING = [{"reasoning_content": "Hm"}, {"reasoning": "."}]


def test_reasoning_is_told_and_is_no_part_of_the_answer():
    with StreamingServer(words=(*REASONING, "A", {"reasoning": "?"}, " lung.")) as server:
        parts = list(talker_of(server).stream(asked(), Decoding(), threading.Event()))
    assert [part.finish_reason for part in parts] == ["reasoning", "reasoning", "", "", "stop"]
    assert [part.text for part in parts] == ["", "", "A", "A lung.", "A lung."]


def test_a_character_in_two_halves_is_one_and_a_half_alone_is_replaced():
    with StreamingServer(words=("A ", "\ud83e", "\udec0", "\ud83e")) as server:
        parts = list(talker_of(server).stream(asked(), Decoding(), threading.Event()))
    assert [part.text for part in parts] == ["A ", "A ", "A 🫀", "A 🫀", "A 🫀\ufffd"]


def test_an_answer_in_parts_is_text_and_other_deltas_are_passed_over():
    parts = [{"type": "thinking", "thinking": []}, {"type": "text", "text": "A lung."}]
    with StreamingServer(words=({"role": "assistant", "content": None}, {"content": parts})) as server:
        assert answered(talker_of(server), asked()).text == "A lung."


def test_a_server_that_wants_max_completion_tokens_gets_it():
    def refuses(request):
        return "Use 'max_completion_tokens' instead." if "max_tokens" in request else None

    with StreamingServer(refuses=refuses) as server:
        assert answered(talker_of(server), asked(), tokens=7).text == "A lung."
    assert server.requests[-1]["max_completion_tokens"] == 7


def test_the_only_model_of_a_server_is_taken_and_one_of_several_is_asked_for():
    for models, names, expected in [
        (("a",), [], ["a"]),
        (("a", "b"), ["b"], ["b"]),
        (("a", "b"), ["a", "b"], ["a", "b"]),
    ]:
        with StreamingServer(models=models) as server:
            assert [each.name for each in served(Connection(server.url), names)] == expected
    with StreamingServer(models=("a", "b")) as server, pytest.raises(EvalError, match=r"which of .* a, b"):
        served(Connection(server.url), [])
    with pytest.raises(EvalError, match="Start the server"):
        served(Connection(f"http://127.0.0.1:{free_port()}/v1"), [])


def test_a_real_server_streams_several_turns():
    with smollm2(n_ctx=512) as url:
        (talker,) = served(Connection(url, timeout=60.0), [])
        conversation = Conversation("Answer in one short sentence.")
        for question in ("What is a lung?", "And a heart?"):
            conversation.ask(question)
            parts = list(talker.stream(conversation, Decoding(12), threading.Event()))
            assert len(parts) > 3 and parts[-1].text.startswith(parts[2].text) and parts[-1].text.strip()
            conversation.answer(parts[-1].text)
        conversation.ask("word " * 2000)
        with pytest.raises(TooLongError):
            answered(talker, conversation)
