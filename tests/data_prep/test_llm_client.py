"""The client of OpenAI-compatible servers against a real HTTP server that behaves, and that does not."""

import asyncio
import email.utils
import itertools
import json
import re
import signal
import socket
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Response

from data_prep.llm import retry
from data_prep.llm.client import Client, Failure, Reply, read_reply
from data_prep.llm.connection import Connection, ServerError, connect

CHAT = "/v1/chat/completions"
KEY = "sk-very-secret"


@pytest.fixture(scope="module")
def threaded():
    with HTTPServer(threaded=True) as server:
        yield server


@pytest.fixture
def httpserver(threaded):
    """A server that takes several requests at a time, in place of pytest-httpserver's own fixture."""
    yield threaded
    threaded.clear()


@pytest.fixture
def own_server():
    """A server of one test alone, for requests that the client leaves behind: they would reach the next test's."""
    with HTTPServer(threaded=True) as server:
        yield server


def body(text="Yes.", reason="stop", **more):
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}
    return {"id": "1", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage, **more}


def good(text="Yes."):
    return Response(json.dumps(body(text)), content_type="application/json")


def question_of(request):
    return json.loads(request.data)["messages"][-1]["content"]


def echo(request):
    return good(question_of(request))


def messages(text):
    return [{"role": "user", "content": text}]


def client_of(httpserver, *, give_up_after=8, **limits):
    connection = Connection(httpserver.url_for("/v1"), KEY, **({"concurrency": 2, "timeout": 5.0} | limits))
    return Client(connection, "m", give_up_after=give_up_after)


def serve(httpserver, *replies):
    """Give these replies in turn; the last one for good. A reply is a Response or makes one of a request."""
    left = list(replies)

    def handle(request):
        reply = left.pop(0) if len(left) > 1 else left[0]
        return reply if isinstance(reply, Response) else reply(request)

    httpserver.expect_request(CHAT).respond_with_handler(handle)


@pytest.fixture
def waits(monkeypatch):
    """Seconds between attempts: noted, not waited."""
    noted = []

    async def note(seconds):
        noted.append(seconds)

    monkeypatch.setattr(retry, "_sleep", note)
    return noted


def test_outcomes_come_in_the_order_of_the_questions(httpserver):
    def later_for_earlier(request):
        time.sleep(0.02 * (10 - int(question_of(request))))
        return echo(request)

    serve(httpserver, later_for_earlier)
    kept = []
    asked = [str(number) for number in range(10)]
    found = client_of(httpserver, concurrency=5).ask(asked, messages, 7, lambda one, reply: kept.append((one, reply)))
    assert [reply.text for reply in found] == asked
    assert sorted(one for one, _ in kept) == asked and all(one == reply.text for one, reply in kept)
    assert [one for one, _ in kept] != asked  # kept as they come
    assert found[0] == Reply("0", "stop", 9, 3)  # cached tokens are counted in
    sent = [json.loads(request.data) for request, _ in httpserver.log]
    assert {(each["model"], each["temperature"], each["max_tokens"]) for each in sent} == {("m", 0, 7)}


def test_nothing_is_sent_for_nothing(httpserver):
    assert client_of(httpserver).ask([], messages) == [] and not httpserver.log


@pytest.mark.parametrize(
    ("model", "temperature", "sent"),
    [
        ("m", None, {"max_tokens": 7}),
        ("m", 0.5, {"max_tokens": 7, "temperature": 0.5}),
        ("o3-mini", None, {"max_completion_tokens": 7}),
        ("openai/gpt-5.1", None, {"max_completion_tokens": 7}),
        ("gpt-4o-2024-08-06", None, {"max_tokens": 7}),
        ("olmo-2", None, {"max_tokens": 7}),
    ],
)
def test_the_servers_own_defaults_are_left_to_it(httpserver, model, temperature, sent):
    serve(httpserver, good())
    Client(Connection(httpserver.url_for("/v1")), model, temperature=temperature).ask(["?"], messages, 7)
    found = json.loads(httpserver.log[0][0].data)
    assert {key: value for key, value in found.items() if key not in ("model", "messages")} == sent


