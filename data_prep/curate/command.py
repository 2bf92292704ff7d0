"""The verb `curate` of `python -m data_prep`."""

import argparse
import shlex
import sys
import time
from pathlib import Path
from typing import Any

from data_prep.counted import counted

FOLDER = Path("data/curated")
"""Where a step's dataset goes unless `--out` says otherwise: in a folder of the step's name."""


def add(verbs: Any, root: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser("curate", parents=[root], help="make a dataset from another by a language model")
    verb.add_argument("step", type=Path, help="YAML file in recipes/curation")
    verb.add_argument("--out", type=Path, help=f"dataset folder; default: {FOLDER}/STEP")
    verb.add_argument("--input", type=Path, metavar="DIR", help="a dataset folder to read instead of the step's input")
    verb.add_argument("--base-url", help="the model's server, such as http://localhost:8000/v1")
    verb.add_argument("--model", help="the model's name, as its server knows it")
    verb.add_argument("--concurrency", type=int, help="requests in flight at a time")
    verb.add_argument("--limit", type=int, metavar="N", help="work on the first N rows only")
    verb.add_argument("--estimate", action="store_true", help="print calls, tokens, hours and cost, and ask nothing")
    verb.set_defaults(verb=_curate)


def _curate(arguments: argparse.Namespace) -> None:
    from data_prep.curate import estimate, produce, step_file

    names = ("input", "base_url", "model", "concurrency", "limit")
    flags = {name: getattr(arguments, name) for name in names}
    loaded = step_file.load(arguments.step, arguments.root, flags)
    if arguments.estimate:
        print(estimate.said(loaded, estimate.estimate(loaded)))
        return
    out = arguments.out or FOLDER / loaded.step.name
    began = time.monotonic()
    made = produce.produce(loaded, out, _command(arguments, out))
    if made is None:
        print(f"{out}: already made from these inputs and replies, nothing to do")
        return
    splits = ", ".join(f"{name} {count}" for name, count in made["counts"]["split"].items())
    left_out = ", ".join(f"{reason} {count}" for reason, count in made["ledger"].items()) or "none"
    about = made["curation"]
    print(f"{out}: {counted(made['written'], 'row')} ({splits}); left out (ledger.jsonl): {left_out}")
    if "calls" in about:
        price = f", {about['cost']:,.2f} at the step's prices" if "cost" in about else ""
        took = f"; this run took {estimate.in_words((time.monotonic() - began) / 3600)}"
        tokens = f"{about['tokens_in']:,} tokens in, {about['tokens_out']:,} out"
        print(f"{counted(about['calls'], 'call')}, {tokens}{price}{took}")
    if about["review_waiting"]:
        review = shlex.join(["python", "-m", "data_prep", "review", str(out)])
        waiting = f"{counted(about['review_waiting'], 'row')} waiting for review"
        print(f"{waiting}: {review} --reviewer NAME", file=sys.stderr)


def _command(arguments: argparse.Namespace, out: Path) -> str:
    """The command for the data card, with the options that its rows depend on."""
    words = ["python", "-m", "data_prep", "curate", str(arguments.step)]
    for name in ("input", "model", "limit"):
        if (value := getattr(arguments, name)) is not None:
            words += [f"--{name}", str(value)]
    return shlex.join([*words, "--out", str(out)])
