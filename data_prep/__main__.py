"""`python -m data_prep`: what sources there are; build a data set from a mixture, check it, show a row of it."""

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

from data_prep import check, mixture_file, overview
from data_prep.build import BuildError, build
from data_prep.manifest import ManifestError


def main(argv: list[str] | None = None) -> int:
    """Run one verb; 0 when it is done, 1 with one message on stderr when it cannot be."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.verb(arguments)
    except (mixture_file.MixtureError, BuildError, ManifestError, check.CheckError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; run the same command to go on", file=sys.stderr)
        return 130
    return 0


def _sources(arguments: argparse.Namespace) -> None:
    print(overview.sources(arguments.mixture, arguments.root))


def _build(arguments: argparse.Namespace) -> None:
    command = shlex.join(["python", "-m", "data_prep", "build", str(arguments.mixture), "--out", str(arguments.out)])
    given = mixture_file.load(arguments.mixture, arguments.root, arguments.allow_missing)
    for missing in given.missing:
        print(f"left out, not there: {missing}", file=sys.stderr)
    made = build(given, arguments.out, command, arguments.workers)
    if made is None:
        print(f"{arguments.out}: already built from these inputs, nothing to do")
    else:
        print(f"{arguments.out}: {_summary(made)}")


def _check(arguments: argparse.Namespace) -> None:
    print(f"{arguments.folder}: all holds: {_summary(check.check(arguments.folder))}")


def _show(arguments: argparse.Namespace) -> None:
    print(check.show(arguments.folder, arguments.id, arguments.image_out, arguments.html))


def _summary(made: dict[str, Any]) -> str:
    splits = ", ".join(f"{name} {count}" for name, count in made["counts"]["split"].items())
    images = sum(entry["images"] for entry in made["images"].values())
    left_out = ", ".join(f"{reason} {count}" for reason, count in made["ledger"].items()) or "none"
    return f"{made['written']} rows ({splits}), {images} images; left out (ledger.jsonl): {left_out}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m data_prep", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    verb = verbs.add_parser("sources", help="what is known, what is there, what is missing and how to get it")
    verb.add_argument("mixture", type=Path, nargs="*", help="YAML files; by default those of the paper's data")
    verb.add_argument("--root", type=Path, help="folder that the mixtures' paths start from")
    verb.set_defaults(verb=_sources)
    verb = verbs.add_parser("build", help="sources to shards; what is done is not done again")
    verb.add_argument("mixture", type=Path, help="YAML file in recipes/data")
    verb.add_argument("--root", type=Path, help="folder that the mixture's paths start from")
    verb.add_argument("--out", type=Path, required=True, help="data set folder")
    verb.add_argument("--workers", type=int, help="processes; by default one a core")
    verb.add_argument("--allow-missing", action="store_true", help="build without the sources that are not there")
    verb.set_defaults(verb=_build)
    verb = verbs.add_parser("check", help="hashes, counts, every row and every image")
    verb.add_argument("folder", type=Path)
    verb.set_defaults(verb=_check)
    verb = verbs.add_parser("show", help="print a row")
    verb.add_argument("folder", type=Path)
    verb.add_argument("--id", required=True)
    verb.add_argument("--image-out", type=Path, help="write the row's first image to this PNG or JPEG file")
    verb.add_argument("--html", type=Path, help="write the row as a page, images in place, to this file")
    verb.set_defaults(verb=_show)
    return parser


if __name__ == "__main__":
    sys.exit(main())