def test_no_more_requests_are_in_flight_than_allowed(httpserver):
    lock, active, most = threading.Lock(), set(), []

    def handle(request):
        with lock:
            active.add(question_of(request))
            most.append(len(active))
        time.sleep(0.03)
        with lock:
            active.discard(question_of(request))
        return echo(request)

    serve(httpserver, handle)
    client_of(httpserver, concurrency=3).ask([str(number) for number in range(12)], messages)
    assert max(most) == 3 and len(most) == 12


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_busy_and_broken_servers_are_asked_again_with_growing_waits(httpserver, waits, status):
    serve(httpserver, *[Response("busy", status)] * 4, good())
    (found,) = client_of(httpserver).ask(["?"], messages)
    assert found.text == "Yes." and len(httpserver.log) == 5
    assert len(waits) == 4 and all(first < second for first, second in itertools.pairwise(waits))
    assert waits[0] <= retry.FIRST_WAIT


def test_waits_stop_growing_and_are_not_all_the_same(httpserver, waits):
    serve(httpserver, *[Response("busy", 500)] * 40, good())
    assert client_of(httpserver, retries=None).ask(["?"], messages)[0].text == "Yes."
    assert all(0.75 * retry.LONGEST_WAIT <= wait <= retry.LONGEST_WAIT for wait in waits[8:])
    assert len(set(waits[8:])) == len(waits[8:])


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        ({"retry-after-ms": "70"}, 0.07, 0.07),
        ({"Retry-After": "1"}, 1, 1),
        ({"Retry-After": "2.5"}, 2.5, 2.5),
        ({"Retry-After": "300"}, 300, 300),
        ({"Retry-After": "600"}, 600, 600),
        ({"retry-after-ms": "nonsense", "Retry-After": "7"}, 7, 7),
        # No wait at all, and what cannot be read: as without the header, so that nobody asks in a tight loop.
        ({"Retry-After": "0"}, 0.3, 0.5),
        ({"Retry-After": "-5"}, 0.3, 0.5),
        ({"Retry-After": "inf"}, 0.3, 0.5),
        ({"Retry-After": "soon"}, 0.3, 0.5),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.3, 0.5),
        ({"Retry-After": "Wed, 99 Oct 99999999999 07:28:00 GMT"}, 0.3, 0.5),
    ],
)
def test_the_servers_own_wait_is_kept(httpserver, waits, headers, low, high):
    serve(httpserver, Response("busy", 429, headers), good())
    assert client_of(httpserver).ask(["?"], messages)[0].text == "Yes."
    assert len(waits) == 1 and low <= waits[0] <= high


def test_the_servers_own_wait_as_a_date(httpserver, waits):
    date = email.utils.formatdate(time.time() + 200, usegmt=True)
    serve(httpserver, Response("busy", 503, {"Retry-After": date}), good())
    assert client_of(httpserver).ask(["?"], messages)[0].text == "Yes."
    assert len(waits) == 1 and 190 < waits[0] <= 200


def test_a_wait_of_the_server_is_really_waited(httpserver):
    serve(httpserver, Response("busy", 429, {"Retry-After": "1"}), good())
    start = time.monotonic()
    assert client_of(httpserver).ask(["?"], messages)[0].text == "Yes."
    assert time.monotonic() - start >= 1


def test_a_wait_beyond_the_bound_fails_at_once_and_says_so(httpserver, waits):
    serve(httpserver, Response("busy", 429, {"Retry-After": "601"}), good())
    (found,) = client_of(httpserver).ask(["?"], messages)
    assert isinstance(found, Failure) and "the server asks to wait 601 s; at most 600 s" in found.message
    assert not waits and len(httpserver.log) == 1


def test_a_wait_beyond_the_patience_fails_at_once(httpserver, waits):
    serve(httpserver, Response("busy", 429, {"Retry-After": "300"}), good())
    (found,) = client_of(httpserver, retries=None, patience=200).ask(["?"], messages)
    assert isinstance(found, Failure) and not waits


