"""A page in a process of its own, and a browser that records every request."""

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


class PageServer:
    """A command of ours that serves a page on `--port`; a context manager that ends it.

    `blocks` bounds the files that it may write, in KiB; `environment` is added to its own.
    """

    def __init__(self, *command, blocks="unlimited", **environment):
        self.port = free_port()
        self.url = f"{LOCAL}{self.port}"
        whole = [sys.executable, "-m", *map(str, command), "--port", str(self.port)]
        self._command = ["bash", "-c", f'ulimit -f {blocks}; exec "$@"', "bash", *whole]
        self._environment = os.environ | environment
        self._process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.end()

    def start(self):
        """Start it, and return when it answers."""
        self._process = subprocess.Popen(
            ["env", "--default-signal=HUP", *self._command], stdout=subprocess.PIPE, text=True, env=self._environment
        )
        line = next((line for line in self._process.stdout if self.url in line), "")
        assert line, self._command

    def kill(self):
        """End it at once, as a power cut would."""
        self.end(signal.SIGKILL)

    def end(self, how=signal.SIGTERM):
        """Send it a signal, and wait until it is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, how)
        self._process.wait()
        self._process.stdout.close()


class ReviewServer(PageServer):
    """`python -m data_prep review FOLDER --reviewer NAME`."""

    def __init__(self, folder, reviewer, *options, **settings):
        super().__init__("data_prep", "review", folder, "--reviewer", reviewer, *options, **settings)


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
