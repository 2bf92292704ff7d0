"""A chat in the terminal: a line is a question, or a command that begins with a slash."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from eval.chat.attachment import Attachment, View, attach
from eval.chat.session import Part, Session
from eval.chat.talker import STOPPED
from eval.chat.warning import WARNING
from eval.errors import EvalError

HELP = """\
/image PATH [frame N] [window CENTRE WIDTH]   show an image with the next question; frame and window are for DICOM
/system TEXT     set the system text; without TEXT the checkpoint's own is used
/regenerate      ask the last question again
/edit TEXT       change the last question, and ask it again
/undo            take back the last question and its answer
/drop            remove the oldest question and its answer
/new             begin anew
/save FILE.json  write the conversation as a row that `source: messages` of a mixture reads
/help, /quit     Ctrl-C stops an answer; what came of it is kept"""


class Terminal:
    """Reads lines and prints answers as they grow."""

    def __init__(self, session: Session, read: Callable[[str], str] = input) -> None:
        self.session = session
        self._read = read
        self._images: list[Attachment] = []
        self._commands: dict[str, Callable[[str], None]] = {
            "image": self._image,
            "system": session.set_system,
            "regenerate": lambda _: self._print(self.session.regenerate()),
            "edit": lambda text: self._print(self.session.edit(text)),
            "undo": lambda _: self.session.undo(),
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
                line = self._read(f"[{len(self._images)} images] > " if self._images else "> ")
            except (EOFError, KeyboardInterrupt):
                print()
                return
            if line.strip() == "/quit":
                return
            try:
                self._do(line)
            except EvalError as error:
                print(f"error: {error}", file=sys.stderr)

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
                if part.note != note:
                    note = part.note
                    print(f"({note})", file=sys.stderr)
                if part.lane != lane:
                    lane, printed = part.lane, ""
                    self._head(lane)
                printed = _print_rest(part.answer.text, printed)
                if part.answer.finish_reason:
                    print(_ending(part))
                if part.answer.error:
                    print(f"error: {part.answer.error}", file=sys.stderr)
            except KeyboardInterrupt:
                self.session.stop()
                print(" [stopped]")

    def _head(self, lane: int) -> None:
        if len(self.session.lanes) > 1:
            print(f"{self.session.lanes[lane].talker.name}:")

    def _image(self, text: str) -> None:
        self.session.check_images()
        path, view = _path_and_view(text)
        image = attach(path, view)
        self._images.append(image)
        size = "x".join(map(str, image.decoded.image.size))
        print(f"{image.name}: {size}{', ' + image.note if image.note else ''}. It goes with the next question.")

    def _new(self) -> None:
        self.session.clear()
        self._images = []

    def _save(self, text: str) -> None:
        if not text.endswith(".json"):
            raise EvalError("/save takes the name of a file that ends in .json.")
        path = Path(text).expanduser()
        images = self.session.save(path)
        print(f"{path}{f', images in {images}' if images.is_dir() else ''}")


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


def printable(text: str) -> str:
    """Return a text without control characters, which could move the cursor or rename the window."""
    return "".join(letter for letter in text if letter in "\n\t" or (letter >= " " and not "\x7f" <= letter <= "\x9f"))


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
    return Path(path).expanduser(), View(frame, window)
