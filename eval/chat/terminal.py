"""A chat in the terminal: a line is a question, or a command that begins with a slash."""

from __future__ import annotations

import io
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from data_prep.counted import counted
from eval.chat.attachment import Attachment, View, attach
from eval.chat.session import Part, Session
from eval.chat.talker import STOPPED
from eval.chat.text import printable
from eval.chat.warning import WARNING
from eval.errors import EvalError

HELP = """\
/image PATH [frame N] [window CENTRE WIDTH]   show an image with the next question; frame and window are for DICOM
/system TEXT     set the system text; without TEXT the checkpoint's own is used
/regenerate      ask the last question again
/edit TEXT       change the last question, and ask it again
/undo            take back the images that wait for a question, else the last question and its answer
/drop            remove the oldest question and its answer
/new             begin anew
/save FILE.json  write the conversation as a row that `source: messages` of a mixture reads
/help, /quit     Ctrl-C stops an answer; what came of it is kept"""


class Terminal:
    """Reads lines and prints answers as they grow."""

    def __init__(self, session: Session, read: Callable[[str], str] = input) -> None:
        _prepare_streams()
        self.session = session
        self._read = read
        self._images: list[Attachment] = []
        self._commands: dict[str, Callable[[str], None]] = {
            "image": self._image,
            "system": session.set_system,
            "regenerate": lambda _: self._print(self.session.regenerate()),
            "edit": lambda text: self._print(self.session.edit(text)),
            "undo": lambda _: self._undo(),
            "drop": lambda _: self.session.drop_oldest(),
            "new": lambda _: self._new(),
            "save": self._save,
            "help": lambda _: print(HELP),
        }

    def run(self) -> None:
        """Chat until /quit, the end of the input, or Ctrl-C at the prompt."""
        print(f"{WARNING['en']}\n{WARNING['ar']}\n/help lists the commands, /quit ends.")
        while True:
            try:
                line = self._read(self._prompt())
            except (EOFError, KeyboardInterrupt):
                print()
                return
            if line.strip() == "/quit":
                return
            try:
                self._do(line)
            except EvalError as error:
                _tell(f"error: {error}")
            except KeyboardInterrupt:
                print(" [stopped]")

    def _prompt(self) -> str:
        number = len(self._images)
        return f"[{counted(number, 'image')}] > " if number else "> "

    def _do(self, line: str) -> None:
        if not line.strip() and not self._images:
            return
        if not line.startswith("/"):
            images, self._images = self._images, []
            self._print(self.session.ask(line, images))
            return
        name, _, rest = line[1:].partition(" ")
        if name not in self._commands:
            raise EvalError(f"/{name} is no command; /help lists them. A question may begin with a space and a slash.")
        self._commands[name](rest.strip())

    def _print(self, parts: Iterator[Part]) -> None:
        """Print answers as they grow; Ctrl-C stops them."""
        lane, printed, note = -1, "", ""
        while True:
            try:
                part = next(parts, None)
                if part is None:
                    break
                if part.note and part.note != note:
                    note = part.note
                    _tell(f"({note})")
                if part.lane != lane:
                    lane, printed = part.lane, ""
                    self._head(lane)
                printed = _print_rest(part.answer.text, printed)
                if part.answer.finish_reason:
                    print(_ending(part))
                if part.answer.error:
                    _tell(f"error: {part.answer.error}")
            except KeyboardInterrupt:
                self.session.stop()
                print(" [stopped]")

    def _head(self, lane: int) -> None:
        if len(self.session.lanes) > 1:
            print(printable(f"{self.session.lanes[lane].talker.name}:"))

    def _image(self, text: str) -> None:
        self.session.check_images()
        path, view = _path_and_view(text)
        image = attach(path, view)
        self._images.append(image)
        size = "x".join(map(str, image.decoded.image.size))
        note = f", {image.note}" if image.note else ""
        print(printable(f"{image.name}: {size}{note}. It goes with the next question."))

    def _new(self) -> None:
        self.session.clear()
        self._images = []

    def _undo(self) -> None:
        if self._images:
            self._images = []
        else:
            self.session.undo()

    def _save(self, text: str) -> None:
        if not text.endswith(".json"):
            raise EvalError("/save takes the name of a file that ends in .json.")
        path = _path(text)
        images = self.session.save(path)
        print(printable(f"{path}{f', images in {images}' if images.is_dir() else ''}"))


def _prepare_streams() -> None:
    """Let a line be edited, of any length, and pasted with several lines in it; take and show what is not UTF-8."""
    with suppress(ImportError):  # not on Windows
        import readline  # noqa: F401 (input() reads by it once it is imported)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _tell(line: str) -> None:
    print(printable(line), file=sys.stderr)


def _print_rest(text: str, printed: str) -> str:
    """Print what is new of a text; where its beginning has changed, all of it on a new line."""
    shown = printable(text)
    if not shown.startswith(printed):
        print()
        printed = ""
    print(shown[len(printed) :], end="", flush=True)
    return shown


def _ending(part: Part) -> str:
    reasons = {STOPPED: " [stopped]", "length": " [cut at the longest answer; --max-new-tokens]"}
    return reasons.get(part.answer.finish_reason, "")


def _path_and_view(text: str) -> tuple[Path, View]:
    """Read the arguments of /image. Raises EvalError."""
    usage = EvalError("/image PATH [frame N] [window CENTRE WIDTH]; a path with spaces is put in quotes.")
    try:
        path, *rest = shlex.split(text)
        frame, window = None, None
        while rest:
            name = rest.pop(0)
            if name == "frame":
                frame = int(rest.pop(0))
            elif name == "window":
                window = (float(rest.pop(0)), float(rest.pop(0)))
            else:
                raise usage
    except (ValueError, IndexError):
        raise usage from None
    return _path(path), View(frame, window)


def _path(text: str) -> Path:
    """Return the path that was typed. Raises EvalError."""
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        raise EvalError(f"{text}: there is no such user.") from None
    if "\0" in text:
        raise EvalError("A path has no NUL character in it.")
    return path
