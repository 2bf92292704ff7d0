"""An OpenAI-compatible server, well-behaved and not: what is sent, what is kept, when it stops."""

import base64
import io
import json
import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from werkzeug import Response

from data_prep.llm.client import Failure, read_reply
from data_prep.llm.connection import Connection, connect
from eval.cli import main
from eval.engines.engine import Completion
from eval.engines.openai_engine import FAILURES_IN_A_ROW, OpenAIEngine, Server, completion_of, messages_of
from eval.errors import EvalError
from eval.images import read_image
from eval.model import Settings
from eval.predict import Questions, run
from eval.predictions import read_predictions
from eval.unanswered import NoAnswersError
from tests.helpers import core_builders as hand
from tests.helpers import eval_builders as make

CHAT = "/v1/chat/completions"


def reply(text="A lung.", reason="stop", **more):
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [choice],
        "usage": usage,
        **more,
    }


def server_of(httpserver, **bounds):
    bounds = {"concurrency": 2, "timeout": 5.0, "retries": 2} | bounds
    return Server("m", Connection(httpserver.url_for("/v1"), **bounds), Settings(batch_size=4, max_new_tokens=5))


@pytest.fixture
def questions():
    items = [hand.item(f"i{number:02}", f"Question {number}?") for number in range(20)]
    return Questions(hand.Hand("hand", Path()), items, {"benchmark": {"name": "hand"}})


def answers_of(path):
    return {line.item: line for line in read_predictions(path).lines}


def answer_all(request):
    question = json.loads(request.data)["messages"][-1]["content"]
    return Response(json.dumps(reply(f"Answer to {question}")), content_type="application/json")


def test_every_question_is_asked_once_with_its_own_answer(httpserver, questions, tmp_path):
    httpserver.expect_request(CHAT).respond_with_handler(answer_all)
    run(server_of(httpserver), questions, tmp_path / "p.jsonl")
    found = read_predictions(tmp_path / "p.jsonl")
    assert {line.output for line in found.lines} == {f"Answer to Question {number}?" for number in range(20)}
    assert all(line.output == f"Answer to {line.question}" and line.tokens == 3 for line in found.lines)
    bodies = [json.loads(request.data) for request, _ in httpserver.log if request.path == CHAT]
    assert len(bodies) == 20
    assert {(body["model"], body["temperature"], body["max_tokens"]) for body in bodies} == {("m", 0, 5)}
    assert found.header["engine"]["prompt_tokens"].startswith("unknown") and found.header["checkpoint_sha256"] is None


def test_images_are_sent_in_their_places_as_they_are():
    image, other = make.png("red"), make.noise((5, 3), 1, "JPEG")
    messages = messages_of(hand.item("a", "Both?", images=["x", "y"]), [read_image(c, "x") for c in (image, other)])
    kinds = [part["type"] for part in messages[0]["content"]]
    assert kinds == ["image_url", "image_url", "text"]
    urls = [part["image_url"]["url"] for part in messages[0]["content"][:2]]
    assert [url.partition(";base64,")[0] for url in urls] == ["data:image/png", "data:image/jpeg"]
    assert [base64.b64decode(url.partition(",")[2]) for url in urls] == [image, other]


@pytest.mark.parametrize("form", ["BMP", "TIFF", "turned JPEG"])
def test_images_that_servers_may_read_otherwise_become_upright_png(form):
    turned = Image.Exif()
    turned[0x0112] = 6
    options = {"exif": turned} if form == "turned JPEG" else {}
    content = make.noise((8, 4), 2, form.split()[-1], **options)
    image = read_image(content, "x")
    kind, _, data = image.data_url().partition(";base64,")
    sent = Image.open(io.BytesIO(base64.b64decode(data)))
    assert kind == "data:image/png" and sent.tobytes() == image.image.tobytes()
    assert sent.size == ((4, 8) if options else (8, 4))


def test_texts_are_plain_strings():
    assert messages_of(hand.item("a", "Hi?"), []) == [{"role": "user", "content": "Hi?"}]


