"""Judging against a real HTTP server that behaves, and that does not."""

import json
import re
import time

import pytest
from werkzeug import Response

from data_prep.llm import retry
from eval.cli import main
from eval.errors import EvalError
from eval.judge.run import estimate, judge
from eval.judge.verdicts import read_verdicts
from tests.helpers import judge_builders as make

NAME = "bimed_mbench_en"
IDS = {f"bimed_mbench-en-{number}" for number in range(4)}


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv(make.VARIABLE, make.KEY)
    server = make.JudgeServer()
    yield server
    server.stop()


@pytest.fixture
def waits(monkeypatch):
    """Seconds between attempts: noted, not waited."""
    waits = []

    async def note(seconds):
        waits.append(seconds)

    monkeypatch.setattr(retry, "_sleep", note)
    return waits


@pytest.fixture
def root(tmp_path):
    return make.bimed_root(tmp_path)


@pytest.fixture
def results(root):
    make.answer_all(root / "results", root, NAME)
    return root / "results"


def run(server, root, results, names=(NAME,), **more):
    judge(results, root, names, make.settings(server, **more))


def test_every_answer_gets_a_verdict_once(server, root, results):
    run(server, root, results)
    verdicts = read_verdicts(results, NAME)
    assert {verdict["item"] for verdict in verdicts} == IDS and len(server.requests) == 4
    assert {(v["reply"], v["tokens_in"], v["tokens_out"]) for v in verdicts} == {("8 6\nbecause", 100, 20)}
    assert verdicts[0]["judge"]["model"] == "judge-1" and verdicts[0]["judge"]["temperature"] == 0
    before = (results / "verdicts" / f"{NAME}.jsonl").read_bytes()
    run(server, root, results)
    assert len(server.requests) == 4 and (results / "verdicts" / f"{NAME}.jsonl").read_bytes() == before


def test_only_a_changed_answer_is_judged_again(server, root, results):
    run(server, root, results)
    make.answer_all(results, root, NAME, lambda item: "new" if item.id.endswith("2") else f"answer to {item.id}")
    server.says = lambda text: "5 5"
    run(server, root, results)
    assert len(server.requests) == 5 and "[Assistant 2]\nnew\n" in server.texts()[-1]


def test_the_judge_is_asked_as_published(server, root, results):
    run(server, root, results, concurrency=1)
    request = server.requests[0]
    assert request["messages"][0] == {"role": "system", "content": make.SYSTEM}
    mentions = "[{'tokens': 'No cells were found ( Fig. 3 ) .', 'entities': [{'type': 'figure'}]}]"
    assert server.texts()[0] == (
        "[Context]\nFigure Caption:\nFig. 3: A portion of conjunctiva. (H & E stain, ×100)\n\n"
        f"Figure Context:\n\t- {mentions}\n\n[Question]\nWhat is the organ in the image?\n\n"
        "[Assistant 1]\nThe organ in the image is the conjunctiva.\n\n[End of Assistant 1]\n\n"
        "[Assistant 2]\nanswer to bimed_mbench-en-0\n\n[End of Assistant 2]\n\n"
        f"[System]\n{make.INSTRUCTIONS}\n\n"
    )
    assert (request["model"], request["temperature"]) == ("judge-1", 0) and "max_tokens" not in request
    assert server.keys == {f"Bearer {make.KEY}"}


def test_swapped_and_repeated_questions_are_questions_of_their_own(server, root, results):
    run(server, root, results, swap=True, repeats=3)
    assert len(server.requests) == 4 * 2 * 3
    swapped = [text for text in server.texts() if "[Assistant 1]\nanswer to bimed_mbench-en-1\n" in text]
    assert len(swapped) == 3 and "[Assistant 2]\nThe organ in the image is the conjunctiva.\n" in swapped[0]
    run(server, root, results)
    assert len(server.requests) == 24


def test_busy_and_broken_servers_are_asked_again_with_growing_waits(server, root, results, waits):
    server.next_replies.extend([Response(status=429), Response(status=500), Response(status=503)])
    run(server, root, results, concurrency=1)
    assert len(server.requests) == 7 and len(read_verdicts(results, NAME)) == 4
    assert len(waits) == 3 and waits[0] < waits[1] < waits[2]


