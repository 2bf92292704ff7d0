"""List the sources: which are downloaded under a root, their licences, and how to get the others."""

from pathlib import Path
from typing import Any

from data_prep import mixture_file
from data_prep.sources import READERS, reader

_RECIPES = Path(__file__).resolve().parents[1] / "recipes/data"
PAPER = (_RECIPES / "bimed_v.yml", _RECIPES / "align.yml")


def sources(paths: list[Path], root: Path | None) -> str:
    """Return a paragraph for each source in the mixtures, and a line for each other reader.

    Without a path, the mixtures are the paper's, in the repository. Raises MixtureError.
    """
    gone = [] if paths else [path for path in PAPER if not path.is_file()]
    if gone:
        what = "there is no such file; name a mixture: python -m data_prep sources MIXTURE.yml"
        raise mixture_file.MixtureError(f"{gone[0]}: {what}")
    entries = [entry for path in paths or PAPER for entry in mixture_file.entries(path)]
    named = [_entry(entry, root) for entry in entries]
    used = {entry["reader"] for entry in entries}
    rest = [f"{name:14} {reader(name).ABOUT.title}" for name in READERS if name not in used]
    return "\n\n".join([*dict.fromkeys(named), "Further readers:\n" + "\n".join(rest)])


def _entry(entry: dict[str, Any], root: Path | None) -> str:
    about = reader(entry["reader"]).ABOUT
    found = mixture_file.problems(entry, root)
    lines = [
        f"{entry.get('name', entry['reader'])} ({about.title}): {'missing' if found else 'found'}",
        f"  licence: {entry.get('licence') or about.licence}{'' if about.redistribute else '; not redistributable'}",
    ]
    if found:
        lines += [f"  {problem}" for problem in found]
        lines += [f"  wanted: {', '.join(about.layout)}", f"  to get it: {about.get}"]
    return "\n".join(lines)
