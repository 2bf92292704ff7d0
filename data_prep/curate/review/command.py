"""The work of the verb `review` of `python -m data_prep`."""

import argparse
import shlex
from pathlib import Path
from typing import Any
from unicodedata import normalize

from data_prep import local_page
from data_prep.counted import counted
from data_prep.curate.review.apply import apply
from data_prep.curate.review.curated import CuratedSet
from data_prep.curate.review.decisions import conflicts
from data_prep.curate.review.errors import ReviewError
from data_prep.curate.review.sample import Plan, given_to
from data_prep.curate.review.session import Session
from data_prep.curate.review.store import NAME_RULE, Store, is_name
from data_prep.curate.review.summary import printed, summarise
from data_prep.curate.review.verdicts_file import read, write

_PLAN = ("sample", "waiting", "seed", "share")


def run(arguments: argparse.Namespace, password_variable: str) -> None:
    """Open the page, or do what the options ask instead.

    `password_variable` is the environment variable that may hold the page's password. Raises ReviewError.
    """
    folder: Path = arguments.folder
    if arguments.apply and arguments.out is None:
        raise ReviewError("--apply: give --out, the folder of the dataset to write")
    curated = CuratedSet(folder)
    path = arguments.reviews or folder.absolute().with_name(f"{folder.absolute().name}.reviews.sqlite")
    if arguments.reviewer is not None:
        _serve(arguments, curated, path, password_variable)
        return
    if arguments.summary and not path.is_file():
        print(f"{printed(summarise(curated, [], {}))}; begin with: python -m data_prep review {folder} --reviewer NAME")
        return
    if arguments.read is None and not path.is_file():
        raise ReviewError(f"{path} is missing: no reviewer has begun; give --reviewer NAME, or --reviews FILE")
    store = Store(path, curated.dataset)
    if arguments.summary:
        print(printed(summarise(curated, store.verdicts(), store.roles())))
    elif arguments.export is not None:
        print(f"{arguments.export}: {counted(write(store, curated, arguments.export), 'verdict')}")
    elif arguments.read is not None:
        print(f"{path}: {counted(read(store, curated, arguments.read), 'new verdict')}")
    else:
        command = ["python", "-m", "data_prep", "review", str(folder), "--apply", "--out", str(arguments.out)]
        made = apply(curated, store, arguments.out, shlex.join(command), arguments.names)
        print(f"{arguments.out}: {_said(made)}")


def _said(made: dict[str, Any] | None) -> str:
    if made is None:
        return "already written with these verdicts, nothing to do"
    left_out = ", ".join(f"{reason} {count}" for reason, count in made["ledger"].items()) or "none"
    return f"{counted(made['written'], 'row')}; left out (ledger.jsonl): {left_out}; {made['review']['result']}"


def _serve(arguments: argparse.Namespace, curated: CuratedSet, path: Path, password_variable: str) -> None:
    name = _checked_name(arguments.reviewer)
    password = _password(arguments, password_variable)
    given = _given_plan(arguments)
    store = Store(path, curated.dataset)
    if arguments.adjudicate:
        store.register(name, arguments.role, draws=False, default="adjudicator")
        rows = sorted(row for row in conflicts(store.verdicts()) if row in curated.by_id)
    else:
        kept = store.plan(given, _default_plan(curated))
        part = None if arguments.part is None else arguments.part - 1
        part = store.register(name, arguments.role, part)
        rows = [row.id for row in given_to(curated.rows, kept, part)]
    session = Session(curated, store, name, rows, arguments.adjudicate)

    def started(address: str) -> None:
        said = f"{counted(len(rows), 'row')} for {name}: open {address} in a browser"
        print(f"{said}; Ctrl-C ends, the same command goes on", flush=True)

    from data_prep.curate.review import page  # gradio takes seconds to import

    page.serve(session, arguments.host, arguments.port, password, started)


def _checked_name(name: str) -> str:
    """The reviewer's name, in one form where accents can be written in two."""
    name = normalize("NFC", name.strip())
    if not is_name(name):
        raise ReviewError(f"--reviewer {name!r}: {NAME_RULE}")
    return name


def _password(arguments: argparse.Namespace, variable: str) -> str | None:
    """The page's password, or None on this machine alone. Raises ReviewError where one is needed and not given."""
    try:
        return local_page.read_password(arguments.host, arguments.password_file, variable)
    except local_page.PageError as error:
        raise ReviewError(str(error)) from error


def _given_plan(arguments: argparse.Namespace) -> dict[str, Any]:
    """What the options say of the plan. Raises ReviewError with all that is wrong with the numbers."""
    given = {name: getattr(arguments, name) for name in _PLAN if getattr(arguments, name) is not None}
    wrong = [f"--{name} {given[name]}: 0 or more" for name in ("sample", "waiting") if given.get(name, 0) < 0]
    if not 0 <= given.get("share", 0) <= 1:
        wrong.append(f"--share {given['share']}: 0 to 1")
    if arguments.part is not None and arguments.part < 1:
        wrong.append(f"--part {arguments.part}: 1 or more")
    if not 0 < arguments.port < 65_536:
        wrong.append(f"--port {arguments.port}: 1 to 65535")
    if wrong:
        raise ReviewError("\n".join(wrong))
    return given


def _default_plan(curated: CuratedSet) -> Plan:
    """The plan that the step's file asks for."""
    of_step = curated.manifest["curation"].get("review", {})
    return Plan(**{key: value for key, value in of_step.items() if key in _PLAN})
