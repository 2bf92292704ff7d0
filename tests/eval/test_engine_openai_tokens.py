"""What a server is told beside the prompt, what it refuses, and whether its tokens are those of the checkpoint."""

import json
from pathlib import Path

import pytest
from werkzeug import Response

from eval.cli import main
from eval.engines.openai_engine import Server
from eval.engines.prompt import Prompts
from eval.predict import Questions, run
from eval.predictions import read_predictions
from eval.unanswered import NoAnswersError
from tests.eval.test_engine_openai import CHAT, answer_all, reply, server_of
from tests.helpers import core_builders as hand
from tests.helpers.tiny_seeing import seeing


@pytest.fixture(scope="module")
def gemma(tmp_path_factory):
    return seeing(tmp_path_factory.mktemp("gemma3"), "gemma3")


@pytest.fixture
def questions(tmp_path):
    hand.write_benchmark(tmp_path, "hand", [])
    items = [hand.item(f"i{number}", f"Is it {number}?", images=["red.png"] * (number % 2)) for number in range(4)]
    return Questions(hand.Hand("hand", tmp_path), items, {"benchmark": {"name": "hand"}})


def bodies(httpserver, path=CHAT):
    return [json.loads(request.data) for request, _ in httpserver.log if request.path == path]


def json_of(content, status=200):
    return Response(json.dumps(content), status, content_type="application/json")


def test_a_server_that_refuses_max_tokens_gets_the_other_name(httpserver, questions, tmp_path):
    text = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."

    def strict(request):
        if "max_tokens" in json.loads(request.data):
            return json_of({"error": {"message": text, "code": "unsupported_parameter"}}, 400)
        return json_of(reply("Yes."))

    httpserver.expect_request(CHAT).respond_with_handler(strict)
    run(server_of(httpserver, concurrency=1), questions, tmp_path / "p.jsonl")
    assert [line.output for line in read_predictions(tmp_path / "p.jsonl").lines] == ["Yes."] * 4
    sent = bodies(httpserver)
    assert ["max_tokens" in body for body in sent] == [True, False, False, False, False]
    assert all(body["max_completion_tokens"] == 5 for body in sent[1:])


def test_another_refusal_is_an_error_of_that_prompt(httpserver, questions, tmp_path):
    httpserver.expect_request(CHAT).respond_with_handler(lambda _: json_of({"error": {"message": "too long"}}, 400))
    with pytest.raises(NoAnswersError, match="too long"):
        run(server_of(httpserver, concurrency=1), questions, tmp_path / "p.jsonl")
    assert len(bodies(httpserver)) == 4
    assert all("too long" in line.error for line in read_predictions(tmp_path / "p.jsonl").lines)


def command(httpserver, out, *more):
    asked = ["run", "--model", "m", "--engine", "openai", "--base-url", httpserver.url_for("/v1"), "--task", "safety"]
    return [*map(str, [*asked, "--limit", "1", "--root", out, "--out", out / "out", *more])]


@pytest.mark.parametrize(("given", "sent"), [("0.7", 0.7), ("server", None)])
def test_temperature_and_extras_reach_the_server_and_the_header(httpserver, tmp_path, given, sent):
    httpserver.expect_request(CHAT).respond_with_handler(lambda _: json_of(reply("Yes.")))
    extras = {"chat_template_kwargs": {"enable_thinking": False}, "top_k": 1}
    assert main(command(httpserver, tmp_path, "--temperature", given, "--server-extras", json.dumps(extras))) == 0
    (body,) = bodies(httpserver)
    assert body.get("temperature") == sent and {name: body[name] for name in extras} == extras
    header = read_predictions(tmp_path / "out/predictions/safety.jsonl").header
    assert (header["generation"]["temperature"], header["generation"]["extras"]) == (sent, extras)


@pytest.mark.parametrize("extras", ["[1]", "{", '{"model": "x"}'])
def test_extras_that_are_none(httpserver, tmp_path, extras, capsys):
    with pytest.raises(SystemExit):
        main(command(httpserver, tmp_path, "--server-extras", extras))
    assert "JSON" in capsys.readouterr().err


def test_options_of_a_server_for_a_checkpoint(llava, tmp_path, capsys):
    asked = ["run", "--model", str(llava), "--task", "safety", "--out", str(tmp_path / "out"), "--temperature", "0.5"]
    assert main(asked) == 1 and "belong to --engine openai" in capsys.readouterr().err


def test_options_of_a_checkpoint_for_a_server(httpserver, tmp_path, capsys):
    assert main(command(httpserver, tmp_path, "--load-in", "4bit")) == 1
    assert "is told to the server" in capsys.readouterr().err


def tokens_of(checkpoint, wrong=0):
    """A /tokenize as vLLM's, over a checkpoint's processor."""
    prompts = Prompts(Path(checkpoint))

    def tokenize(request):
        body = json.loads(request.data)
        messages = []
        for message in body["messages"]:
            parts = message["content"]
            parts = [{"type": "text", "text": parts}] if isinstance(parts, str) else parts
            parts = [{"type": "image"} if part["type"] == "image_url" else part for part in parts]
            messages.append({"role": message["role"], "content": parts})
        text = prompts.processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        ids = prompts.token_ids(text)
        return json_of({"count": len(ids), "tokens": ids[wrong:]})

    return tokenize


def served(httpserver, checkpoint):
    made = server_of(httpserver)
    return Server(made.model, made.connection, made.settings, checkpoint=str(checkpoint) if checkpoint else None)


def header_of(httpserver, questions, path, checkpoint):
    httpserver.expect_request(CHAT).respond_with_handler(answer_all)
    run(served(httpserver, checkpoint), questions, path)
    return read_predictions(path).header["engine"]["prompt_tokens"]


def test_tokens_of_the_server_are_verified(httpserver, questions, gemma, tmp_path):
    httpserver.expect_request("/tokenize").respond_with_handler(tokens_of(gemma))
    assert header_of(httpserver, questions, tmp_path / "p.jsonl", gemma) == "verified"
    asked = bodies(httpserver, "/tokenize")
    assert len(asked) == 2 and {isinstance(body["messages"][0]["content"], str) for body in asked} == {True, False}


def test_other_tokens_are_not(httpserver, questions, gemma, tmp_path):
    httpserver.expect_request("/tokenize").respond_with_handler(tokens_of(gemma, wrong=1))
    assert header_of(httpserver, questions, tmp_path / "p.jsonl", gemma).startswith("unverified: item i1 is other")


def test_a_server_that_does_not_tell(httpserver, questions, gemma, tmp_path):
    assert header_of(httpserver, questions, tmp_path / "p.jsonl", gemma).startswith("unknown: the server does not tell")


def test_a_checkpoint_that_is_not_named(httpserver, questions, tmp_path):
    assert "--checkpoint" in header_of(httpserver, questions, tmp_path / "p.jsonl", None)