@pytest.mark.parametrize(
    "broken",
    [make.half_a_reply, make.a_body_that_breaks_off, lambda text: Response("{}"), lambda text: Response(status=404)],
)
def test_a_reply_that_is_none_is_told_and_the_rest_goes_on(server, results, waits, capsys, broken):
    root = results.parent
    server.says = lambda text: broken(text) if "answer to bimed_mbench-en-1" in text else "8 6"
    run(server, root, results, timeout=5, patience=4)  # of a machine that is busy
    assert {verdict["item"] for verdict in read_verdicts(results, NAME)} == IDS - {"bimed_mbench-en-1"}
    assert "bimed_mbench_en: 1 of 4 questions without a verdict: " in capsys.readouterr().err
    server.says, before = lambda text: "7 7", len(server.requests)
    run(server, root, results)
    assert len(server.requests) == before + 1 and len(read_verdicts(results, NAME)) == 4


def test_one_question_that_is_never_answered_does_not_hold_up_the_rest(server, root, results, waits, capsys):
    server.says = lambda text: server.hang() if "answer to bimed_mbench-en-0" in text else "8 6"
    run(server, root, results, timeout=1, patience=1)
    assert len(read_verdicts(results, NAME)) == 3
    assert "1 of 4 questions without a verdict: timed out" in capsys.readouterr().err


def test_no_verdict_at_all_is_an_error_once_every_file_was_judged(server, root, results, capsys):
    make.answer_all(results, root, NAME, stem="again")
    refused = {"error": {"message": "the prompt is too long"}}
    server.says = lambda text: Response(json.dumps(refused), status=400, content_type="application/json")
    with pytest.raises(
        EvalError, match=r"again: 4 of 4 questions without a verdict, most often \(4\): .*too long"
    ) as told:
        run(server, root, results)
    assert f"\n{NAME}: 4 of 4 questions" in str(told.value) and "run the same command again" in str(told.value)
    server.says = lambda text: "8 6" if "answer to bimed_mbench-en-1" in text else Response("{}", status=400)
    run(server, root, results)
    assert f"{NAME}: 3 of 4 questions without a verdict, most often (3): " in capsys.readouterr().err


def test_a_judge_that_never_answers_is_given_up(server, root, results, waits):
    make.answer_all(results, root, "uphill")
    server.says = server.hang
    start = time.monotonic()
    with pytest.raises(
        EvalError, match=r"The judge judge-1 at http.* did not answer 5 questions in a row \(.*\)"
    ) as told:
        run(server, root, results, names=["uphill"], concurrency=8, timeout=1, patience=1)
    assert "run the same command again to go on" in str(told.value) and time.monotonic() - start < 20
    server.says = lambda text: '{"agreement": "Agree"}'
    run(server, root, results, names=["uphill"])
    assert len(read_verdicts(results, "uphill")) == 10


