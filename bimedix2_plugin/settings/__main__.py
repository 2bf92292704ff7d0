"""Writes the page of verdicts: `python -m bimedix2_plugin.settings`."""

from __future__ import annotations

from bimedix2_plugin.settings.page import PAGE, render

PAGE.write_text(render(), encoding="utf-8")
print(PAGE)
