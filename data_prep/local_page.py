"""A gradio page that stays on this machine: who may open it, on which port, and that it asks no other server."""

import argparse
import hmac
import ipaddress
import os
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

PORT = 7860
LOCAL = "127.0.0.1"
_POLICY = (
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; connect-src 'self'; form-action 'self'; "
    "base-uri 'self'; frame-ancestors 'none'"
)
"""Gradio's page evaluates templates, and names fonts and scripts of other hosts in places: browsers then refuse to ask
them."""

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]


class PageError(ValueError):
    """A page cannot be served; the message names the option and says what to do."""


def add_options(verb: argparse._ActionsContainer, variable: str) -> None:
    """Add the options of a page to a verb; `variable` may hold the password."""
    verb.add_argument("--host", default=LOCAL, help="address to serve on; another than this machine's needs a password")
    verb.add_argument("--port", type=int, default=PORT, help=f"default: {PORT}")
    verb.add_argument("--password-file", type=Path, help=f"its first line; default: the variable {variable}")


def read_password(host: str, file: Path | None, variable: str) -> str | None:
    """Return the page's password, or None on this machine alone. Raises PageError where one is needed and not given."""
    given = os.environ.get(variable)
    if file is not None:
        try:
            given = file.read_text(encoding="utf-8").partition("\n")[0].strip()
        except (OSError, UnicodeDecodeError) as error:
            raise PageError(f"--password-file {file}: cannot be read ({error})") from error
        if not given:
            raise PageError(f"--password-file {file}: its first line is empty")
    if not given and not is_local(host):
        raise PageError(f"--host {host}: others can open the page; set a password with --password-file or {variable}")
    return given or None


def check_free(host: str, port: int) -> None:
    """Raise PageError unless this machine can listen there: gradio's own message names no option."""
    kind = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(kind) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind((host, port))
    except (OSError, OverflowError) as error:
        raise PageError(f"--host {host} --port {port}: cannot be used ({error}); give another --port") from error


def url_of(host: str, port: int) -> str:
    """Return the URL of a host's port; an IPv6 address stands in brackets."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def without_proxy(*hosts: str) -> None:
    """Let this process reach this machine, and `hosts`, without a proxy: where one is set, it may refuse or log it."""
    for name in ("no_proxy", "NO_PROXY"):
        known = [host for host in os.environ.get(name, "").split(",") if host]
        os.environ[name] = ",".join(dict.fromkeys([*known, LOCAL, "localhost", "::1", *hosts]))


def ending_signals() -> list[signal.Signals]:
    """Return the signals that end a page or a server: SIGTERM, and SIGHUP unless it is ignored, as nohup does."""
    hangs_up = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    return [signal.SIGTERM, signal.SIGHUP] if hangs_up else [signal.SIGTERM]


def without_analytics() -> None:
    """To be called before gradio is imported, which asks its makers' server otherwise."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"


def serve(
    page: Any,
    address: tuple[str, int],
    started: Callable[[str], None],
    css: str,
    login: Callable[[str, str], bool] | None = None,
) -> None:
    """Serve gradio Blocks on (host, port) until the process is interrupted; `started` is called with the URL.

    With `login`, name and password are asked for and passed to it. Raises PageError if the port is in use or the host
    is not this machine's.
    """
    host, port = address
    check_free(host, port)
    without_proxy(host)
    try:
        page.launch(server_name=host, server_port=port, auth=login, prevent_thread_lock=True, **_settings(css))
    except OSError as error:
        raise PageError(f"--port {port}: cannot be used on {host}; give another --port") from error
    started(url_of(host, port))
    try:
        threading.Event().wait()
    finally:
        page.close(verbose=False)


def safe(text: Any) -> Markup:
    """The text as HTML that shows it: escaped, with the signs that gradio's templates act on as references, too."""
    made = str(escape(str(text)))
    for sign in "${}`\\":
        made = made.replace(sign, f"&#{ord(sign)};")
    return Markup(made)


def same(one: str, other: str) -> bool:
    """Whether two passwords are equal, found in a time that does not depend on where they differ."""
    return hmac.compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))


def _settings(css: str) -> dict[str, Any]:
    import gradio
    from starlette.middleware import Middleware

    theme = gradio.themes.Base(
        font=[gradio.themes.Font("system-ui"), gradio.themes.Font("sans-serif")],
        font_mono=[gradio.themes.Font("ui-monospace"), gradio.themes.Font("monospace")],
    )
    return {
        "quiet": True,
        "_frontend": False,  # else a machine that takes 3 s to answer itself is told to share the page
        "share": False,
        "ssr_mode": False,
        "pwa": False,
        "mcp_server": False,
        "enable_monitoring": False,
        "footer_links": [],
        "theme": theme,
        "css": css,
        "app_kwargs": {"middleware": [Middleware(_StaysHere)]},
    }


class _StaysHere:
    """Adds a header to every answer by which the browser asks no other server."""

    def __init__(self, app: Callable[[_Message, _Receive, _Send], Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        async def sending(message: _Message) -> None:
            if message["type"] == "http.response.start":
                headers = [(b"content-security-policy", _POLICY.encode()), (b"referrer-policy", b"no-referrer")]
                message["headers"] = [*message.get("headers", []), *headers]
            await send(message)

        await self._app(scope, receive, sending)


def is_local(host: str) -> bool:
    """Whether a host is this machine, which no other reaches."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
