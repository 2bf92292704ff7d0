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
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from data_prep import mixture_file
from data_prep.build import build
from tests.helpers.scripted_server import PIECE, Answer, ScriptedServer, last_text


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
        process.terminate()
        process.join()
    return took - start_up, memory


def _dataset(folder: Path, rows: int) -> None:
    with (folder / "table.jsonl").open("w") as file:
        for number in range(rows):
            question = f"What does slice {number} of the series show, and is the liver of usual size?"
            answer = f"Slice {number} shows the liver of usual size, without a focal lesion, and the right kidney."
            turns = [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
            file.write(json.dumps({"id": str(number), "conversations": turns}) + "\n")
    source = {"reader": "messages", "path": str(folder / "table.jsonl"), "licence": "MIT"}
    near = {"exact": False, "near": False}
    (folder / "mixture.yml").write_text(yaml.safe_dump({"name": "english", "sources": [source], "duplicates": near}))
    build(mixture_file.load(folder / "mixture.yml"), folder / "english", "bench")


def _step(folder: Path, url: str, concurrency: int) -> Path:
    (folder / "prompt.yml").write_text("system: Translate.\nuser: '{text}'\n")
    model = {"name": "m", "base_url": url, "concurrency": concurrency}
    given = {"name": "ar", "kind": "translate", "input": {"dataset": str(folder / "english")}, "model": model}
    (folder / "step.yml").write_text(yaml.safe_dump({**given, "prompt": "prompt.yml"}))
    return folder / "step.yml"


def _serve(pipe, seconds: float) -> None:
    def script(messages, number):
        asked = next(turn for turn in messages if turn["role"] == "user")
        pieces = PIECE.findall(last_text([asked]))
        kept = ["".join(one for one in text if one.isdigit()) for _, text in pieces]
        made = [f"[[{n}]]\nتظهر الشريحة رقم {number} الكبد بحجمه المعتاد" for n, number in enumerate(kept, start=1)]
        return Answer("\n".join(made), seconds=seconds)

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
