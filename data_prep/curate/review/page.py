"""The page of one reviewer, served by gradio on this machine."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from data_prep import local_page
from data_prep.curate.review import view
from data_prep.curate.review.errors import ReviewError
from data_prep.curate.review.session import Session

_HERE = Path(__file__).parent


def serve(session: Session, host: str, port: int, password: str | None, started: Callable[[str], None]) -> None:
    """Serve the page until the process is interrupted; `started` is called with its address.

    With a password, a login asks for the reviewer's name and it. Raises ReviewError if the port is in use or the host
    is not this machine's.
    """
    login = None if password is None else _login(session.reviewer, password)
    css = (_HERE / "page.css").read_text(encoding="utf-8")
    try:
        local_page.check_free(host, port)  # before gradio is imported
        local_page.serve(_page(session), (host, port), started, css, login)
    except local_page.PageError as error:
        raise ReviewError(str(error)) from error


def _page(session: Session) -> Any:
    local_page.without_analytics()
    import gradio

    def first() -> str:
        return view.render(session, session.first())

    def decide(event: gradio.EventData) -> str:
        return view.render(session, session.answer(dict(event._data)))

    script = (_HERE / "page.js").read_text(encoding="utf-8")
    with gradio.Blocks(title="Review", analytics_enabled=False, fill_width=True) as demo:
        page = gradio.HTML(js_on_load=script, apply_default_css=False, elem_id="review")
        demo.load(first, outputs=page, show_progress="hidden", api_visibility="private", queue=False)
        page.decide(decide, outputs=page, show_progress="hidden", api_visibility="private", queue=False)
    return demo


def _login(reviewer: str, password: str) -> Callable[[str, str], bool]:
    def matches(name: str, given: str) -> bool:
        return local_page.same(given, password) and name == reviewer

    return matches
