"""Steps of the Makefile: each runs a command, keeps its output in a log, and prints a title, progress and result.

    python -m bimedix2_plugin.steps run 4/7 "stage 1: the projector" --log outputs/logs/stage1.log -- axolotl train …
    python -m bimedix2_plugin.steps times outputs/logs/quickstart.jsonl

Progress is what the trainer writes to the file that the environment variable BIMEDIX2_PROGRESS names, or, before and
without a trainer, the log's last progress bar. On a terminal one line is rewritten; elsewhere lines are rare.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

PROGRESS = "BIMEDIX2_PROGRESS"
_TAIL = 15  # lines of the log that are shown when a step fails; one, if the step has shown a result
_POLL, _RARE = 0.25, 60.0  # seconds between looks; at least as many between lines where there is no terminal
_BAR = re.compile(r"\d+%\||\d+/\d+ ")
_END = 8192  # bytes at the end of a log in which its last lines are looked for


def write_progress(step: int, steps: int, loss: float | None) -> None:
    """Write the trainer's progress, if a step waits for it."""
    name = os.environ.get(PROGRESS)
    if name:
        partial = Path(f"{name}.partial")
        partial.write_text(json.dumps({"step": step, "steps": steps, "loss": loss}), encoding="utf-8")
        partial.replace(name)


class Display:
    """The line that shows how far a command is.

    Args:
        out: where to print; one line is rewritten if it is a terminal.
        progress: the file that the trainer writes.
        log: the command's output.
    """

    def __init__(self, out: IO[str], progress: Path, log: Path) -> None:
        self.out, self.progress, self.log = out, progress, log
        self.terminal = out.isatty()
        self.begin = log.stat().st_size if log.is_file() else 0
        self._start = self._said = time.monotonic()
        self._first: tuple[float, int] | None = None
        self._tenth = 0

    def update(self) -> None:
        """Look at the progress, and show it if it is time."""
        now = time.monotonic()
        trained = self._trained(now)
        if self.terminal:
            text = trained[0] if trained else (self._bar() or f"running for {duration(now - self._start)}")
            width = shutil.get_terminal_size().columns
            self.out.write(f"\r   {text}"[: max(10, width - 1)] + "\x1b[K")
            self.out.flush()
        elif trained and trained[1] > self._tenth and now - self._said >= _RARE:
            self._tenth, self._said = trained[1], now
            print(f"   {trained[0]}", file=self.out, flush=True)

    def clear(self) -> None:
        """Remove the rewritten line."""
        if self.terminal:
            self.out.write("\r\x1b[K")
            self.out.flush()

    def _trained(self, now: float) -> tuple[str, int] | None:
        """Return the trainer's progress as text, and in tenths."""
        try:
            told = json.loads(self.progress.read_text(encoding="utf-8"))
            step, steps = int(told["step"]), max(1, int(told["steps"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        self._first = self._first or (now, step)
        began, first = self._first
        text = f"step {step} of {steps}"
        if told.get("loss") is not None:
            text += f", loss {float(told['loss']):.3g}"
        if step > first:
            text += f", about {duration((now - began) / (step - first) * (steps - step))} left"
        return text, step * 10 // steps

    def _bar(self) -> str | None:
        return next((line for line in reversed(last_lines(self.log, self.begin)) if _BAR.search(line)), None)


def last_lines(log: Path, begin: int = 0) -> list[str]:
    """Return the lines at the end of a log, from byte `begin`; of a line that was rewritten, its last state."""
    try:
        with log.open("rb") as file:
            file.seek(max(begin, log.stat().st_size - _END))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    lines = [line.rstrip("\r").rpartition("\r")[2].rstrip() for line in text.split("\n")]
    return [line for line in lines if line.strip()]


def duration(seconds: float) -> str:
    """Return a duration as a person says it: 40 s, 12 min 05 s, 3 h 20 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def run(options: argparse.Namespace) -> int:
    """Run a step's command; return its exit code, 128 + n if signal n ended it."""
    place = f"{options.number.replace('/', ' of ')}, {options.title}"
    print(place + (f", about {options.about}" if options.about else ""), flush=True)
    options.log.parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch, options.log.open("ab") as log, tempfile.TemporaryFile() as result:
        log.write(f"\n=== {time.strftime('%Y-%m-%d %H:%M:%S')} {shlex.join(options.command)}\n".encode())
        log.flush()
        progress = Path(scratch) / "progress.json"
        display = Display(sys.stdout, progress, options.log)
        code = _wait(options.command, progress, result if options.show else log, log, display)
        display.clear()
        result.seek(0)
        print(result.read().decode("utf-8", errors="replace"), end="", flush=True)
    seconds = time.monotonic() - start
    if code == 0:
        print(f"   done in {duration(seconds)}" + (f": {options.made}" if options.made else ""), flush=True)
        _note(options, seconds)
    elif code in (128 + signal.SIGINT, 128 + signal.SIGTERM):
        print(f"   interrupted after {duration(seconds)}; the same command resumes. Log: {options.log}", flush=True)
    else:
        tail = last_lines(options.log, display.begin)[-1 if options.show else -_TAIL :]
        lines = "\n".join(f"   | {line}" for line in tail)
        print(f"{lines}\n{place}: failed with exit code {code}. All of its output: {options.log}", file=sys.stderr)
    return code


def _wait(command: Sequence[str], progress: Path, output: IO[bytes], log: IO[bytes], display: Display) -> int:
    """Start the command in a group of its own, pass signals on to all of it, and show its progress until it ends."""
    signals: list[int] = []
    caught = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup ignores it, for a run to outlive its terminal
        caught.append(signal.SIGHUP)
    before = {number: signal.signal(number, lambda number, _: signals.append(number)) for number in caught}
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=log,
            env={**os.environ, PROGRESS: str(progress)},
            start_new_session=True,
        )
        sent = 0
        while child.poll() is None:
            for number in signals[sent:]:
                _signal(child, number)
            sent = len(signals)
            display.update()
            with suppress(subprocess.TimeoutExpired):
                child.wait(_POLL)
        for number in signals[sent:]:
            _signal(child, number)
    except OSError as error:
        log.write(f"{error}\n".encode())
        return 127
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if signals:
        return 128 + signals[0]
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _signal(child: subprocess.Popen[Any], number: int) -> None:
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        return


def _note(options: argparse.Namespace, seconds: float) -> None:
    if options.times:
        options.times.parent.mkdir(parents=True, exist_ok=True)
        with options.times.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"title": options.title, "seconds": round(seconds, 1)}) + "\n")


