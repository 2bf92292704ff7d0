"""The page: conversations, the question's field, DICOM files, settings. Nothing is kept on disk, or leaves here."""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from data_prep import local_page
from eval.chat.session import Session
from eval.chat.warning import WARNING
from eval.chat.web import handlers
from eval.chat.web.examples import EXAMPLES
from eval.chat.web.tab import Tab
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
    """Serve the page until the process is interrupted or terminated; each tab has a session of its own.

    Raises:
        EvalError: the port is in use, or the host is not this machine's.
    """
    uploads = Path(tempfile.mkdtemp(prefix="chat-"))  # readable by this user alone
    os.environ["GRADIO_TEMP_DIR"] = str(uploads)  # gradio reads it when it is imported
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        css = (_HERE / "page.css").read_text(encoding="utf-8")
        local_page.serve(build(new_session, uploads), address, _started, css, login)
    except local_page.PageError as error:
        raise EvalError(str(error)) from None
    except KeyboardInterrupt:
        print()
    finally:
        signal.signal(signal.SIGTERM, before)
        shutil.rmtree(uploads, ignore_errors=True)


def _started(url: str) -> None:
    print(f"chat: open {url} in a browser; Ctrl-C ends, and nothing is kept but what you saved", flush=True)


def build(new_session: Callable[[], Session], uploads: Path) -> Any:
    """Return gradio's page."""
    local_page.without_analytics()
    import gradio

    sample = new_session()
    with gradio.Blocks(title="Chat", analytics_enabled=False, fill_width=True) as page:
        tab = gradio.State(lambda: Tab(new_session(), uploads), delete_callback=Tab.close)
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
        _dicom_panel(gradio, tab, question)
        with gradio.Row(elem_id="buttons"):
            names = ("Stop", "Regenerate", "Undo", "Drop oldest", "New", "Save", "Dark / light")
            buttons = {name: gradio.Button(name, size="sm") for name in names}
        _settings_panel(gradio, tab, sample)
        _connect(gradio, tab, shown, buttons)
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


def _connect(gradio: Any, tab: Any, shown: list[Any], buttons: dict[str, Any]) -> None:
    question, status, *chats = shown
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    stream = quiet | {"outputs": shown, "concurrency_limit": None}
    question.submit(handlers.send, [tab, question], **stream)
    buttons["Regenerate"].click(handlers.regenerate, tab, **stream)
    for lane, chat in enumerate(chats):

        def edit(tab: Tab, event: gradio.EditData, lane: int = lane) -> Any:
            place = event.index[0] if isinstance(event.index, (list, tuple)) else event.index
            yield from handlers.edit(tab, lane, place, str(event.value))

        def example(event: gradio.SelectData) -> dict[str, Any]:
            return {"text": event.value["text"], "files": []}

        chat.edit(edit, tab, **stream)
        chat.clear(partial(_change, Session.clear), tab, shown, **(quiet | {"queue": False}))
        chat.example_select(example, outputs=question, **quiet)
    at_once = quiet | {"queue": False}
    buttons["Stop"].click(lambda tab: tab.session.stop(), tab, **at_once)
    for name, deed in (("Undo", Session.undo), ("Drop oldest", Session.drop_oldest), ("New", Session.clear)):
        buttons[name].click(partial(_change, deed), tab, shown, **at_once)
    saved = gradio.Textbox(visible="hidden")
    buttons["Save"].click(handlers.packed, tab, [saved, status], **at_once).then(
        None, saved, None, js=_DOWNLOAD, **quiet
    )
    buttons["Dark / light"].click(None, js=_DARK, **quiet)


def _change(deed: Callable[[Session], None], tab: Tab) -> Any:
    return handlers.change(tab, lambda: deed(tab.session))


def _dicom_panel(gradio: Any, tab: Any, question: Any) -> None:
    """Window and frame of the DICOM files that are in the question's field."""
    with gradio.Group(visible=False, elem_id="dicom") as panel:
        picture = gradio.HTML("")
        file = gradio.Dropdown([], label="DICOM file")
        with gradio.Row():
            frame = gradio.Slider(0, 1, step=1, label="Frame")
            centre = gradio.Number(None, label="Window centre")
            width = gradio.Number(None, label="Window width", minimum=0)

    def uploaded(tab: Tab, question: dict[str, Any], path: str | None) -> Any:
        try:
            paths = tab.dicom_files([str(each) for each in question.get("files") or []])
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
    question.change(uploaded, [tab, question, file], [panel, file], **quiet)
    file.change(chosen, [tab, file], [picture, frame, centre, width], **quiet)
    for control in (frame, centre, width):
        control.input(looked, [tab, file, frame, centre, width], picture, trigger_mode="always_last", **quiet)


def _settings_panel(gradio: Any, tab: Any, sample: Session) -> None:
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
        control.change(handlers.settle, [tab, *settings], show_progress="hidden", api_visibility="private", queue=False)
