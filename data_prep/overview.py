"""What sources there are: which are there under a root, on what terms, and how the others are had."""

from pathlib import Path
from typing import Any

from data_prep import mixture_file as mixture
from data_prep.sources import READERS, reader

PAPER = (Path("recipes/data/bimed_v.yml"), Path("recipes/data/align.yml"))


def sources(paths: list[Path], root: Path | None) -> str:
    """A paragraph for each source that the mixtures name, and a line for each further reader."""
    entries: list[dict[str, Any]] = []
    for path in paths or PAPER:
        given = mixture.read_yaml(path)
        entries += [*given.get("sources", []), *given.get("benchmarks", [])]
    named = [_entry(entry, root) for entry in entries]
    used = {entry["reader"] for entry in entries}
    rest = [f"{name:14} {reader(name).ABOUT.title}" for name in READERS if name not in used]
    return "\n\n".join([*dict.fromkeys(named), "Further readers:\n" + "\n".join(rest)])


def _entry(entry: dict[str, Any], root: Path | None) -> str:
    about = reader(entry["reader"]).ABOUT
    found = mixture.problems(entry, root)
    lines = [
        f"{entry.get('name', entry['reader'])} ({about.title}): {'missing' if found else 'found'}",
        f"  licence: {entry.get('licence') or about.licence}{'' if about.redistribute else '; may not be given on'}",
    ]
    if found:
        lines += [f"  {problem}" for problem in found]
        lines += [f"  wanted: {', '.join(about.layout)}", f"  to get it: {about.get}"]
    return "\n".join(lines)
