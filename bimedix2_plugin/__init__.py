"""Axolotl plugin: trains a causal language model and a vision tower, named in a recipe, as one LLaVA model.

`plugins: [bimedix2_plugin.BiMediX2Plugin]` in a recipe enables it. The class is imported on first use, so that the
other modules can be imported without Axolotl.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bimedix2_plugin.plugin import BiMediX2Plugin

__all__ = ["BiMediX2Plugin"]


def __getattr__(name: str) -> Any:
    if name == "BiMediX2Plugin":
        from bimedix2_plugin.plugin import BiMediX2Plugin

        return BiMediX2Plugin
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