def test_a_question_about_an_image_that_is_not_shown_is_its_text():
    """As --without-images asks a text-only server."""
    assert messages_of(hand.item("a", "Which?", images=["x"]), []) == [{"role": "user", "content": "Which?"}]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_asks_to_wait_is_asked_again(httpserver, questions, tmp_path, status):
    replies = [Response("busy", status, {"retry-after-ms": "5"})] * 2 + [Response(json.dumps(reply("At last.")))]
    replies[-1].content_type = "application/json"
    httpserver.expect_request(CHAT).respond_with_handler(lambda request: replies.pop(0))
    one = replace(questions, items=questions.items[:1])
    run(server_of(httpserver, concurrency=1), one, tmp_path / "p.jsonl")
    assert [line.output for line in read_predictions(tmp_path / "p.jsonl").lines] == ["At last."]


NONSENSE = {
    "half a reply": json.dumps(reply())[:60],
    "no JSON": "<html>Gateway</html>",
    "another object": '{"hello": 1}',
    "a list": "[1, 2]",
    "no choice": json.dumps({**reply(), "choices": []}),
    "choices are text": json.dumps({**reply(), "choices": "A lung."}),
    "no text": json.dumps(reply(None)),
    "no end": json.dumps(reply(reason=None)),
}


@pytest.mark.parametrize("kind", ["application/json", "text/html"])
@pytest.mark.parametrize("body", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_is_an_error_of_that_item_alone(httpserver, questions, tmp_path, body, kind):
    def odd(request):
        if "Question 7?" in request.data.decode():
            return Response(body, content_type=kind)
        return answer_all(request)

    httpserver.expect_request(CHAT).respond_with_handler(odd)
    few = replace(questions, items=questions.items[6:9])
    run(server_of(httpserver, retries=0), few, tmp_path / "p.jsonl")
    found = answers_of(tmp_path / "p.jsonl")
    assert [name for name, line in found.items() if line.error] == ["i07"]
    assert found["i07"].output == "" and found["i07"].error


def test_what_failed_is_asked_again_and_nothing_else(httpserver, questions, tmp_path, capsys):
    refused = {"Question 3?", "Question 12?"}

    def handle(request):
        return (
            Response("no", 500)
            if json.loads(request.data)["messages"][0]["content"] in refused
            else answer_all(request)
        )

    httpserver.expect_request(CHAT).respond_with_handler(handle)
    server = server_of(httpserver, retries=0)
    run(server, questions, tmp_path / "p.jsonl")
    assert " of 20 items have an error in place of an answer, most often (" in capsys.readouterr().err
    refused.clear()
    httpserver.clear_log()
    run(server, questions, tmp_path / "p.jsonl")
    assert sum(request.path == CHAT for request, _ in httpserver.log) == 2
    found = answers_of(tmp_path / "p.jsonl")
    assert len(found) == 20 and not any(line.error for line in found.values())


def test_a_server_that_dies_stops_the_run_and_keeps_what_was_answered(httpserver, questions, tmp_path):
    asked = []
    questions = replace(questions, items=[hand.item(f"i{number:02}", f"Question {number}?") for number in range(40)])

    def handle(request):
        asked.append(request)
        return answer_all(request) if len(asked) <= 5 else Response("gone", 500)

    httpserver.expect_request(CHAT).respond_with_handler(handle)
    with pytest.raises(EvalError, match=r"stopped, \d+ failures in a row.*\w\. Answers so far are kept: run the same"):
        run(server_of(httpserver, retries=0), questions, tmp_path / "p.jsonl")
    found = answers_of(tmp_path / "p.jsonl")
    assert sum(not line.error for line in found.values()) == 5
    assert len(found) < 40 and len(asked) <= 5 + FAILURES_IN_A_ROW + 2


def test_a_server_that_hangs_stops_the_run(httpserver, questions, tmp_path):
    def hang(request):
        time.sleep(0.5)
        return Response("late", 200)

    httpserver.expect_request(CHAT).respond_with_handler(hang)
    with pytest.raises(EvalError, match=r"failures in a row.*timed out"):
        run(server_of(httpserver, retries=0, timeout=0.05, concurrency=4), questions, tmp_path / "p.jsonl")


@pytest.mark.parametrize("status", [401, 404])
def test_what_will_not_pass_stops_at_once_and_hides_the_key(httpserver, questions, tmp_path, monkeypatch, status):
    monkeypatch.setenv("HAND_KEY", "sk-very-secret")
    httpserver.expect_request(CHAT).respond_with_json({"error": {"message": "no sk-very-secret"}}, status=status)
    connection = connect(httpserver.url_for("/v1"), "HAND_KEY", concurrency=1)
    with pytest.raises(EvalError, match=r"no other reply can be expected: .*no \*\*\*") as caught:
        run(Server("m", connection, Settings(4)), questions, tmp_path / "p.jsonl")
    keys = [request.headers["Authorization"] for request, _ in httpserver.log if request.path == CHAT]
    assert keys.count("Bearer sk-very-secret") == 1
    assert "very-secret" not in str(caught.value) + (tmp_path / "p.jsonl").read_text() + repr(connection)


def test_nobody_there_is_told_before_anything_is_written_for_items(questions, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Server("m", Connection(f"http://user:word@127.0.0.1:{port}/v1"), Settings(4))
    with pytest.raises(EvalError, match=rf"http://127.0.0.1:{port}/v1: no server answers") as caught:
        run(server, questions, tmp_path / "p.jsonl")
    assert "word" not in str(caught.value) + (tmp_path / "p.jsonl").read_text()
    assert not read_predictions(tmp_path / "p.jsonl").lines


def test_a_refused_key_is_told_at_the_first_call(httpserver, monkeypatch):
    monkeypatch.setenv("HAND_KEY", "sk-very-secret")
    httpserver.expect_request("/v1/models").respond_with_json({"error": {"message": "bad sk-very-secret"}}, status=401)
    with pytest.raises(EvalError, match=r"refuses the key.*\*\*\*") as caught:
        Server("m", connect(httpserver.url_for("/v1"), "HAND_KEY"), Settings(4)).engine  # noqa: B018
    assert "very-secret" not in str(caught.value)


def test_no_key_is_told_before_anything_else(monkeypatch, tmp_path, capsys):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    command = ["run", "--model", "m", "--engine", "openai", "--task", "safety", "--out", str(tmp_path / "out")]
    assert main(command) == 1
    assert "OPENAI_API_KEY is not set" in capsys.readouterr().err
    assert main([*command, "--base-url", "http://localhost/v1", "--api-key-variable", "NOT_SET_ANYWHERE"]) == 1
    assert "NOT_SET_ANYWHERE is not set" in capsys.readouterr().err
    assert main([*command, "--base-url", "localhost:8000"]) == 1
    assert "give an address such as" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_server_of_ones_own_gets_no_key_that_was_not_meant_for_it(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    assert connect("http://localhost:8000/v1", None).key == "none"
    assert connect(None, None).key == "sk-very-secret"


def test_an_engine_that_failed_long_ago_goes_on():
    engine = OpenAIEngine("m", Connection("http://localhost/v1"))
    for _ in range(FAILURES_IN_A_ROW - 1):
        engine.client.count_failure("500", 500)
    engine.check()
    engine.client.count_failure("500", 500)
    with pytest.raises(EvalError):
        engine.check()


def test_a_reply_without_usage_has_no_count():
    found = completion_of(read_reply(json.dumps({**reply(), "usage": None}).encode()))
    assert (found.text, found.tokens, found.error) == ("A lung.", None, "")


def test_a_failure_is_an_error_in_place_of_an_answer():
    assert completion_of(Failure("busy")) == Completion("", "error", None, "busy")


def test_prompts_that_are_refused_do_not_stop_the_run_and_are_told_why(httpserver, questions, tmp_path):
    httpserver.expect_request(CHAT).respond_with_json({"error": {"message": "too long"}}, status=400)
    with pytest.raises(NoAnswersError, match=r"20 of 20 items have an error .*, most often \(20\): .*too long"):
        run(server_of(httpserver), questions, tmp_path / "p.jsonl")
    found = answers_of(tmp_path / "p.jsonl")
    assert len(found) == 20 > FAILURES_IN_A_ROW and all("too long" in line.error for line in found.values())
