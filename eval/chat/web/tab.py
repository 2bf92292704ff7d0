"""What belongs to one tab of the browser: its chat, the files that it shows, how its DICOM files are shown."""

from __future__ import annotations

import re
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from data_prep.images.data_url import data_url
from data_prep.local_page import safe
from eval.chat.attachment import Attachment, View, attach, is_dicom
from eval.chat.conversation import Turn
from eval.chat.session import Session
from eval.chat.text import without_overrides
from eval.chat.web.uploads import Uploads

_JOINER = "\u2060"


class Tab:
    """A chat in one tab; images that were sent are in a folder of its own, which `close` removes.

    Attributes:
        session: the chat.
        closed: whether the browser has left it; there are no files then.
        views: of the DICOM files that are uploaded and not yet sent, by path.
    """

    def __init__(self, session: Session, uploads: Uploads) -> None:
        self.session, self.closed = session, False
        self.views: dict[str, View] = {}
        self._uploads = uploads
        self._folder = Path(tempfile.mkdtemp(dir=uploads.folder, prefix="tab-"))

    def close(self) -> None:
        """End what is being written, and remove the files."""
        self.closed = True
        self.session.stop()
        self._uploads.hold(self, [])
        shutil.rmtree(self._folder, ignore_errors=True)

    def forget_images(self) -> None:
        """Remove the files of images that are in no conversation any more."""
        used = {image.key for lane in self.session.lanes for image in lane.conversation.images()}
        for file in self._folder.iterdir():
            if file.stem not in used:
                file.unlink()

    def hold(self, paths: list[str]) -> None:
        """Note which files are in the question's field. Raises EvalError for a file that was not uploaded."""
        self._uploads.hold(self, [self._uploads.path(path) for path in paths])
        self.views = {path: view for path, view in self.views.items() if path in paths}

    def dicom_files(self, paths: list[str]) -> list[str]:
        """Return those of the uploaded files that are DICOM. Raises EvalError for a file that was not uploaded."""
        return [path for path in paths if self._uploads.path(path).is_file() and is_dicom(Path(path))]

    def preview(self, path: str) -> Attachment:
        """Return an uploaded file as it will be sent. Raises EvalError."""
        return attach(self._uploads.path(path), self.views.get(path, View()))

    def attached(self, paths: list[str]) -> list[Attachment]:
        """Return uploaded files as attachments. Raises EvalError if one cannot be shown, or the models see none."""
        if paths:
            self.session.check_images()
        return [self.preview(path) for path in paths]

    def messages(self, lane: int) -> list[dict[str, Any]]:
        """Return a lane's conversation as gradio's chatbot takes it, a message for each turn."""
        turns = [] if self.closed else self.session.lanes[lane].conversation.turns
        return [{"role": turn.role, "content": self._content(turn)} for turn in turns]

    def _content(self, turn: Turn) -> list[dict[str, Any]]:
        files = [{"path": str(self._file(image)), "alt_text": image.name} for image in turn.images]
        return [*files, *([text_part(turn.text)] if turn.text else [])]

    def _file(self, image: Attachment) -> Path:
        path = self._folder / (image.key + image.suffix)
        if not path.is_file():
            path.write_bytes(image.content)
        return path


class Tabs:
    """The open tabs by gradio's session; a tab is made when it is first asked for."""

    def __init__(self, new_session: Callable[[], Session], uploads: Path) -> None:
        self._new_session, self._uploads = new_session, Uploads(uploads)
        self._tabs: dict[str, Tab] = {}
        self._lock = threading.Lock()

    def of(self, session: str) -> Tab:
        """Return the tab of a session."""
        with self._lock:
            if session not in self._tabs:
                self._tabs[session] = Tab(self._new_session(), self._uploads)
            return self._tabs[session]

    def close(self, session: str) -> None:
        """Close a tab that the browser has left."""
        with self._lock:
            tab = self._tabs.pop(session, None)
        if tab is not None:
            tab.close()


def text_part(text: str) -> dict[str, Any]:
    """Return a text as a part of gradio's message, which takes it for HTML.

    An invisible letter after each sign that HTML acts on makes it a sign like any other; `without_joiners` undoes it.
    Escaping would not do: the button that copies a message and the field that edits it show the escapes.
    """
    return {"type": "text", "text": re.sub("[<&]", lambda found: found[0] + _JOINER, without_overrides(text))}


def without_joiners(text: str) -> str:
    """Return an edited message as it was typed."""
    return re.sub(f"([<&]){_JOINER}", r"\1", text)


def picture(image: Attachment) -> str:
    """Return HTML that shows an image, and how it was made of a DICOM file."""
    caption = f"<figcaption>{safe(image.note)}</figcaption>"
    return f'<figure><img alt="{safe(image.name)}" src="{data_url(image.content)}">{caption}</figure>'


def message(text: str) -> str:
    """Return HTML that shows a message; empty for an empty text."""
    return f'<p role="alert" dir="auto">{safe(without_overrides(text))}</p>' if text else ""
