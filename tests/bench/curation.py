"""What curation adds to the server's own time, and the memory of many rows: `make bench`.

A scripted server on this machine, in a process of its own, answers each request after a fixed time. The time that the
server alone needs is rows x seconds / concurrency; all that a run takes beyond it, from the first request to the last
reply and from there to the finished dataset, is the pipeline's. The memory is that of a run of its own, over rows whose
replies come at once. Nothing here is asserted.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from data_prep import mixture_file
from data_prep.build import build
from tests.helpers.scripted_server import PIECE, Answer, ScriptedServer, last_text

_RECIPE = Path(__file__).parents[2] / "recipes" / "curation" / "translate_ar.yml"


def main() -> None:
    """Run a translation over a slow server, then one over a fast one; print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000, help="rows of the run that is timed")
    parser.add_argument("--many", type=int, default=100_000, help="rows of the run whose memory is measured; 0: none")
    parser.add_argument("--seconds", type=float, default=1.0, help="that the server takes for a reply")
    parser.add_argument("--concurrency", type=int, default=32)
    options = parser.parse_args()
    print(f"{'rows':>8}{'server s':>10}{'run s':>10}{'added':>8}{'peak GB':>9}")
    for rows, seconds in ((options.rows, options.seconds), (options.many, 0.0)):
        if rows:
            took, memory = _measured(rows, seconds, options.concurrency)
            server = rows * seconds / options.concurrency
            added = f"{took / server - 1:.1%}" if server else "-"
            print(f"{rows:8,}{server:10.1f}{took:10.1f}{added:>8}{memory:9.2f}", flush=True)


def _measured(rows: int, seconds: float, concurrency: int) -> tuple[float, float]:
    """Seconds of the command line, less those of one that makes no call over one row, and its peak memory in GB."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        _dataset(folder, rows)
        here, there = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(target=_serve, args=(there, seconds))
        process.start()
        step = _step(folder, here.recv(), concurrency)
        start_up, _ = _run(["curate", step, "--estimate", "--limit", 1])
        took, memory = _run(["curate", step, "--out", folder / "out"])
        made = json.loads((folder / "out" / "manifest.json").read_text())
        waiting = made["curation"]["review_waiting"]
        if made["written"] != rows or waiting:
            sys.exit(f"{rows} rows, {made['written']} written, {waiting} of them failed a check")
        process.terminate()
        process.join()
    return took - start_up, memory


_QUESTION = (
    "What does slice {n} of the series show, and is the liver of usual size?",
    "ماذا تُظهر الشريحة {n} من السلسلة، وهل حجم الكبد معتاد؟",
)
_ANSWER = (
    "Slice {n} shows the liver of usual size, without a focal lesion. The right kidney measures {n}.5 mm, and no stone "
    "is seen. The patient takes metformin 500 mg twice daily.",
    "تُظهر الشريحة {n} الكبد بحجمه المعتاد دون آفة بؤرية. يبلغ قياس الكلية اليمنى {n}.5 ملم، ولا تُشاهد حصاة. يتناول "
    "المريض الميتفورمين 500 ملغ مرتين يومياً.",
)
"""The turns of a row, and a translation that passes every check."""


def _dataset(folder: Path, rows: int) -> None:
    with (folder / "table.jsonl").open("w") as file:
        for number in range(rows):
            turns = [
                {"from": "human", "value": _QUESTION[0].format(n=number)},
                {"from": "gpt", "value": _ANSWER[0].format(n=number)},
            ]
            file.write(json.dumps({"id": str(number), "conversations": turns}) + "\n")
    source = {"reader": "messages", "path": str(folder / "table.jsonl"), "licence": "MIT"}
    near = {"exact": False, "near": False}
    (folder / "mixture.yml").write_text(yaml.safe_dump({"name": "english", "sources": [source], "duplicates": near}))
    build(mixture_file.load(folder / "mixture.yml"), folder / "english", "bench")


def _step(folder: Path, url: str, concurrency: int) -> Path:
    """The shipped step that translates into Arabic, with its prompt, its glossary and all checks."""
    step = yaml.safe_load(_RECIPE.read_text(encoding="utf-8"))
    step["input"] = {"dataset": str(folder / "english")}
    step["model"] = {"name": "m", "base_url": url, "concurrency": concurrency}
    step |= {name: str((_RECIPE.parent / step[name]).resolve()) for name in ("prompt", "glossary")}
    (folder / "step.yml").write_text(yaml.safe_dump(step))
    return folder / "step.yml"


def _serve(pipe, seconds: float) -> None:
    def script(messages, number):
        asked = next(turn for turn in reversed(messages) if PIECE.search(last_text([turn])))
        (_, question), (_, _) = PIECE.findall(last_text([asked]))[-2:]
        (which,) = re.findall(r"slice (\d+)", question)
        made = (_QUESTION[1].format(n=which), _ANSWER[1].format(n=which))
        return Answer("\n".join(f"[[{n}]]\n{text}" for n, text in enumerate(made, start=1)), seconds=seconds)

    with ScriptedServer(script) as server:
        server.requests = _Nothing()
        pipe.send(server.url)
        time.sleep(1e6)


class _Nothing(list):
    """Keeps no request."""

    def append(self, _):
        pass


def _run(arguments: list[object]) -> tuple[float, float]:
    """Run the command line; return its seconds and its largest resident memory in GB."""
    start = time.monotonic()
    process = os.posix_spawn(
        sys.executable, [sys.executable, "-m", "data_prep", *map(str, arguments)], dict(os.environ)
    )
    _, status, used = os.wait4(process, 0)
    if status:
        sys.exit(f"failed: {arguments}")
    return time.monotonic() - start, used.ru_maxrss / 1e6


if __name__ == "__main__":
    main()
