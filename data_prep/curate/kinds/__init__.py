"""The kinds of steps, one file each, by their names in a step's file."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from data_prep.curate.kinds.kind import Kind

_CLASSES = {
    "rewrite": "Rewrite",
    "converse": "Converse",
    "split": "Split",
    "translate": "Translate",
    "benchmark": "Benchmark",
}


def kind_of(name: str) -> "type[Kind]":
    """The class of the kind with this name."""
    found: type[Kind] = getattr(import_module(f"data_prep.curate.kinds.{name}"), _CLASSES[name])
    return found
