"""What a user can get wrong about a step: one message, and no call that could have been avoided."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time

import pytest
import yaml

from data_prep import mixture_file
from data_prep.__main__ import main
from data_prep.build import build
from data_prep.curate import replies
from data_prep.llm.append_only import AppendOnlyFile
from tests.helpers.curation import english_set, failed, good, lines_of, rows_of, translate_step, translated
from tests.helpers.data_fixtures import llava_row
from tests.helpers.layouts import slake
from tests.helpers.scripted_server import Answer, ScriptedServer


@pytest.fixture
def server():
    with ScriptedServer(good, key="right") as server:
        yield server


def test_without_a_key_nothing_is_sent(folder, server, capsys, monkeypatch):
    monkeypatch.delenv("MY_KEY", raising=False)
    step = translate_step(folder, server.url, model={"api_key_variable": "MY_KEY"})
    assert "environment variable MY_KEY is not set" in failed(folder, step, capsys)
    assert not server.requests


def test_a_wrong_key_is_told_before_a_row_is_sent(folder, server, capsys, monkeypatch):
    monkeypatch.setenv("MY_KEY", "wrong-secret")
    step = translate_step(folder, server.url, model={"api_key_variable": "MY_KEY"})
    said = failed(folder, step, capsys)
    assert "refuses the key" in said and "wrong-secret" not in said
    assert not server.requests


def test_a_server_that_is_not_there(folder, capsys):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    step = translate_step(folder, f"http://127.0.0.1:{port}/v1")
    assert "no server answers" in failed(folder, step, capsys)


def test_a_model_that_the_server_has_not_ends_the_run_at_its_first_reply(folder, capsys):
    with ScriptedServer(lambda *_: Answer(status=404, error="The model `m` does not exist")) as server:
        step = translate_step(folder, server.url, model={"concurrency": 1})
        said = failed(folder, step, capsys)
    assert "The model `m` does not exist" in said and "run the same command to resume" in said
    assert len(server.requests) == 1


def messages_step(folder, server, rows, **keys):
    (folder / "table.json").write_text(json.dumps(rows))
    source = {"reader": "messages", "path": str(folder / "table.json"), "images": str(folder / "images")}
    return translate_step(folder, server.url, input=[{**source, "licence": "MIT", **keys}])


def test_a_row_whose_parent_is_nowhere_is_an_error(folder, server, capsys):
    step = messages_step(folder, server, [llava_row("a"), llava_row("b", parent="messages-gone")])
    assert "1 parents are in no input, such as messages-gone" in failed(folder, step, capsys)
    assert not server.requests


def test_a_row_without_an_id_gets_one_from_its_place(folder, capsys):
    with ScriptedServer(good) as server:
        step = messages_step(folder, server, [llava_row(" ")])
        assert main(["curate", str(step), "--out", str(folder / "out")]) == 0
    ((_, row),) = rows_of(folder / "out").values()
    assert row["parent"] == "messages-item-1"


def test_a_benchmarks_test_split_is_refused(folder, server, capsys):
    root = folder / "slake"
    root.mkdir()
    (root / "test.json").write_text("[]")
    (root / "imgs").mkdir()
    step = translate_step(folder, server.url, input={"reader": "slake", "path": str(root), "split": "test"})
    assert "slake reads a benchmark's test split" in failed(folder, step, capsys)


def test_a_datasets_rows_of_a_benchmarks_test_split_are_refused(tmp_path, server, capsys):
    slake.make(tmp_path / "slake")
    for split in ("train", "test"):
        source = {"reader": "slake", "name": split, "path": str(tmp_path / "slake"), "split": split, "into": split}
        (tmp_path / f"{split}.yml").write_text(yaml.safe_dump({"name": split, "sources": [source]}))
        build(mixture_file.load(tmp_path / f"{split}.yml"), tmp_path / split, "test")
    step = translate_step(tmp_path, server.url, input=[{"dataset": str(tmp_path / "test")}])
    assert "comes from test, a benchmark's test split" in failed(tmp_path, step, capsys)
    step = translate_step(tmp_path, server.url, input=[{"dataset": str(tmp_path / "train")}])
    assert main(["curate", str(step), "--estimate"]) == 0
    assert not server.requests


def test_a_full_disk_keeps_the_replies_until_then(folder, capsys, monkeypatch):
    with ScriptedServer(good) as server:
        step = translate_step(folder, server.url, model={"concurrency": 1})
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        size = 700  # of two replies, and a part of the third
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limit[1]))
        try:
            assert main(["curate", str(step), "--out", str(folder / "out")]) == 1
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        assert "the disk is full" in capsys.readouterr().err
        kept = lines_of(folder / "out.replies.jsonl")
        assert kept and not (folder / "out").exists()
        before = len(server.requests)
        assert main(["curate", str(step), "--out", str(folder / "out")]) == 0
    assert len(server.requests) == before + 3 - len(kept)


def test_a_damaged_file_of_replies_is_told(folder, server, capsys):
    (folder / "out.replies.jsonl").write_text("nonsense\n")
    step = translate_step(folder, server.url)
    assert "line 1 is not JSON" in failed(folder, step, capsys)


def _start(step, folder):
    command = [sys.executable, "-m", "data_prep", "curate", str(step), "--out", str(folder / "out")]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
def test_a_run_that_is_ended_loses_what_is_under_way_and_no_more(tmp_path, sent, code):
    rows = [llava_row(str(n), question=f"<image>\nWhat is number {n}?") for n in range(40)]
    english_set(tmp_path, rows, splits={}, duplicates={"exact": False, "near": False})

    def script(messages, number):
        slow = 0.05 if number <= 12 else 60
        return Answer(translated(messages, lambda text: f"{text} " + "".join(_digits(messages))), seconds=slow)

    with ScriptedServer(script) as server:
        step = translate_step(tmp_path, server.url, checks=["remarks"])
        process = _start(step, tmp_path)
        kept = tmp_path / "out.replies.jsonl"
        end = time.monotonic() + 60
        while not (kept.exists() and len(kept.read_bytes().splitlines()) >= 12) and time.monotonic() < end:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.02)
        os.killpg(process.pid, sent)
        said = process.communicate()[1]
        assert process.returncode == code
        assert "Traceback" not in said
        assert len(server.requests) <= 12 + 4
    with ScriptedServer(lambda messages, number: Answer(script(messages, 0).text)) as again:
        step.write_text(step.read_text().replace(server.url, again.url))
        assert main(["curate", str(step), "--out", str(tmp_path / "out")]) == 0
    assert len(again.requests) == 40 - 12
    assert len(rows_of(tmp_path / "out")) == 40


def _digits(messages):
    return [character for character in messages[-1]["content"].partition("number ")[2][:2] if character.isdigit()]


def test_kept_replies_stay_under_their_key(tmp_path):
    kept = replies.Replies(tmp_path / "r.jsonl", 100)
    from data_prep.llm.client import Reply

    key = replies.key_of({"a": "\ud800"})
    kept.add(key, {"id": "x"}, Reply("one \ud800", "stop", 1, None))
    kept.add(key, {"id": "x"}, Reply("two", "stop", 1, 2))
    for each in (kept, replies.Replies(tmp_path / "r.jsonl", 100)):
        assert key in each and each.get(key).text == "one \ud800"
        assert each.get("00" * 32) is None
    assert [record["text"] for record in AppendOnlyFile(tmp_path / "r.jsonl").records()] == ["one \ud800", "two"]


def test_a_folder_with_other_files_is_told_before_a_reply_is_paid_for(folder, server, capsys, monkeypatch):
    monkeypatch.setenv("MY_KEY", "right")
    (folder / "mine").mkdir()
    (folder / "mine/notes.txt").write_text("mine")
    step = translate_step(folder, server.url, model={"api_key_variable": "MY_KEY"})
    assert main(["curate", str(step), "--out", str(folder / "mine")]) == 1
    assert "holds notes.txt, which no build wrote" in capsys.readouterr().err
    assert not server.requests


def test_a_row_that_is_too_long_names_the_steps_key(folder, capsys):
    with ScriptedServer(good) as server:
        step = translate_step(folder, server.url, limits={"characters": 35})
        assert main(["curate", str(step), "--out", str(folder / "out")]) == 0
    (entry,) = lines_of(folder / "out/ledger.jsonl")
    assert entry["reason"] == "too_long" and "`limits.characters`" in entry["detail"]
