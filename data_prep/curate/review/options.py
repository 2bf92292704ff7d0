"""The options of the verb `review` of `python -m data_prep`, apart from its work, which takes seconds to import."""

import argparse
from pathlib import Path
from typing import Any

from data_prep import local_page

PASSWORD = "BIMEDIX2_REVIEW_PASSWORD"


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
    from data_prep.curate.review import command

    command.run(arguments, PASSWORD)
