"""Work that follows a reply: between the requests, one reply at a time, and what it adds is asked about."""

import json
import random

import pytest

from data_prep.llm.client import Client, Failure, Reply
from data_prep.llm.connection import Connection
from tests.helpers.scripted_server import Answer, ScriptedServer

CONCURRENCY = 4


class Asked:
    """An iterator that grows: of the numbers below `first`, and of those that are added."""

    def __init__(self, first):
        self.left = list(range(first))[::-1]

    def __iter__(self):
        return self

    def __next__(self):
        if not self.left:
            raise StopIteration
        return self.left.pop()


def messages(number):
    return [{"role": "user", "content": str(number)}]


def asked_about(server):
    return sorted(int(request["messages"][-1]["content"]) for request in server.requests)


def ask(server, asked, follow, done=lambda number, outcome: None, concurrency=CONCURRENCY):
    client = Client(Connection(server.url, concurrency=concurrency, retries=0), "m", give_up_after=2)
    client.ask_each(asked, messages, done, follow=follow)
    return client


def good(turns, number):
    return Answer("Yes.")


def test_the_next_request_does_not_wait_for_what_follows_the_last_reply():
    events = []

    def written(number):
        events.append(("asked", number))
        return messages(number)

    with ScriptedServer(good) as server:
        client = Client(Connection(server.url, concurrency=1), "m")
        client.ask_each(
            range(3),
            written,
            lambda number, outcome: events.append(("done", number)),
            follow=lambda number: events.append(("followed", number)),
        )
    assert events.index(("asked", 1)) < events.index(("followed", 0)) < events.index(("followed", 1))
    assert [number for event, number in events if event == "followed"] == [0, 1, 2]
    assert all(events.index(("done", number)) < events.index(("followed", number)) for number in range(3))


@pytest.mark.parametrize("first", [1, CONCURRENCY - 1, 30])
def test_what_is_added_is_asked_about_even_after_all_workers_ended(first):
    """Each number below 1,000 adds 0 to 2 others, up to a few hundred."""
    asked, followed = Asked(first), []
    drawn = random.Random(first)

    def follow(number):
        followed.append(number)
        if number < 1000 and len(followed) < 200:
            asked.left += [number * 7 + 100 * one for one in range(1, drawn.choice([2, 3]))]

    with ScriptedServer(good) as server:
        ask(server, asked, follow)
        assert sorted(followed) == asked_about(server) and len(followed) > first
        assert not asked.left


def test_replies_that_wait_for_what_follows_are_bounded():
    done, followed, most = [], [], []

    def keep(number, outcome):
        done.append(number)
        most.append(len(done) - len(followed))

    with ScriptedServer(good) as server:
        ask(server, range(200), followed.append, keep)
    assert sorted(followed) == list(range(200)) and max(most) <= 2 * CONCURRENCY + 1


@pytest.mark.parametrize("error", [OSError("No space left"), KeyboardInterrupt()])
def test_what_following_raises_ends_the_call(error):
    def follow(number):
        raise error

    with ScriptedServer(good) as server, pytest.raises(type(error)):
        ask(server, range(1000), follow)
    assert len(server.requests) < 1000


def test_a_server_that_is_gone_ends_the_call_and_no_reply_is_followed_twice():
    outcomes, followed = {}, []

    def script(turns, number):
        return Answer("Yes.") if number <= 10 else Answer(status=500)

    with ScriptedServer(script) as server:
        client = ask(server, range(1000), followed.append, outcomes.__setitem__, concurrency=1)
    assert client.stopped and len(followed) == len(set(followed))
    assert sum(isinstance(outcome, Reply) for outcome in outcomes.values()) == 10
    assert sum(isinstance(outcome, Failure) for outcome in outcomes.values()) == 2


def test_turns_and_settings_are_sent_as_they_are():
    """The turns go into the request without the client's own copy of them by their types."""
    shown = {
        "type": "image_url",
        "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"},
        "more": [1, None],
    }
    turns = [{"role": "user", "content": [shown, {"type": "text", "text": "ما هذا؟"}]}]
    with ScriptedServer(good) as server:
        client = Client(Connection(server.url), "m", extras={"chat_template_kwargs": {"enable_thinking": False}})
        (reply,) = client.ask(["?"], lambda _: turns, 9)
        (sent,) = server.requests
    assert isinstance(reply, Reply)
    wanted = {"model": "m", "messages": turns, "temperature": 0, "max_tokens": 9}
    assert sent == wanted | {"chat_template_kwargs": {"enable_thinking": False}}
    assert json.dumps(sent["messages"]) == json.dumps(turns)
