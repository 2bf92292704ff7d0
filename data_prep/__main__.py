"""`python -m data_prep`: list sources; build a dataset from a mixture, or curate one; check it, show its rows.

A verb imports its work when it runs, so that `--help` and a misspelt option are answered at once.
"""

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

from data_prep.counted import counted
from data_prep.curate import command as curate
from data_prep.curate.review import options as review
from data_prep.errors import DataPrepError


def main(argv: list[str] | None = None) -> int:
    """Run one verb. Returns 0, or 1 after printing one message to stderr."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.verb(arguments)
    except DataPrepError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; run the same command to resume", file=sys.stderr)
        return 130
    return 0


def _sources(arguments: argparse.Namespace) -> None:
    from data_prep import overview

    if arguments.missing_images:
        print(overview.list_missing_images(arguments.mixture, arguments.root, arguments.missing_images))
    else:
        print(overview.sources(arguments.mixture, arguments.root))


def _build(arguments: argparse.Namespace) -> None:
    from data_prep import mixture_file
    from data_prep.build import build

    command = shlex.join(["python", "-m", "data_prep", "build", str(arguments.mixture), "--out", str(arguments.out)])
    given = mixture_file.load(arguments.mixture, arguments.root, arguments.allow_missing)
    for missing in given.missing:
        print(f"left out, missing: {missing}", file=sys.stderr)
    notes = [f"{source.name}: {note}" for source in (*given.sources, *given.benchmarks) for note in source.notes()]
    for note in dict.fromkeys(notes):
        print(note, file=sys.stderr)
    made = build(given, arguments.out, command, arguments.workers)
    if made is None:
        print(f"{arguments.out}: already built from these inputs, nothing to do")
    else:
        print(f"{arguments.out}: {_summary(made)}")


def _check(arguments: argparse.Namespace) -> None:
    from data_prep import check

    print(f"{arguments.folder}: passed all checks: {_summary(check.check(arguments.folder))}")


def _show(arguments: argparse.Namespace) -> None:
    from data_prep import show

    print(show.show(arguments.folder, arguments.id, arguments.image_out, arguments.html))


def _summary(made: dict[str, Any]) -> str:
    splits = ", ".join(f"{name} {count}" for name, count in made["counts"]["split"].items())
    images = sum(entry["images"] for entry in made["images"].values())
    left_out = ", ".join(f"{reason} {count}" for reason, count in made["ledger"].items()) or "none"
    return (
        f"{counted(made['written'], 'row')} ({splits}), {counted(images, 'image')}; left out (ledger.jsonl): {left_out}"
    )


def _parser() -> argparse.ArgumentParser:
    root = _option("--root", type=Path, help="folder that relative paths in a mixture start from")
    folder = _option("folder", type=Path, help="dataset folder")
    parser = argparse.ArgumentParser(prog="python -m data_prep", description=(__doc__ or "").partition("\n")[0])
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    verb = verbs.add_parser("sources", parents=[root], help="list sources: which are downloaded, how to get the others")
    verb.add_argument("mixture", type=Path, nargs="*", help="YAML files; default: the mixtures of the paper's data")
    missing = "write the images that rows name and that are not there to this file, as JSON Lines, for a downloader"
    verb.add_argument("--missing-images", type=Path, metavar="FILE", help=missing)
    verb.set_defaults(verb=_sources)
    verb = verbs.add_parser("build", parents=[root], help="build a dataset from its sources; finished work is kept")
    verb.add_argument("mixture", type=Path, help="YAML file in recipes/data")
    verb.add_argument("--out", type=Path, required=True, help="dataset folder")
    verb.add_argument("--workers", type=int, help="number of processes; default: one per core")
    verb.add_argument("--allow-missing", action="store_true", help="build without sources that are missing")
    verb.set_defaults(verb=_build)
    curate.add(verbs, root)
    review.add(verbs)
    verb = verbs.add_parser("check", parents=[folder], help="check hashes, counts, every row and every image")
    verb.set_defaults(verb=_check)
    verb = verbs.add_parser("show", parents=[folder], help="print a row as JSON")
    verb.add_argument("--id", required=True, help="id of the row")
    verb.add_argument("--image-out", type=Path, help="write the row's first image to this PNG or JPEG file")
    verb.add_argument("--html", type=Path, help="write the row as a page with its images to this file")
    verb.set_defaults(verb=_show)
    return parser


def _option(name: str, **settings: Any) -> argparse.ArgumentParser:
    """A parent parser with one option that several verbs share."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument(name, **settings)
    return parent


if __name__ == "__main__":
    sys.exit(main())