def times(file: Path) -> str:
    """Return the table of the times that steps noted; several runs of a step are added up."""
    total: dict[str, float] = {}
    for line in file.read_text(encoding="utf-8").splitlines() if file.is_file() else []:
        entry = json.loads(line)
        total[entry["title"]] = total.get(entry["title"], 0.0) + float(entry["seconds"])
    rows = [*total.items(), ("together", sum(total.values()))]
    return "\n".join(f"{duration(seconds):>14}  {title}" for title, seconds in rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the two verbs of this module."""
    parser = argparse.ArgumentParser(prog="python -m bimedix2_plugin.steps", description=run.__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    step = verbs.add_parser("run", help="run a step's command")
    step.add_argument("number", help="its place, such as 3/7")
    step.add_argument("title")
    step.add_argument("--about", help="how long it takes")
    step.add_argument("--made", help="what it makes, and where")
    step.add_argument("--log", type=Path, required=True, help="file for the command's output; it is appended to")
    step.add_argument("--times", type=Path, help="file to note the step's time in")
    step.add_argument(
        "--show", action="store_true", help="the command's standard output is its result: print it at the end"
    )
    step.add_argument("command", nargs="+", help="after --")
    table = verbs.add_parser("times", help="print the table of times")
    table.add_argument("file", type=Path)
    options = parser.parse_args(arguments)
    if options.verb == "run":
        return run(options)
    print(times(options.file))
    return 0


if __name__ == "__main__":
    sys.exit(main())
