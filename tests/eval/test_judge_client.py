"""What of a server's reply becomes a verdict, and what the judge is never asked to show."""

import pytest

from eval.errors import EvalError
from eval.judge.client import Question, ask
from eval.judge.run import judge
from tests.helpers import judge_builders as make


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv(make.VARIABLE, make.KEY)
    server = make.JudgeServer()
    yield server
    server.stop()


def replies_of(server, *bodies):
    """The judge's replies to as many questions as there are bodies, in order."""
    server.next_replies.extend(bodies)
    found = []
    settings = make.settings(server, concurrency=1)
    questions = [Question(str(number), "system", "text") for number in range(len(bodies))]
    assert ask(questions, settings, 9, lambda question, reply: found.append(reply)) == []
    return found


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("8 6\nbecause", "8 6\nbecause"),
        (" 8 6 ", " 8 6 "),
        ("<think>The first\nis better.</think>\n\n8 6", "8 6"),
        ('<think type="x"></think>{"agreement": "Agree"}', '{"agreement": "Agree"}'),
        ("<think>never closed 8 6", "<think>never closed 8 6"),
        (None, ""),
    ],
)
def test_reasoning_in_the_text_is_removed(server, text, reply):
    assert [found.reply for found in replies_of(server, make.completion(text))] == [reply]


REASONS = {
    "stop": "stop",
    "eos": "stop",
    "length": "max_tokens",
    "content_filter": "content_filter",
    "function_call": "tool_calls",
    "something else": "unknown",
    None: "unknown",
}


def test_stop_reasons_are_those_of_the_files_that_exist(server):
    bodies = [make.completion("8 6", reason=reason) for reason in REASONS]
    assert [found.stop_reason for found in replies_of(server, *bodies)] == list(REASONS.values())


def test_a_server_that_does_not_count_costs_nothing(server):
    (found,) = replies_of(server, make.completion("8 6", tokens=None))
    assert (found.tokens_in, found.tokens_out) == (0, 0)


def test_secrets_of_the_address_are_in_no_file_and_no_message(server, tmp_path, capsys):
    root = make.bimed_root(tmp_path)
    make.answer_all(root / "results", root, "bimed_mbench_en")
    url = server.url.replace("http://", "http://user:pass-word@") + "?token=query-word"
    judge(root / "results", root, [], make.JudgeSettings("judge-1", url, make.VARIABLE))
    verdicts = (root / "results" / "verdicts" / "bimed_mbench_en.jsonl").read_text(encoding="utf-8")
    assert f'"base_url": "{server.url}"' in verdicts and len(server.requests) == 4
    server.stop()
    with pytest.raises(EvalError, match="did not answer 5 questions in a row") as told:
        questions = [Question(str(number), "system", "text") for number in range(6)]
        gone = make.JudgeSettings("judge-1", url, make.VARIABLE, patience=1, timeout=1)
        ask(questions, gone, None, lambda question, reply: None)
    shown = verdicts + "".join(capsys.readouterr()) + str(told.value)
    assert "pass-word" not in shown and "query-word" not in shown and make.KEY not in shown
