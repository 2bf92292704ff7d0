"""The command in a real terminal and behind a pipe: what readline, a pasted text and broken bytes become."""

import os
import pty
import select
import subprocess
import sys
import time

from tests.eval.chat.streaming_server import StreamingServer


def command(server):
    return [sys.executable, "-m", "eval", "chat", "--base-url", server.url]


class Typist:
    """A terminal that runs a command; `shown` is what it has on its screen."""

    def __init__(self, words):
        self.shown = b""
        self._fd, end = pty.openpty()
        ends = {"stdin": end, "stdout": end, "stderr": end}
        whole = ["setsid", "--ctty", *words]  # so that Ctrl-C is a signal
        self._process = subprocess.Popen(whole, env=os.environ | {"TERM": "xterm"}, **ends)
        os.close(end)

    def until(self, is_true):
        """Read until something is true, for two minutes at most."""
        end = time.monotonic() + 120
        while not is_true() and time.monotonic() < end:
            if select.select([self._fd], [], [], 0.1)[0]:
                try:
                    self.shown += os.read(self._fd, 1 << 16)
                except OSError:  # it has ended
                    return
        assert is_true(), self.shown[-2000:]

    def type(self, keys):
        """Type keys at the prompt."""
        self.until(lambda: self.shown.rstrip().endswith(b">"))
        self.shown = b""
        self.press(keys)

    def press(self, keys):
        """Type keys at once."""
        os.write(self._fd, keys)

    def code(self):
        """Return the exit code at the command's end."""
        return self._process.wait(60)


def asked(server):
    return [request["messages"][-1]["content"] for request in server.requests]


def test_a_pasted_text_is_one_question_and_a_line_is_edited_at_any_length():
    with StreamingServer() as server:
        terminal = Typist(command(server))
        for number, keys in enumerate(
            [b"\x1b[200~Findings:\nA mass.\nWhat is it?\x1b[201~\r", b"ab\x1b[D\x1b[Dc\r", b"x" * 6000 + b"\r"], start=1
        ):
            terminal.type(keys)
            terminal.until(lambda number=number: len(server.requests) == number)
        assert asked(server) == ["Findings:\nA mass.\nWhat is it?", "cab", "x" * 6000]
        server.end = "hangs"
        terminal.type("ما هذا؟\r".encode())
        terminal.until(lambda: b"...." in terminal.shown)
        terminal.press(b"\x03")
        terminal.until(lambda: b"[stopped]" in terminal.shown)
        terminal.type(b"\x03")
        assert terminal.code() == 0


def test_bytes_that_are_not_utf_8_are_asked_as_they_can_be():
    with StreamingServer(words=("A \x1b[31mlung", "\ud83e")) as server:
        proxy = os.environ | {"http_proxy": "http://127.0.0.1:9", "no_proxy": "example.org"}  # this machine needs none
        done = subprocess.run(command(server), input=b"What \xff is it?\n", capture_output=True, check=True, env=proxy)
        assert asked(server) == ["What \ufffd is it?"]
    assert "A [31mlung\ufffd" in done.stdout.decode() and b"Traceback" not in done.stderr


def test_a_server_cannot_move_the_cursor_by_its_errors():
    with StreamingServer(refuses=lambda _: "no \x1b]0;owned\x07 \u202e model") as server:
        done = subprocess.run(command(server), input=b"What?\n", capture_output=True, check=True)
    said = done.stderr.decode()
    assert "no ]0;owned" in said and "\x1b" not in said and "\u202e" not in said
