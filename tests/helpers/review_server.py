"""A review's page in a process of its own, and a browser that records every request."""

import contextlib
import os
import signal
import socket
import subprocess
import sys

CHROMIUM = "/usr/bin/chromium"
LOCAL = "http://127.0.0.1:"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class ReviewServer:
    """`python -m data_prep review FOLDER --reviewer NAME`; a context manager that ends it."""

    def __init__(self, folder, reviewer, *options, blocks="unlimited", **environment):
        self.port = free_port()
        self.url = f"{LOCAL}{self.port}"
        command = [sys.executable, "-m", "data_prep", "review", folder, "--reviewer", reviewer, "--port", self.port]
        self._command = ["bash", "-c", f'ulimit -f {blocks}; exec "$@"', "bash", *map(str, [*command, *options])]
        self._environment = os.environ | environment
        self._process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self):
        """Start it, and return when it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True, env=self._environment)
        line = self._process.stdout.readline()
        assert self.url in line, line

    def kill(self):
        """End it at once, as a power cut would."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process.stdout.close()


@contextlib.contextmanager
def opened_browser():
    """A function that opens a page of a width; every request of every page must stay on this machine."""
    from playwright.sync_api import sync_playwright

    asked, wrong = [], []
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

        def open_page(url, width=1400, height=900):
            page = chromium.new_context(viewport={"width": width, "height": height}).new_page()
            page.set_default_timeout(60_000)
            page.on("request", lambda request: asked.append(request.url))
            page.on("websocket", lambda socket: asked.append(socket.url))
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.goto(url)
            return page

        yield open_page
        chromium.close()
    left = [url for url in asked if not url.startswith((LOCAL, "data:", "blob:" + LOCAL))]
    assert asked and not left, f"requests left this machine: {left}"
    assert not wrong, wrong
