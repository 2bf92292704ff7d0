"""The page: conversations, the question's field, DICOM files, settings. Nothing is kept on disk, or leaves here."""

import inspect
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from data_prep import local_page
from eval.chat.session import Session
from eval.chat.warning import WARNING
from eval.chat.web import handlers
from eval.chat.web.examples import EXAMPLES
from eval.chat.web.private_folder import private_folder
from eval.chat.web.tab import Tab, Tabs
from eval.errors import EvalError

_HERE = Path(__file__).parent
_WARNING = f'<p lang="en" dir="ltr">{WARNING["en"]}</p><p lang="ar" dir="rtl">{WARNING["ar"]}</p>'
_DOWNLOAD = """(data) => {
  if (!data) return;
  const link = document.createElement('a');
  link.href = 'data:application/zip;base64,' + data;
  link.download = 'chat.zip';
  link.click();
}"""
_DARK = "() => { document.body.classList.toggle('dark'); }"


def serve(
    new_session: Callable[[], Session],
    address: tuple[str, int],
    login: Callable[[str, str], bool] | None,
) -> None:
    """Serve the page until the process is interrupted, terminated or hung up on; each tab has a session of its own.

    Raises:
        EvalError: the port is in use, or the host is not this machine's.
    """
    before = {number: signal.signal(number, lambda *_: sys.exit(0)) for number in local_page.ending_signals()}
    try:
        with private_folder() as uploads:
            os.environ["GRADIO_TEMP_DIR"] = str(uploads)  # gradio reads it when it is imported
            css = (_HERE / "page.css").read_text(encoding="utf-8")
            local_page.serve(build(new_session, uploads), address, _started, css, login)
    except local_page.PageError as error:
        raise EvalError(str(error)) from None
    except KeyboardInterrupt:
        print()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _started(url: str) -> None:
    print(f"chat: open {url} in a browser; Ctrl-C ends, and nothing is kept but what you saved", flush=True)


def build(new_session: Callable[[], Session], uploads: Path) -> Any:
    """Return gradio's page."""
    local_page.without_analytics()
    import gradio

    sample, tabs = new_session(), Tabs(new_session, uploads)

    def left(request: gradio.Request) -> None:
        tabs.close(str(request.session_hash))

    with gradio.Blocks(title="Chat", analytics_enabled=False, fill_width=True) as page:
        gradio.HTML(_WARNING, elem_id="warning")
        with gradio.Row(elem_id="lanes"):
            chats = [_chatbot(gradio, lane.talker.name) for lane in sample.lanes]
        status = gradio.HTML("", elem_id="status")
        question = gradio.MultimodalTextbox(
            elem_id="question",
            show_label=False,
            file_count="multiple",
            lines=1,
            max_lines=8,
            placeholder="Question, images, DICOM files / سؤال وصور وملفات DICOM",
        )
        shown = [question, status, *chats]
        _dicom_panel(gradio, tabs, question)
        with gradio.Row(elem_id="buttons"):
            names = ("Stop", "Regenerate", "Undo", "Drop oldest", "New", "Save", "Dark / light")
            buttons = {name: gradio.Button(name, size="sm") for name in names}
        _settings_panel(gradio, tabs, sample)
        _connect(gradio, tabs, shown, buttons)
        page.unload(left)
    return page


def _chatbot(gradio: Any, name: str) -> Any:
    return gradio.Chatbot(
        label=name,
        height="55vh",
        render_markdown=False,  # text is shown as it is, without links to images of other servers
        editable="all",
        buttons=["copy"],
        feedback_options=None,
        group_consecutive_messages=False,
        examples=[{"text": text} for text in EXAMPLES],
    )


