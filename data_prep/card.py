"""The dataset card: the README.md of a dataset folder, whose front matter lists the shards for `datasets`."""

from typing import Any

import yaml

from data_prep.rows import REASONS
from data_prep.shards import split_of

FILE_NAME = "README.md"


def render(manifest: dict[str, Any]) -> str:
    """The card of the dataset described by the manifest."""
    sections = [
        f"# {manifest['name']}\n\nFor research only, not for clinical use.\n\nMade with `{manifest['command']}`.",
        "## Sources\n\n" + _sources(manifest),
        "## Rows\n\n" + _table(("by", "value", "rows"), _rows(manifest["counts"])),
        _account(manifest),
        *_made_by("Curation", manifest.get("curation", {})),
        *_made_by("Review", manifest.get("review", {})),
        *_duplicates(manifest["duplicates"]),
        *_parents(manifest["parents"]),
        *_overlaps(manifest),
        *_conflicts(manifest.get("conflicts", {})),
    ]
    front = yaml.safe_dump(_front(manifest), sort_keys=False, allow_unicode=True)
    return f"---\n{front}---\n\n" + "\n\n".join(sections) + "\n"


def _front(manifest: dict[str, Any]) -> dict[str, Any]:
    splits = dict.fromkeys(split_of(name) for name in manifest["shards"])
    data_files = [{"split": split, "path": f"{split}-*.parquet"} for split in splits]
    licences = {source["licence"] for source in manifest["sources"]}
    return {
        "pretty_name": manifest["name"],
        "language": list(manifest["counts"]["language"]),
        "license": licences.pop().lower() if len(licences) == 1 else "other",
        "tags": ["medical"],
        "size_categories": [_size(manifest["written"])],
        "configs": [{"config_name": "default", "data_files": data_files}],
    }


def _size(rows: int) -> str:
    """The Hub's size category for a number of rows."""
    bounds = [(1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M")]
    return next((name for bound, name in bounds if rows < bound), "1M<n<10M")


def _sources(manifest: dict[str, Any]) -> str:
    lines = [
        [source["name"], source["version"], source["licence"], "yes" if source["redistribute"] else "no"]
        for source in manifest["sources"]
    ]
    text = _table(("source", "version", "licence", "may be given on"), lines)
    closed = [source["name"] for source in manifest["sources"] if not source["redistribute"]]
    if closed:
        text += (
            f"\n\nRows and images of {', '.join(dict.fromkeys(closed))} may not be given on: keep this folder private."
        )
    if manifest["missing"]:
        text += "\n\nNot there when this was built:\n\n" + "\n".join(f"- {entry}" for entry in manifest["missing"])
    if manifest["short"]:
        text += "\n\nFewer rows than asked for:\n\n" + "\n".join(f"- {entry}" for entry in manifest["short"])
    return text


def _rows(counts: dict[str, dict[str, int]]) -> list[list[str]]:
    return [[by, value, str(count)] for by, values in counts.items() for value, count in values.items()]


def _account(manifest: dict[str, Any]) -> str:
    text = f"{manifest['read']} rows were read and {manifest['written']} written."
    if manifest["not_asked_for"]:
        text += f" {manifest['not_asked_for']} more in the same files belong to other splits or were not asked for."
    if manifest["repeated"]:
        text += f" {manifest['repeated']} of these are repetitions, as the mixture's weights ask."
    if manifest["identities_masked"]:
        text += f" In {manifest['identities_masked']} rows a name, date, number or address was masked."
    if not manifest["ledger"]:
        return text + " No row was left out."
    lines = [[reason, REASONS[reason], str(count)] for reason, count in manifest["ledger"].items()]
    return f"{text} The others are in `ledger.jsonl`:\n\n" + _table(("reason", "meaning", "rows"), lines)


def _duplicates(pairs: dict[str, dict[str, int]]) -> list[str]:
    lines = [[reason, pair, str(count)] for reason, counts in pairs.items() for pair, count in counts.items()]
    return ["## Duplicates\n\n" + _table(("kind", "kept / left out", "rows"), lines)] if lines else []


def _parents(parents: dict[str, Any]) -> list[str]:
    """Rows whose `parent` cannot be followed here."""
    lines = [[entry["source"], "in no source and no benchmark", str(entry["rows"])] for entry in parents["absent"]]
    elsewhere = parents.get("elsewhere", [])
    lines += [[entry["source"], "in the dataset that it was made from", str(entry["rows"])] for entry in elsewhere]
    cycles = parents["cycles"]
    lines += [["all", f"in {cycles['number']} cycles of parents", str(cycles["ids"])]] if cycles["number"] else []
    return (
        ["## Parents that are not in this dataset\n\n" + _table(("source", "parent", "rows"), lines)] if lines else []
    )


def _made_by(title: str, about: dict[str, Any]) -> list[str]:
    """What the manifest says of how the rows were made or reviewed, one line a key."""
    lines = [[key.replace("_", " "), _said(value)] for key, value in about.items()]
    return [f"## {title}\n\n" + _table(("what", "value"), lines)] if lines else []


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_said(one)}" for key, one in value.items())
    return ", ".join(map(_said, value)) if isinstance(value, list) else str(value).replace("\n", " ")


def _conflicts(by: dict[str, dict[str, int]]) -> list[str]:
    lines = [[sources, str(entry["questions"]), str(entry["rows"])] for sources, entry in by.items()]
    text = "To one question on the same images these rows give different answers; `conflicts.jsonl` lists them."
    table = _table(("sources", "questions", "rows"), lines)
    return [f"## Conflicting answers\n\n{text}\n\n{table}"] if lines else []


def _overlaps(manifest: dict[str, Any]) -> list[str]:
    """What the rows share with benchmarks, which qualifies every score on them."""
    if not manifest["benchmarks"]:
        return []
    compared = f"Compared with {', '.join(manifest['benchmarks'])}."
    if manifest["uncompared"]:
        left = [[entry["benchmark"], REASONS[entry["reason"]], str(entry["rows"])] for entry in manifest["uncompared"]]
        compared += " Of their items nothing was compared with these:\n\n" + _table(("benchmark", "why", "items"), left)
    lines = []
    for overlap in manifest["overlaps"]:
        if overlap["kind"] != "question":
            what = f"{overlap['kind']} in common, another question"
        else:
            done = "left out" if overlap["action"] == "drop" else "kept"
            what = f"question in common, {done}: {overlap['why']}"
        lines.append([overlap["benchmark"], overlap["source"], what, str(overlap["rows"])])
    table = _table(("benchmark", "source", "what", "rows"), lines) if lines else "Nothing in common was found."
    return [f"## Overlap with benchmarks\n\n{compared}\n\n{table}"]


def _table(head: tuple[str, ...], lines: list[list[str]]) -> str:
    cells = [list(head), ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in cells)
