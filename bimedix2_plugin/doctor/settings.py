"""What a recipe sets and has no effect here, was never run here, or was never tried here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bimedix2_plugin.doctor.finding import Finding
from bimedix2_plugin.settings import verdicts

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault


def settings(cfg: DictDefault) -> Iterator[Finding]:
    """Name the settings whose verdict is neither that they work nor that they are refused."""
    recipe = {key: value for key, value in cfg.to_dict().items() if key != "axolotl_config_path"}  # not in the file
    for verdict, text in ((verdicts.NO_EFFECT, "no effect here"), (verdicts.NEVER_RUN, "never run by this project")):
        for entry, keys in verdicts.findings(recipe, verdict).items():
            yield Finding("warn", f"{', '.join(keys)}: {text}; {entry.text}")
    untested = verdicts.untested(recipe)
    if untested:
        yield Finding(
            "warn", f"{', '.join(untested)}: never tried by this project; compare the first losses without it"
        )