def _connect(gradio: Any, tabs: Tabs, shown: list[Any], buttons: dict[str, Any]) -> None:
    question, status, *chats = shown
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    stream = quiet | {"outputs": shown, "concurrency_limit": None}
    of_tab = partial(_of_tab, gradio, tabs)
    question.submit(of_tab(handlers.send), question, **stream)
    buttons["Regenerate"].click(of_tab(handlers.regenerate), None, **stream)
    for lane, chat in enumerate(chats):
        chat.edit(_edit(gradio, tabs, lane), None, **stream)

        def example(event: gradio.SelectData) -> dict[str, Any]:
            return {"text": event.value["text"], "files": []}

        chat.clear(of_tab(partial(_change, Session.clear)), None, shown, **(quiet | {"queue": False}))
        chat.example_select(example, outputs=question, **quiet)
    at_once = quiet | {"queue": False}
    buttons["Stop"].click(of_tab(lambda tab: tab.session.stop()), **at_once)
    for name, deed in (("Undo", Session.undo), ("Drop oldest", Session.drop_oldest), ("New", Session.clear)):
        buttons[name].click(of_tab(partial(_change, deed)), None, shown, **at_once)
    saved = gradio.Textbox(visible="hidden")
    buttons["Save"].click(of_tab(handlers.packed), None, [saved, status], **at_once).then(
        None, saved, None, js=_DOWNLOAD, **quiet
    )
    buttons["Dark / light"].click(None, js=_DARK, **quiet)


def _of_tab(gradio: Any, tabs: Tabs, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a handler that calls a function with the tab of the request before the inputs' values."""

    def once(request: gradio.Request, *values: Any) -> Any:
        return function(tabs.of(str(request.session_hash)), *values)

    def stream(request: gradio.Request, *values: Any) -> Any:
        yield from function(tabs.of(str(request.session_hash)), *values)

    return stream if inspect.isgeneratorfunction(function) else once


def _edit(gradio: Any, tabs: Tabs, lane: int) -> Callable[..., Any]:
    def edit(request: gradio.Request, event: gradio.EditData) -> Any:
        place = event.index[0] if isinstance(event.index, (list, tuple)) else event.index
        yield from handlers.edit(tabs.of(str(request.session_hash)), lane, place, str(event.value))

    return edit


def _change(deed: Callable[[Session], None], tab: Tab) -> Any:
    return handlers.change(tab, lambda: deed(tab.session))


def _dicom_panel(gradio: Any, tabs: Tabs, question: Any) -> None:
    """Window and frame of the DICOM files that are in the question's field."""
    with gradio.Group(visible=False, elem_id="dicom") as panel:
        picture = gradio.HTML("")
        file = gradio.Dropdown([], label="DICOM file")
        with gradio.Row():
            frame = gradio.Slider(0, 1, step=1, label="Frame")
            centre = gradio.Number(None, label="Window centre")
            width = gradio.Number(None, label="Window width", minimum=0)

    def files_changed(tab: Tab, question: dict[str, Any], path: str | None) -> Any:
        try:
            uploaded = [str(each) for each in question.get("files") or []]
            tab.hold(uploaded)
            paths = tab.dicom_files(uploaded)
        except EvalError:
            paths = []
        path = path if path in paths else next(iter(paths), None)
        choices = [(Path(each).name, each) for each in paths]
        return gradio.update(visible=bool(paths)), gradio.update(choices=choices, value=path)

    def chosen(tab: Tab, path: str | None) -> Any:
        preview, last = handlers.dicom(tab, path, -1, None, None)
        return preview, gradio.update(value=(last + 1) // 2, maximum=max(last, 1), visible=last > 0), None, None

    def looked(tab: Tab, *view: Any) -> str:
        return handlers.dicom(tab, *view)[0]

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    of_tab = partial(_of_tab, gradio, tabs)
    question.change(of_tab(files_changed), [question, file], [panel, file], **quiet)
    file.change(of_tab(chosen), file, [picture, frame, centre, width], **quiet)
    for control in (frame, centre, width):
        control.input(of_tab(looked), [file, frame, centre, width], picture, trigger_mode="always_last", **quiet)


def _settings_panel(gradio: Any, tabs: Tabs, sample: Session) -> None:
    with gradio.Accordion("Settings", open=False):
        system = gradio.Textbox(
            sample.lanes[0].conversation.system, label="System text (empty: the checkpoint's own)", elem_id="system"
        )
        with gradio.Row():
            temperature = gradio.Slider(0, 2, sample.decoding.temperature, step=0.05, label="Temperature (0: greedy)")
            longest = gradio.Number(sample.decoding.max_new_tokens, label="Longest answer, tokens", minimum=1)
            drops = gradio.Checkbox(sample.drops_oldest, label="Drop the oldest turns when the context is full")
    settings = [system, temperature, longest, drops]
    for control in settings:
        control.change(
            _of_tab(gradio, tabs, handlers.settle),
            settings,
            show_progress="hidden",
            api_visibility="private",
            queue=False,
        )
