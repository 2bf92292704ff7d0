"""The page of one reviewer, served by gradio on this machine."""

import hmac
import os
import socket
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from data_prep.curate.review import view
from data_prep.curate.review.errors import ReviewError
from data_prep.curate.review.session import Session

_HERE = Path(__file__).parent
_POLICY = (
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; connect-src 'self'; form-action 'self'; "
    "base-uri 'self'; frame-ancestors 'none'"
)
"""Gradio's page evaluates templates, and names fonts and scripts of other hosts in places: browsers then refuse to ask
them."""

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]


def serve(session: Session, host: str, port: int, password: str | None, started: Callable[[str], None]) -> None:
    """Serve the page until the process is interrupted; `started` is called with its address.

    With a password, a login asks for the reviewer's name and it. Raises ReviewError if the port is in use or the host
    is not this machine's.
    """
    _check_free(host, port)
    demo, settings = _page(session)
    login = None if password is None else _login(session.reviewer, password)
    try:
        demo.launch(server_name=host, server_port=port, auth=login, prevent_thread_lock=True, quiet=True, **settings)
    except OSError as error:
        raise ReviewError(f"--port {port}: cannot be used on {host}; give another --port") from error
    started(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
    try:
        threading.Event().wait()
    finally:
        demo.close(verbose=False)


def _page(session: Session) -> tuple[Any, dict[str, Any]]:
    """Gradio's page, and the settings of its launch."""
    # gradio reads it when it is imported, and asks its makers' server otherwise
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    import gradio
    from starlette.middleware import Middleware

    def first() -> str:
        return view.render(session, session.first())

    def decide(event: gradio.EventData) -> str:
        return view.render(session, session.answer(dict(event._data)))

    script = (_HERE / "page.js").read_text(encoding="utf-8")
    with gradio.Blocks(title="Review", analytics_enabled=False, fill_width=True) as demo:
        page = gradio.HTML(js_on_load=script, apply_default_css=False, elem_id="review")
        demo.load(first, outputs=page, show_progress="hidden", api_visibility="private", queue=False)
        page.decide(decide, outputs=page, show_progress="hidden", api_visibility="private", queue=False)
    theme = gradio.themes.Base(
        font=[gradio.themes.Font("system-ui"), gradio.themes.Font("sans-serif")],
        font_mono=[gradio.themes.Font("ui-monospace"), gradio.themes.Font("monospace")],
    )
    settings = {
        "share": False,
        "ssr_mode": False,
        "pwa": False,
        "mcp_server": False,
        "enable_monitoring": False,
        "footer_links": [],
        "theme": theme,
        "css": (_HERE / "page.css").read_text(encoding="utf-8"),
        "app_kwargs": {"middleware": [Middleware(_StaysHere)]},
    }
    return demo, settings


def _login(reviewer: str, password: str) -> Callable[[str, str], bool]:
    def matches(name: str, given: str) -> bool:
        wanted = hmac.compare_digest(given.encode(errors="replace"), password.encode(errors="replace"))
        return wanted and name == reviewer

    return matches


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


def _check_free(host: str, port: int) -> None:
    """Raise ReviewError unless this machine can listen there: gradio's own message names no option."""
    kind = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(kind) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind((host, port))
    except (OSError, OverflowError) as error:
        raise ReviewError(f"--host {host} --port {port}: cannot be used ({error}); give another --port") from error
