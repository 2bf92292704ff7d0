"""What the page does on each event: changes its tab's chat, and says what to show."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

from eval.chat.attachment import View
from eval.chat.session import Part
from eval.chat.talker import STOPPED, Decoding
from eval.chat.web.tab import Tab, message, picture, text_part, without_joiners
from eval.errors import EvalError

Shown = list[Any]
"""Values of the page's outputs: the question's field, the status, then a conversation for each model."""

NOT_CHANGED: dict[str, Any] = {"__type__": "update"}
"""Gradio's update that changes nothing."""
COMING = "…"
"""Stands in the place of an answer before its first word."""
ENDINGS = {STOPPED: "stopped", "length": "cut at the longest answer"}


def showing(tab: Tab, text: str = "", question: Any = NOT_CHANGED) -> Shown:
    """Return everything as it is, with a message."""
    return [question, message(text), *(tab.messages(lane) for lane in range(len(tab.session.lanes)))]


def send(tab: Tab, question: dict[str, Any]) -> Iterator[Shown]:
    """Ask what is in the question's field; it stays there if it cannot be sent."""
    paths = [str(path) for path in question.get("files") or []]
    try:
        tab.hold(paths)
        parts = tab.session.ask(question.get("text") or "", tab.attached(paths))
        for number, shown in enumerate(_streamed(tab, parts, {"text": "", "files": []})):
            if number == 0:  # it is asked: the files go, with their metadata
                tab.hold([])
            yield shown
    except EvalError as error:
        yield showing(tab, str(error))


def regenerate(tab: Tab) -> Iterator[Shown]:
    """Ask the last question again."""
    yield from _guarded(tab, tab.session.regenerate)


def edit(tab: Tab, lane: int, place: int, text: str) -> Iterator[Shown]:
    """Change a turn; a question is asked again."""
    yield from _guarded(tab, lambda: tab.session.edit(without_joiners(text), place, lane))


def change(tab: Tab, deed: Callable[[], None]) -> Shown:
    """Undo, drop the oldest turns, or begin anew."""
    try:
        deed()
    except EvalError as error:
        return showing(tab, str(error))
    tab.forget_images()
    return showing(tab)


def settle(tab: Tab, system: str, temperature: float | None, longest: float | None, drops_oldest: bool) -> None:
    """Set how the next answers are made; a number that is deleted is the default."""
    tab.session.set_system(system or "")
    decoding = Decoding(max(1, int(longest or Decoding.max_new_tokens)), max(0.0, float(temperature or 0)))
    tab.session.decoding = decoding
    tab.session.drops_oldest = bool(drops_oldest)


def packed(tab: Tab) -> tuple[str, str]:
    """Return the saved chat as base64 of a zip file, and a message if there is nothing to save."""
    try:
        return base64.b64encode(tab.session.archive()).decode(), ""
    except EvalError as error:
        return "", message(str(error))


def dicom(
    tab: Tab, path: str | None, frame: float | None, centre: float | None, width: float | None
) -> tuple[str, int]:
    """Set how a DICOM file is shown; return its preview, and the number of its last frame.

    Without centre or width the window is the file's own.
    """
    if not path:
        return "", 0
    window = None if centre is None or width is None else (float(centre), float(width))
    tab.views[path] = View(None if frame is None or frame < 0 else int(frame), window)
    try:
        image = tab.preview(path)
    except EvalError as error:
        return message(str(error)), 0
    return picture(image), image.frames - 1


def _guarded(tab: Tab, asked: Callable[[], Iterator[Part]]) -> Iterator[Shown]:
    try:
        yield from _streamed(tab, asked())
    except EvalError as error:
        yield showing(tab, str(error))


def _streamed(tab: Tab, parts: Iterator[Part], question: Any = NOT_CHANGED) -> Iterator[Shown]:
    """Show answers as they grow; the answer of a lane is in its conversation only when it has ended."""
    told: dict[int, str] = {}
    for part in parts:
        told[part.lane] = _told(tab, part)
        shown = showing(tab, "\n".join(filter(None, told.values())), question)
        if part.answer.text or not part.answer.finish_reason:
            text = part.answer.text or COMING
            shown[2 + part.lane].append({"role": "assistant", "content": [text_part(text)]})
        yield shown
        question = NOT_CHANGED
    yield showing(tab, "\n".join(filter(None, told.values())), question)


def _told(tab: Tab, part: Part) -> str:
    """What is said of an answer beside its text, with the model's name where there are several."""
    ending = ENDINGS.get(part.answer.finish_reason, "")
    said = " ".join(filter(None, [part.note, part.answer.error, f"The answer was {ending}." if ending else ""]))
    several = len(tab.session.lanes) > 1
    return f"{tab.session.lanes[part.lane].talker.name}: {said}" if said and several else said
