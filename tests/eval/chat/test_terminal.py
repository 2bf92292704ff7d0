"""The terminal: lines in, answers out, and nothing that a mistake could end."""

import io
import json
import socket

import pytest
from pydicom.data import get_testdata_file

from data_prep.sources.turns import dialogue
from eval.chat.session import Session
from eval.chat.talker import Decoding
from eval.chat.terminal import Terminal
from eval.chat.text import printable
from eval.cli import main
from tests.eval.chat.streaming_server import StreamingServer
from tests.eval.chat.talks import TOKENS, image, local


@pytest.fixture(scope="module")
def talker(llava):
    return local(llava)


def chat(session, *lines):
    """Type lines, then the end of the input."""
    left = iter(lines)

    def read(prompt):
        line = next(left, None)
        if line is None:
            raise EOFError
        if isinstance(line, BaseException):
            raise line
        return line

    Terminal(session, read).run()


def test_a_chat_with_an_image_in_both_languages_is_saved_as_a_row(talker, tmp_path, capsys):
    red = tmp_path / "a red image.png"
    red.write_bytes(image("red").content)
    session = Session([talker], Decoding(TOKENS))
    saved = tmp_path / "chat.json"
    chat(session, "/help", "/system Be brief.", f"/image '{red}'", "What is it?", "ما هذا؟", f"/save {saved}")
    out, err = capsys.readouterr()
    assert "For research only" in out and "للبحث" in out and "a red image.png: 28x28" in out and not err
    (row,) = json.loads(saved.read_text())
    messages, images = dialogue(row)
    assert [message["role"] for message in messages] == ["system", *["user", "assistant"] * 2]
    assert images == (f"{image('red').key}.png",)
    assert printable(messages[2]["content"][0]["text"]) in out


def test_a_dicom_file_with_a_window_and_a_frame(talker, capsys):
    session = Session([talker], Decoding(TOKENS))
    ct = get_testdata_file("CT_small.dcm", download=False)
    chat(session, f"/image {ct} frame 0 window 40 400", "")
    assert "CT_small.dcm: 128x128, frame 0 of 0 to 0, window 40 400" in capsys.readouterr().out
    assert len(session.lanes[0].conversation.turns) == 2


def test_an_image_that_waits_is_taken_back_before_a_question_is(talker, tmp_path, capsys):
    red = tmp_path / "\x1b]0;owned\x07.png"
    red.write_bytes(image("red").content)
    session = Session([talker], Decoding(TOKENS))
    chat(session, "One?", f"/image '{red}'", "/undo", "Two?", "/undo")
    (question, _) = session.lanes[0].conversation.turns
    assert question.text == "One?" and "\x1b" not in "".join(capsys.readouterr())


def test_ctrl_c_stops_a_command_and_keeps_the_chat(talker, capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("eval.chat.terminal.attach", interrupted)
    session = Session([talker], Decoding(TOKENS))
    chat(session, "One?", "/image large.dcm", "Two?")
    assert "[stopped]" in capsys.readouterr().out and len(session.lanes[0].conversation.turns) == 4


MISTAKES = {
    "/nonsense": "is no command",
    "/undo": "Nothing was asked yet",
    "/regenerate": "Nothing was asked yet",
    "/edit x": "There is no turn",
    "/drop": "nothing older",
    "/save chat": "ends in .json",
    "/save /tmp/nothing.json": "Nothing to save",
    "/image": "/image PATH",
    "/image 'x": "/image PATH",
    "/image x frame one": "/image PATH",
    "/image x window 4": "/image PATH",
    "/image x wide 4": "/image PATH",
    "/image /nowhere.png": "cannot be read",
    "/image /dev/zero": "is no file",
    "/image ~nobody_here/a.png": "no such user",
    "/image a\0.png": "NUL",
    "/image x window 40 0": "a width of at least 1",
    "/image x window nan 400": "a centre and a width",
    "/save ~nobody_here/a.json": "no such user",
    "What is <image>?": "literal '<image>'",
}


def test_mistakes_are_one_message_each_and_the_chat_goes_on(talker, capsys):
    session = Session([talker], Decoding(TOKENS))
    for line, message in MISTAKES.items():
        chat(session, line)
        err = capsys.readouterr().err
        assert message in err and err.count("\n") == 1 and "Traceback" not in err, line
    chat(session, "", " /what?", "/quit", "never read")
    assert [turn.text for turn in session.lanes[0].conversation.turns][::2] == ["/what?"]


def test_ctrl_c_at_the_prompt_ends(talker):
    chat(Session([talker], Decoding(TOKENS)), KeyboardInterrupt(), "never read")


def test_ctrl_c_stops_an_answer_and_keeps_what_came(talker, capsys, monkeypatch):
    session = Session([talker], Decoding(400))
    answers = session.ask
    seen = []

    def interrupted(*asked):
        for part in answers(*asked):
            seen.append(part)
            if len(seen) == 3:
                raise KeyboardInterrupt
            yield part

    monkeypatch.setattr(session, "ask", interrupted)
    chat(session, "What?")
    assert "[stopped]" in capsys.readouterr().out
    assert len(session.lanes[0].conversation.turns) == 2


def test_two_models_are_named(talker, text_model, capsys):
    chat(Session([talker, local(text_model)], Decoding(TOKENS)), "Who are you?", "/new", "/undo")
    out, err = capsys.readouterr()
    assert f"{talker.name}:" in out and f"{text_model}:" in out and "Nothing was asked yet" in err


def typed(monkeypatch, *lines):
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join([*lines, "/quit", "never read"])))


def test_the_command_talks_to_a_checkpoint_and_to_a_server(llava, capsys, monkeypatch):
    typed(monkeypatch, "What?")
    assert main(["chat", "--model", str(llava), "--max-new-tokens", "4", "--system", "Be brief."]) == 0
    with StreamingServer() as server:
        typed(monkeypatch, "What?", "/regenerate")
        assert main(["chat", "--base-url", server.url, "--temperature", "0.3"]) == 0
        assert [request["temperature"] for request in server.requests] == [0.3] * 2
    assert capsys.readouterr().out.count("A lung.") == 2


WRONG = {
    (): "give a checkpoint folder",
    ("--model", "/nowhere"): "no such folder",
    ("--model", "x", "--temperature", "-1"): "--temperature -1",
    ("--model", "x", "--api-key-variable", "NONE"): "belongs to --base-url",
    ("--base-url", "nonsense"): "give an address",
    ("--base-url", "http://127.0.0.1:9/v1", "--api-key-variable", "NO_SUCH"): "NO_SUCH is not set",
    ("--model", "x", "--web", "--host", "0.0.0.0"): "others can open the page",
    ("--model", "x", "--web", "--host", "192.0.2.1", "--password-file", "README.md"): "cannot be used",
    ("--model", "x", "--web", "--port", "70000"): "cannot be used",
    ("--model", "x", "--web", "--password-file", "/nowhere"): "cannot be read",
}


@pytest.mark.parametrize("options", WRONG)
def test_a_wrong_option_is_one_message(options, capsys, monkeypatch):
    monkeypatch.delenv("NO_SUCH", raising=False)
    assert main(["chat", *options]) == 1
    err = capsys.readouterr().err
    assert WRONG[options] in err and err.startswith("eval: error: ") and "Traceback" not in err


def test_a_port_in_use_is_said_before_anything_is_loaded(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert main(["chat", "--model", "x", "--web", "--port", port]) == 1
    assert f"--port {port}" in capsys.readouterr().err
