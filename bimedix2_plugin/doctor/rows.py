"""The data sets that a recipe names, and whether training can read their rows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from bimedix2_plugin.data.prepared_set import MANIFEST, data_paths
from bimedix2_plugin.data.rendering import RowError
from bimedix2_plugin.doctor.finding import Finding
from bimedix2_plugin.plan import row_lengths
from bimedix2_plugin.plan.model_sizes import Models
from bimedix2_plugin.plan.planner import text_renderer

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault

_FIRST_ROWS = 64


def shards(cfg: DictDefault) -> Iterator[Finding]:
    """Check that each data set is as its manifest says."""
    for path in dict.fromkeys(data_paths(cfg)):
        manifest = Path(path) / MANIFEST
        if not manifest.is_file():
            continue  # the recipe's own check tells how to make it
        content = json.loads(manifest.read_text(encoding="utf-8"))
        files = content["shards"] | {f"images/{name}": part for name, part in content["images"].items()}
        wrong = [name for name, part in files.items() if _size(Path(path) / name) != part["bytes"]]
        if wrong:
            yield Finding("fail", f"datasets: {path}: {', '.join(wrong)} is not as its manifest says. Build it again.")
        else:
            yield Finding("ok", f"datasets: {path} is complete, {content['written']:,} rows")


def _size(file: Path) -> int | None:
    return file.stat().st_size if file.is_file() else None


def rendered(cfg: DictDefault, models: Models, scratch: Path) -> Iterator[Finding]:
    """Render the first rows as training will."""
    renderer = text_renderer(cfg, models, scratch)
    if renderer is None:
        yield Finding("warn", f"chat_template: the tokenizer of {models.base.name} is not here, nothing was rendered")
        return
    yield Finding("ok", "chat_template: renders a conversation with labels on the answers")
    if not row_lengths.built(cfg):
        return
    rejected: Counter[str] = Counter()
    first = [row for _, row in islice(row_lengths.read_rows(cfg), _FIRST_ROWS)]
    for row in first:
        try:
            if len(renderer.tokenise(row["messages"], len(row["images"] or [])).input_ids) > cfg.sequence_len:
                rejected["too_long"] += 1
        except RowError as error:
            rejected[error.reason] += 1
    told = ", ".join(f"{reason} {count}" for reason, count in rejected.items())
    text = f"datasets: {len(first) - rejected.total()} of the first {len(first)} rows can be used"
    if not rejected:
        yield Finding("ok", text)
    else:
        level = "fail" if rejected.total() == len(first) else "warn"
        yield Finding(level, f"{text}; the others are for the ledger: {told}. Look at them, or at sequence_len.")