def test_an_interrupted_run_goes_on_where_it_stopped(server, root, results, monkeypatch):
    from eval.judge.verdicts import VerdictsFile

    append, done = VerdictsFile.append, []

    def interrupted(self, verdict):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(verdict["item"])
        append(self, verdict)

    monkeypatch.setattr(VerdictsFile, "append", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(server, root, results, concurrency=1)
    monkeypatch.undo()
    monkeypatch.setenv(make.VARIABLE, make.KEY)
    with (results / "verdicts" / f"{NAME}.jsonl").open("a") as file:
        file.write('{"key": "half a li')
    before = len(server.requests)
    run(server, root, results)
    assert len(server.requests) == before + 2
    assert sorted(line["item"] for line in make.verdict_lines(results, NAME)) == sorted(IDS)


def test_no_more_questions_are_under_way_than_allowed(server, root, results):
    make.answer_all(results, root, "uphill")
    server.says = lambda text: time.sleep(0.05) or '{"agreement": "None"}'
    run(server, root, results, names=["uphill"], concurrency=3)
    assert server.most_active == 3 and len(server.requests) == 10


def test_no_key_is_said_before_anything(server, root, results, monkeypatch):
    monkeypatch.setenv(make.VARIABLE, " ")
    with pytest.raises(EvalError, match="no key in the environment variable JUDGE_TEST_KEY: export it first"):
        run(server, root, root / "there-is-none")
    with pytest.raises(EvalError, match=r"no address.*; repeats is 0; it must be at least 1; no key") as told:
        make.JudgeSettings("m", "api.example", make.VARIABLE, repeats=0).check()
    assert str(told.value).count("The judge cannot be asked") == 1


def test_the_key_is_written_nowhere(server, root, results, capsys):
    echo = {"error": {"message": f"Incorrect API key provided: {make.KEY}"}}
    server.next_replies.append(Response(json.dumps(echo), status=401, content_type="application/json"))
    run(server, root, results)
    told = capsys.readouterr()
    assert "Incorrect API key provided: ***" in told.err
    written = [path.read_text(encoding="utf-8") for path in results.rglob("*") if path.is_file()]
    assert len(written) == 2 and not any(make.KEY in text for text in [told.err, told.out, *written])
    assert make.KEY not in repr(make.settings(server))


def test_the_cost_is_estimated_before_and_counted_after(server, root, results, capsys):
    more = make.settings(server, price_in=2.5, price_out=10.0)
    line = estimate(results, root, [NAME], more)
    texts = 4 * len(make.SYSTEM) + sum(len(text) for text in make.questions(root, NAME, results))
    # One character of each text, a multiplication sign, is none of ASCII.
    roughly = sum(round((len(text) - 1) / 4 + 1 / 2) + 2 for text in make.questions(root, NAME, results))
    assert texts / 4 == pytest.approx(roughly, rel=0.05) and server.requests == []
    price = (roughly * 2.5 + 1200 * 10) / 1e6
    assert line.startswith(f"bimed_mbench_en: 4 of 4 questions to the judge judge-1; roughly {roughly:,} tokens in, ")
    assert f"1,200 out: {price:.2f} at 2.5 in and 10 out per million tokens" in line
    server.says = lambda text: make.completion("8 6", tokens=(100_000, 25_000))
    judge(results, root, [NAME], more)
    assert "counted 400,000 tokens in, 100,000 out: 2.00 at" in capsys.readouterr().err
    assert "0 of 4 questions" in estimate(results, root, [], make.settings(server))


def test_verdicts_of_the_judge_that_was_asked_last_count(server, root, results):
    run(server, root, results)
    server.says = lambda text: "4 4"
    second = make.JudgeSettings("judge-2", server.url, make.VARIABLE, temperature=None)
    judge(results, root, [NAME], second)
    assert "temperature" not in server.requests[-1]
    assert {verdict["reply"] for verdict in read_verdicts(results, NAME)} == {"4 4"}
    run(server, root, results)
    assert {verdict["reply"] for verdict in read_verdicts(results, NAME)} == {"8 6\nbecause"}
    assert len(server.requests) == 8


def test_names_are_files_or_benchmarks(server, root, results):
    make.answer_all(results, root, NAME, stem="again")
    run(server, root, results, names=[NAME])
    assert len(server.requests) == 8
    with pytest.raises(EvalError, match=r"nothing to judge under the name vqa\. Predictions there: again, bimed"):
        run(server, root, results, names=[NAME, "vqa"])
    with pytest.raises(EvalError, match=r"nothing to judge\. Predictions there: none"):
        run(server, root, root / "empty", names=[])


def test_a_line_that_is_no_json_is_named(server, root, results):
    run(server, root, results)
    path = results / "verdicts" / f"{NAME}.jsonl"
    path.write_text("nonsense\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(EvalError, match=re.escape(f"{path}: line 1 is not JSON")):
        read_verdicts(results, NAME)
    assert read_verdicts(results, "never_judged") == []


@pytest.mark.parametrize(("said", "sent"), [((), 0), (("--judge-temperature", "0.5"), 0.5)])
def test_temperature_of_the_command_line(server, root, results, said, sent):
    assert _judge(server, root, results, *said) == 0
    assert {request["temperature"] for request in server.requests} == {sent}


def test_temperature_can_be_left_to_the_server(server, root, results):
    assert _judge(server, root, results, "--judge-temperature", "server") == 0
    assert server.requests and not any("temperature" in request for request in server.requests)
    with pytest.raises(SystemExit):
        _judge(server, root, results, "--judge-temperature", "warm")


def _judge(server, root, results, *said):
    judge = ("--judge-model", "j", "--judge-base-url", server.url, "--judge-api-key-variable", make.VARIABLE)
    return main([str(word) for word in ("judge", results, "--root", root, *judge, *said)])
