"""What judging, scoring and reporting add to generating, in processor seconds, and the memory of each: `make bench`.

The command line as a user types it, step by step, each in a process of its own with its imports: a checkpoint answers
rows of BiMed-MBench's shape in both languages, a judge on this machine that replies at once marks the answers, then the
report is written. By default the checkpoint is generation.py's random LLaVA of 20M parameters with 64 tokens an answer;
real checkpoints (`--model`) and answers are larger, so what is added weighs less. Nothing here is asserted.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.generation import checkpoint
from tests.helpers import judge_builders
from tests.helpers.layouts import bimed_mbench

TASKS = ("bimed_mbench_en", "bimed_mbench_ar")


def main() -> None:
    """Run the three commands, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="checkpoint folder; by default a random one is made")
    parser.add_argument("--items", type=int, default=193, help="rows of each language; the benchmark has 193")
    parser.add_argument("--tokens", type=int, default=64, help="longest answer; the paper's is 1024")
    options = parser.parse_args()
    server = judge_builders.JudgeServer()
    with TemporaryDirectory() as place:
        folder = Path(place)
        root, out = _benchmark(folder / "root", options.items), folder / "out"
        model = options.model or checkpoint(folder)
        commands = {
            "generating": ["run", "--model", model, "--task", *TASKS, "--out", out, "--max-new-tokens", options.tokens],
            "judging": ["judge", out, "--judge-model", "j", "--judge-base-url", server.url],
            "scoring and report": ["report", out, "--against", "published"],
        }
        measured = {name: _measure([*command, "--root", root]) for name, command in commands.items()}
    server.stop()
    generating = measured["generating"][0]
    print(f"\n{2 * options.items} answers of at most {options.tokens} tokens, {len(server.requests)} verdicts")
    print(f"{'':20}{'processor s':>12}{'of generating':>15}{'peak GB':>9}")
    for name, (seconds, memory) in measured.items():
        print(f"{name:20}{seconds:12.1f}{seconds / generating:14.1%}{memory:10.2f}")


def _benchmark(root: Path, items: int) -> Path:
    """BiMed-MBench's folder with so many rows of each language."""
    judge_builders.bimed_root(root)
    for file in (bimed_mbench.ENGLISH, bimed_mbench.ARABIC):
        path = root / "BiMed-MBench/data/test_sets" / file
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        many = [{**rows[number % len(rows)], "question_id": number, "qid": number} for number in range(items)]
        path.write_text("".join(json.dumps(row) + "\n" for row in many), encoding="utf-8")
    return root


def _measure(arguments: list[object]) -> tuple[float, float]:
    """Run the command line; return its processor seconds (user and system) and its largest resident memory in GB."""
    command = [sys.executable, "-m", "eval", *map(str, arguments)]
    environment = {**os.environ, "OPENAI_API_KEY": judge_builders.KEY}
    process = os.posix_spawn(command[0], command, environment)
    _, status, used = os.wait4(process, 0)
    if status:
        sys.exit(f"failed: {' '.join(command)}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6


if __name__ == "__main__":
    main()