@given(st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms"]), st.text(max_size=30)))
def test_no_header_breaks_the_reader(headers):
    found = retry.retry_after(headers)
    assert found is None or found > 0


def test_a_server_that_says_not_to_ask_again_is_believed(httpserver, waits):
    serve(httpserver, Response("quota", 429, {"x-should-retry": "false"}), good())
    assert isinstance(client_of(httpserver).ask(["?"], messages)[0], Failure)
    assert len(httpserver.log) == 1 and not waits


def test_retries_are_as_many_as_said(httpserver, waits):
    serve(httpserver, Response("busy", 500))
    (found,) = client_of(httpserver, retries=3).ask(["?"], messages)
    assert len(httpserver.log) == 4 and "500" in found.message


def test_patience_ends_the_attempts(own_server):
    serve(own_server, Response("busy", 500))
    start = time.monotonic()
    (found,) = client_of(own_server, retries=None, patience=2).ask(["?"], messages)
    assert isinstance(found, Failure) and 2 <= len(own_server.log) <= 3 and time.monotonic() - start < 10


MALFORMED = {
    "half a reply": json.dumps(body())[:60],
    "no JSON": "<html>Gateway</html>",
    "no UTF-8": b"\xff\xfe",
    "another object": '{"hello": 1}',
    "a list": "[1, 2]",
    "a string": '"hello"',
    "no choice": json.dumps(body(choices=[])),
    "choices are text": json.dumps(body(choices="A lung.")),
    "choice is text": json.dumps(body(choices=["A lung."])),
    "message is text": json.dumps(body(choices=[{"message": "A lung.", "finish_reason": "stop"}])),
    "too deep": "[" * 100_000,
}


@pytest.mark.parametrize("kind", ["application/json", "text/html"])
@pytest.mark.parametrize("malformed", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_reply_is_a_failure_of_that_question_alone(httpserver, waits, malformed, kind):
    serve(httpserver, lambda request: Response(malformed, content_type=kind) if "1" in question_of(request) else good())
    found = client_of(httpserver).ask(["0", "1", "2"], messages)
    assert [type(outcome) for outcome in found] == [Reply, Failure, Reply] and len(httpserver.log) == 3
    assert "not a chat completion: " in found[1].message and len(found[1].message) <= 300


def test_what_a_reply_leaves_out_is_none():
    assert read_reply(json.dumps(body(None, None, usage=None)).encode()) == Reply(None, None, None, None)
    assert read_reply(json.dumps(body(usage={"prompt_tokens": "many"})).encode()) == Reply("Yes.", "stop", None, None)
    refused = {"role": "assistant", "content": None, "refusal": "I cannot."}
    choices = [{"message": refused, "finish_reason": "stop"}]
    assert read_reply(json.dumps(body(choices=choices)).encode()).text == "I cannot."


def test_a_body_that_breaks_off_is_asked_again(own_server, waits):
    broken = good()
    broken.headers["Content-Length"] = str(len(broken.get_data()) + 50)
    broken.automatically_set_content_length = False
    serve(own_server, broken, good())
    assert client_of(own_server).ask(["?"], messages)[0].text == "Yes." and len(waits) == 1


def test_a_server_that_hangs_times_out_and_is_asked_again(own_server, waits):
    def hang(request):
        time.sleep(0.6)
        return good("late")

    serve(own_server, hang, good())
    assert client_of(own_server, timeout=0.2).ask(["?"], messages)[0].text == "Yes." and len(waits) == 1


def test_a_reply_that_comes_in_drops_times_out(own_server):
    def drops():
        for _ in range(200):
            yield b" "
            time.sleep(0.1)

    serve(own_server, lambda request: Response(drops(), content_type="application/json"))
    start = time.monotonic()
    (found,) = client_of(own_server, timeout=0.3, retries=0).ask(["?"], messages)
    assert found == Failure("timed out after 0.3 s") and time.monotonic() - start < 10


def test_nobody_there_is_asked_again_and_then_named(waits):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    (found,) = Client(Connection(url), "m").ask(["?"], messages)
    assert "Connection error. (ConnectError: " in found.message and len(waits) == 4
    with pytest.raises(ServerError, match=re.escape(f"{url}: no server answers (")):
        Connection(url).check_server()


def test_many_failures_in_a_row_stop_the_client(httpserver, waits):
    serve(httpserver, *[echo] * 5, Response("gone", 500))
    client = client_of(httpserver, retries=0, give_up_after=3, concurrency=1)
    found = client.ask([str(number) for number in range(20)], messages)
    assert [outcome.text for outcome in found[:5]] == list("01234")
    assert all(isinstance(outcome, Failure) for outcome in found[5:]) and len(found) == 20
    assert found[-1] == Failure("stopped: the server failed too often")
    assert client.stopped and client.why_stopped.startswith("3 failures in a row: ") and "500" in client.why_stopped
    before = len(httpserver.log)
    assert before == 5 + 3
    assert client.ask(["?"], messages) == [Failure("stopped: the server failed too often")]
    assert len(httpserver.log) == before


def test_a_reply_between_failures_starts_the_count_again(httpserver, waits):
    serve(httpserver, *[Response("no", 500), Response("no", 500), good()] * 5, good())
    client = client_of(httpserver, retries=0, give_up_after=3, concurrency=1)
    found = client.ask(["?"] * 15, messages)
    assert sum(isinstance(outcome, Reply) for outcome in found) == 5 and not client.stopped


def test_stopping_does_not_wait_for_requests_that_hang(own_server):
    closing = threading.Event()

    def handle(request):
        if question_of(request) == "0":
            closing.wait(20)
        return Response("gone", 500)

    serve(own_server, handle)
    start = time.monotonic()
    client = client_of(own_server, retries=0, give_up_after=2, timeout=20)
    assert all(isinstance(outcome, Failure) for outcome in client.ask(["0", "1", "2", "3"], messages))
    took = time.monotonic() - start
    closing.set()
    assert client.stopped and took < 10


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_lasting_failure_stops_at_once_and_hides_the_key(httpserver, waits, status):
    error = {"error": {"message": f"no {KEY}\nhere"}}
    httpserver.expect_request(CHAT).respond_with_json(error, status=status)
    client = client_of(httpserver, concurrency=1)
    found = client.ask(["1", "2"], messages)
    assert client.stopped and len(httpserver.log) == 1 and not waits
    assert re.match(r"no other reply can be expected: .*no \*\*\*", client.why_stopped)
    assert "\n" not in found[0].message and KEY not in f"{found}{client.why_stopped}{client.connection!r}"
    assert httpserver.log[0][0].headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_prompt_at_fault_says_nothing_about_the_server(httpserver, waits, status):
    serve(httpserver, Response("too long", status))
    client = client_of(httpserver, give_up_after=3)
    found = client.ask(["?"] * 10, messages)
    assert all(isinstance(outcome, Failure) for outcome in found) and len(httpserver.log) == 10
    assert not client.stopped and not waits


@pytest.mark.parametrize("kind", [OSError("No space left"), ValueError("of the caller")])
def test_what_keeping_raises_ends_the_call(httpserver, kind):
    serve(httpserver, echo)
    kept = []

    def keep(one, reply):
        if len(kept) == 2:
            raise kind
        kept.append(one)

    with pytest.raises(type(kind), match=str(kind)):
        client_of(httpserver, concurrency=1).ask(["1", "2", "3", "4"], messages, keep=keep)
    assert kept == ["1", "2"] and len(httpserver.log) == 3


def test_ctrl_c_keeps_what_was_kept(own_server):
    kept = []

    def keep(one, reply):
        kept.append(one)
        if len(kept) == 2:
            signal.raise_signal(signal.SIGINT)

    serve(own_server, echo)
    others = signal.signal(signal.SIGINT, signal.default_int_handler)  # Axolotl's training leaves a handler of its own
    try:
        with pytest.raises(KeyboardInterrupt):
            client_of(own_server, concurrency=1).ask([str(number) for number in range(50)], messages, keep=keep)
    finally:
        signal.signal(signal.SIGINT, others)
    assert kept[:2] == ["0", "1"] and len(kept) < 50
    assert client_of(own_server).ask(["again"], messages)[0].text == "again"


def test_secrets_of_an_address_are_not_shown(httpserver, waits):
    plain = httpserver.url_for("/v1")
    url = plain.replace("http://", "http://user:pass-word@") + "?token=query-word"
    connection = Connection(url, KEY)
    assert connection.public_url == plain
    echoed = Response(json.dumps({"error": {"message": f"{KEY} pass-word token=query-word"}}), 400)
    httpserver.expect_request(CHAT, query_string={"token": "query-word"}).respond_with_handler(lambda request: echoed)
    (found,) = Client(connection, "m").ask(["?"], messages)
    assert not re.search(f"{KEY}|pass-word|query-word", found.message) and found.message.count("***") == 3


def test_nothing_secret_is_logged(httpserver, caplog, waits):
    caplog.set_level("DEBUG")
    serve(httpserver, Response(f"no {KEY}", 500), good())
    assert client_of(httpserver).ask(["?"], messages)[0].text == "Yes."
    assert KEY not in caplog.text


def test_a_refused_key_is_told_by_the_check(httpserver):
    httpserver.expect_request("/v1/models").respond_with_json({"error": {"message": f"bad {KEY}"}}, status=401)
    with pytest.raises(ServerError, match=r"refuses the key.*bad \*\*\*") as caught:
        Connection(httpserver.url_for("/v1"), KEY).check_server()
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("reply", [Response("no such page", 404), Response("{}"), Response("broken", 500)])
def test_a_server_without_a_list_of_models_passes_the_check(httpserver, reply):
    httpserver.expect_request("/v1/models").respond_with_handler(lambda request: reply)
    Connection(httpserver.url_for("/v1")).check_server()


def test_keys_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", f" {KEY}\n")
    assert connect(None, None).key == KEY and connect(None, None).base_url == "https://api.openai.com/v1"
    assert connect("http://localhost:8000/v1", None).key == "none"  # a key that was not meant for that server
    assert connect("http://localhost:8000/v1", "OPENAI_API_KEY", timeout=5).key == KEY
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ServerError, match=r"OPENAI_API_KEY is not set.*or name another with --key"):
        connect(None, None, options=("--url", "--key"))
    with pytest.raises(ServerError, match="NOT_SET is not set") as caught:
        connect("http://user:pass-word@localhost/v1", "NOT_SET")
    assert "pass-word" not in str(caught.value)


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://localhost/v1", "http://", "v1"])
def test_what_is_no_address_is_told(url):
    with pytest.raises(ServerError, match=re.escape(f"--url {url}: give an address such as")):
        connect(url, None, options=("--url", "--key"))


def test_the_event_loop_is_closed_after_a_call(httpserver):
    serve(httpserver, good())
    client_of(httpserver).ask(["?"], messages)
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()


def test_failures_that_end_at_the_same_time_are_counted_up_to_the_limit():
    client = Client(Connection("http://localhost/v1"), "m", give_up_after=3)
    for number in range(5):
        client.count_failure(f"busy {number}", 500)
    assert (client.failures_in_a_row, client.last_failure) == (3, "busy 2")
    assert client.why_stopped == "3 failures in a row: busy 2"


def test_a_wait_that_the_server_asks_for_is_kept_however_long_and_told(httpserver, monkeypatch):
    slept, told = [], []

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr(retry, "_sleep", sleep)
    answers = iter([Response(status=429, headers={"Retry-After": "86400"})] * 5 + [Response(status=500), good()])
    httpserver.expect_request(CHAT).respond_with_handler(lambda _: next(answers))
    url = httpserver.url_for("/v1")
    patient = Connection(url, retries=1, patience=1, waits_as_asked=True, on_wait=told.append)
    (reply,) = Client(patient, "m").ask(["Is it?"], lambda text: [{"role": "user", "content": text}])
    assert isinstance(reply, Reply)
    assert slept[:5] == told == [86400.0] * 5


def test_a_stream_of_any_length_is_taken_as_requests_can_be_sent(httpserver):
    """And may grow: what is added after the last element was taken is asked about, too."""
    taken, done, more = [], [], []

    class Numbers:
        def __iter__(self):
            return self

        def __next__(self):
            if more:
                return more.pop()
            if len(taken) == 50:
                raise StopIteration
            taken.append(len(taken))
            assert sum(number % 5 > 0 for number in taken) - len(done) <= 3
            return taken[-1] if taken[-1] % 5 else None

    def keep(number, outcome):
        assert isinstance(outcome, Reply)
        done.append(number)
        if number == 49:
            more.append(1000)

    httpserver.expect_request(CHAT).respond_with_handler(lambda _: good())
    client = Client(Connection(httpserver.url_for("/v1"), concurrency=3), "m")
    client.ask_each(Numbers(), lambda number: [{"role": "user", "content": str(number)}], keep)
    assert sorted(done) == [*(number for number in range(50) if number % 5), 1000]
