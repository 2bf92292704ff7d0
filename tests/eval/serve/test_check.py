"""Which answers of a server count as those of transformers: the same tokens, or others where rounding decides."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug import Response

from data_prep.llm.connection import Connection
from eval.engines.engine import Request
from eval.engines.transformers_engine import TransformersEngine
from eval.errors import EvalError
from eval.serve import reference as referring
from eval.serve.check import check_answers, first_difference, is_tie
from eval.serve.probes import probes
from eval.serve.reference import NEW_TOKENS, Answer, reference, why_no_room

TOKENS = st.lists(st.integers(0, 3), max_size=6)


@given(TOKENS, TOKENS)
def test_the_first_difference_ends_what_two_answers_share(one, other):
    place = first_difference(one, other)
    assert (place is None) == (one == other)
    if place is not None:
        assert one[:place] == other[:place] and one[place : place + 1] != other[place : place + 1]


@pytest.mark.parametrize(
    ("ids", "wanted"),
    [
        ([5, 6], False),  # the second token is far less likely
        ([5, 8], True),
        ([5, 9], False),  # not among the likeliest
        ([5], False),  # ends where transformers goes on
    ],
)
def test_a_tie_is_a_token_that_is_nearly_as_likely(ids, wanted):
    answer = Answer([5, 7], [{5: -0.1, 7: -3.0}, {7: -1.0, 8: -1.03, 6: -2.0}])
    assert is_tie(ids, answer, 1, 0.05) is wanted


@pytest.fixture(scope="module")
def expected(llava):
    return reference(Path(llava), "float32", "cpu", None)


def serve(httpserver, answers):
    """A server that gives these token ids in turn; returns the bodies that it is asked."""
    bodies, left = [], iter(answers)

    def answer(request):
        bodies.append(json.loads(request.data))
        choice = {"index": 0, "finish_reason": "length", "message": {"role": "assistant", "content": ""}}
        reply = {"id": "1", "object": "chat.completion", "created": 0, "model": "m"}
        reply["choices"] = [choice | {"token_ids": next(left)}]
        return Response(json.dumps(reply), content_type="application/json")

    httpserver.expect_request("/v1/chat/completions").respond_with_handler(answer)
    return bodies


def check(httpserver, expected):
    return check_answers(Connection(httpserver.url_for("/v1")), "m", probes(sees=True), expected, "float32")


def test_the_reference_is_what_evaluation_answers(llava, expected):
    engine = TransformersEngine(Path(llava), "float32", "cpu")
    for (item, images), answer in zip(probes(sees=True), expected, strict=True):
        completion = engine.answer([Request(item, engine.prompt(item), images)], NEW_TOKENS)[0]
        assert completion.text == engine.completion(answer.ids).text and len(answer.ids) > 1
        assert all(
            max(found, key=found.get) == token for token, found in zip(answer.ids, answer.likeliest, strict=True)
        )


def test_the_same_tokens_pass_and_are_asked_for_without_a_penalty(httpserver, expected):
    bodies = serve(httpserver, [answer.ids for answer in expected])
    assert [line.partition(":")[0] for line in check(httpserver, expected)] == [
        item.id for item, _ in probes(sees=True)
    ]
    assert [isinstance(body["messages"][0]["content"], list) for body in bodies] == [True, False]
    for body in bodies:
        assert (body["temperature"], body["repetition_penalty"], body["return_token_ids"]) == (0, 1.0, True)


@pytest.mark.parametrize("cut", [False, True])
def test_other_tokens_and_a_shorter_answer_are_told(httpserver, expected, cut):
    ids = expected[1].ids
    wrong = ids[:1] if cut else [ids[0], min(expected[1].likeliest[1], key=expected[1].likeliest[1].get), *ids[2:]]
    serve(httpserver, [expected[0].ids, wrong])
    with pytest.raises(EvalError, match=r"the text question is answered with other tokens.* from token 2 on"):
        check(httpserver, expected)


def test_a_server_that_refuses_or_tells_no_tokens_is_one_message(httpserver, expected):
    serve(httpserver, [None, None])
    with pytest.raises(EvalError, match=r"does not answer a question\. TypeError"):
        check(httpserver, expected)
    httpserver.clear()
    httpserver.expect_request("/v1/chat/completions").respond_with_json({"error": {"message": "no"}}, status=400)
    with pytest.raises(EvalError, match=r"does not answer a question\. BadRequestError"):
        check(httpserver, expected)


def test_a_checkpoint_that_does_not_fit_beside_is_not_loaded(llava, monkeypatch):
    assert why_no_room(Path(llava), "cpu") == ""
    monkeypatch.setattr(referring, "_free_bytes", lambda _: 1e4)
    assert "transformers needs 0.0 GB" in why_no_room(Path(llava), "cpu")
