"""The verb `review` of `python -m data_prep`."""

import argparse
import shlex
from pathlib import Path
from typing import Any
from unicodedata import normalize

from data_prep import local_page
from data_prep.curate.review.apply import apply
from data_prep.curate.review.curated import CuratedSet
from data_prep.curate.review.decisions import conflicts
from data_prep.curate.review.errors import ReviewError
from data_prep.curate.review.sample import Plan, given_to
from data_prep.curate.review.session import Session
from data_prep.curate.review.store import NAME_RULE, Store, is_name
from data_prep.curate.review.summary import printed, summarise
from data_prep.curate.review.verdicts_file import read, write

PASSWORD = "BIMEDIX2_REVIEW_PASSWORD"
_PLAN = ("sample", "waiting", "seed", "share")


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser("review", help="review a curated dataset in a page of the browser, and apply the verdicts")
    verb.add_argument("folder", type=Path, help="dataset folder that `curate` has written")
    verb.add_argument("--reviews", type=Path, metavar="FILE", help="the verdicts; default: DIR.reviews.sqlite")
    what = verb.add_mutually_exclusive_group(required=True)
    what.add_argument("--reviewer", metavar="NAME", help="open the page of this reviewer")
    what.add_argument("--summary", action="store_true", help="print what was found, and how far reviewers agree")
    what.add_argument("--export", type=Path, metavar="FILE", help="write the verdicts as JSON Lines")
    what.add_argument("--import", type=Path, metavar="FILE", dest="read", help="add the verdicts of such a file")
    what.add_argument("--apply", action="store_true", help="write the dataset with the verdicts applied to --out")
    verb.add_argument("--role", help="what the card says of the reviewer, such as radiologist; default: reviewer")
    verb.add_argument("--adjudicate", action="store_true", help="show the rows on which reviewers differ, and decide")
    verb.add_argument("--sample", type=int, metavar="N", help="rows a reviewer that passed the checks; default: 400")
    verb.add_argument("--waiting", type=int, metavar="N", help="rows a reviewer that wait for review; default: all")
    verb.add_argument("--seed", type=int, help="of the sample; default: 0")
    verb.add_argument("--share", type=float, help="the part that every reviewer gets; default: 0.2")
    verb.add_argument("--part", type=int, metavar="K", help="the reviewer's part of the sample, from 1; default: next")
    local_page.add_options(verb, PASSWORD)
    verb.add_argument("--out", type=Path, help="dataset folder that --apply writes")
    verb.add_argument("--names", action="store_true", help="with --apply: the card names the reviewers")
    verb.set_defaults(verb=_review)


def _review(arguments: argparse.Namespace) -> None:
    folder: Path = arguments.folder
    if arguments.apply and arguments.out is None:
        raise ReviewError("--apply: give --out, the folder of the dataset to write")
    curated = CuratedSet(folder)
    path = arguments.reviews or folder.absolute().with_name(f"{folder.absolute().name}.reviews.sqlite")
    if arguments.reviewer is not None:
        _serve(arguments, curated, path)
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
        print(f"{arguments.export}: {write(store, curated, arguments.export)} verdicts")
    elif arguments.read is not None:
        print(f"{path}: {read(store, curated, arguments.read)} new verdicts")
    else:
        command = ["python", "-m", "data_prep", "review", str(folder), "--apply", "--out", str(arguments.out)]
        made = apply(curated, store, arguments.out, shlex.join(command), arguments.names)
        print(f"{arguments.out}: {_said(made)}")


def _said(made: dict[str, Any] | None) -> str:
    if made is None:
        return "already written with these verdicts, nothing to do"
    left_out = ", ".join(f"{reason} {count}" for reason, count in made["ledger"].items()) or "none"
    return f"{made['written']} rows; left out (ledger.jsonl): {left_out}; {made['review']['result']}"


def _serve(arguments: argparse.Namespace, curated: CuratedSet, path: Path) -> None:
    name = _checked_name(arguments.reviewer)
    password = _password(arguments)
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
        said = f"{len(rows)} rows for {name}: open {address} in a browser; Ctrl-C ends, the same command goes on"
        print(said, flush=True)

    from data_prep.curate.review import page  # gradio takes seconds to import

    page.serve(session, arguments.host, arguments.port, password, started)


def _checked_name(name: str) -> str:
    """The reviewer's name, in one form where accents can be written in two."""
    name = normalize("NFC", name.strip())
    if not is_name(name):
        raise ReviewError(f"--reviewer {name!r}: {NAME_RULE}")
    return name


def _password(arguments: argparse.Namespace) -> str | None:
    """The page's password, or None on this machine alone. Raises ReviewError where one is needed and not given."""
    try:
        return local_page.read_password(arguments.host, arguments.password_file, PASSWORD)
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
