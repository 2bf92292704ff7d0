"""UPHILL's queries.csv: five queries a claim, long articles in quotes beside them."""

import csv
import io

from data_prep.sources.uphill import LEVELS
from tests.helpers.layouts.text_files import write_text

CLAIMS = {"4214": ("Garlic cures influenza", "false"), "17_f": ("Moonlight heals burns", "fabricated")}


def make(root, **changes):
    """Two claims at five levels; `changes` replaces fields of the last row."""
    rows = [row for claim_id in CLAIMS for row in _rows(claim_id)]
    rows[-1] |= changes
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(root / "queries.csv", text.getvalue())


def _rows(claim_id):
    claim, veracity = CLAIMS[claim_id]
    for level in LEVELS:
        yield {
            "claim_id": claim_id,
            "claim": claim,
            "claim_veracity": veracity,
            "veracity_explanation": "No trial supports it.",
            "subjects": "Nutrition",
            "date_published": "",
            "source_db": "pubhealth",
            "main_text": 'He said "it works",\r\nand left.\n\nThe end.',
            "presupposition_level": level.title(),
            "query_with_presupposition": f"{level}: {claim}?",
        }
