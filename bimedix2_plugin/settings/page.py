"""The table of verdicts as the page `README.md` beside it."""

from __future__ import annotations

from bimedix2_plugin.settings.verdicts import FILE, NEVER_RUN, NO_EFFECT, REFUSED, WORKS, Entry, table

PAGE = FILE.with_name("README.md")
_NAMES = {WORKS: "works", NEVER_RUN: "never run", NO_EFFECT: "no effect", REFUSED: "refused"}
_HEAD = """\
# Axolotl's settings

How each of Axolotl's settings behaves with this project. Written from [verdicts.yml](verdicts.yml) by
`python -m bimedix2_plugin.settings`; edit that file, then write this one again.

- works: does what Axolotl documents; shown by the test named, or by the recipe named, which is run whole and sets it.
- never run: accepted; it needs hardware or a service with which nothing was run here. The doctor names it.
- no effect: accepted and ignored. The doctor names it.
- refused: would fail, in part after hours, or would train something else than it says. A recipe that sets it is refused
  before anything runs.
- untested (at the end): nobody here has tried it. The doctor names it.
"""


def render() -> str:
    """Return the page."""
    sections = [_HEAD]
    for topic in dict.fromkeys(entry.topic for entry in table().entries):
        rows = [_row(entry) for entry in table().entries if entry.topic == topic]
        sections.append(
            "\n".join([f"## {topic}\n", "| key | verdict | test, recipe or reason |", "|---|---|---|", *rows, ""])
        )
    untested = ", ".join(f"`{key}`" for key in sorted(table().untested))
    return "\n".join([*sections, f"## Untested\n\n{untested}\n"])


def _row(entry: Entry) -> str:
    keys = ", ".join(f"`{key}`" for key in entry.keys)
    values = ", ".join(f"`{str(value).lower() if isinstance(value, bool) else value}`" for value in entry.values)
    text = f"`{entry.text}`" if entry.verdict == WORKS else entry.text
    return f"| {keys}{': ' if values else ''}{values} | {_NAMES[entry.verdict]} | {text} |"
