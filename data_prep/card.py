"""The data card: README.md of a data set folder, whose front matter tells `datasets` which files are the shards."""

from typing import Any

import yaml

from data_prep.rows import REASONS
from data_prep.shards import split_of

FILE_NAME = "README.md"


def render(manifest: dict[str, Any]) -> str:
    """The card of the data set that the manifest describes."""
    splits = dict.fromkeys(split_of(name) for name in manifest["shards"])
    data_files = [{"split": split, "path": f"{split}-*.parquet"} for split in splits]
    front = {
        "language": list(manifest["counts"]["language"]),
        "configs": [{"config_name": "default", "data_files": data_files}],
    }
    sections = [
        f"# {manifest['name']}\n\nFor research only, not for clinical use.\n\nMade with `{manifest['command']}`.",
        "## Sources\n\n" + _table(("source", "version", "licence"), [list(s.values()) for s in manifest["sources"]]),
        "## Rows\n\n" + _table(("by", "value", "rows"), _rows(manifest["counts"])),
        f"{manifest['read']} rows were read and {manifest['written']} written. {_ledger(manifest['ledger'])}",
    ]
    return f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---\n\n" + "\n\n".join(sections) + "\n"


def _rows(counts: dict[str, dict[str, int]]) -> list[list[str]]:
    return [[by, value, str(count)] for by, values in counts.items() for value, count in values.items()]


def _ledger(reasons: dict[str, int]) -> str:
    if not reasons:
        return "No row was left out."
    lines = [[reason, REASONS[reason], str(count)] for reason, count in reasons.items()]
    return "The others are in `ledger.jsonl`:\n\n" + _table(("reason", "meaning", "rows"), lines)


def _table(head: tuple[str, ...], lines: list[list[str]]) -> str:
    cells = [list(head), ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in cells)
