"""Row lengths of a recipe's training data: counted on the built dataset, or drawn from a length table.

A table in `lengths/` gives numbers of rows by language and kind, with assumed token lengths; every result that is based
on one is marked as an assumption.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from bimedix2_plugin.data.prepared_set import MANIFEST, shards
from bimedix2_plugin.data.rendering import IGNORED, Renderer, RowError, Tokenised
from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.vision_language.descriptor import Encoded, VisionLanguageModel
from data_prep.images.store import ImageStoreError, open_store

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault

SAMPLE = 10_000
NONE = Encoded(0, 0, 0, 0, 0)
_TABLES = Path(__file__).with_name("lengths")


@dataclass(frozen=True)
class Rows:
    """A sample of the training rows that are short enough to be used.

    Attributes:
        source: of the lengths, as printed.
        assumed: whether the lengths are assumed.
        total: usable rows of the whole dataset, which the sample represents.
        tokens, labels: int64 [N]; image tokens are counted in `tokens`.
        encoded: float64 [N, 5], the sizes of a row's images, in `Encoded`'s order.
        kinds: [N] language and kind, such as "ar image".
        rejected: rows of the whole dataset that would be rejected.
    """

    source: str
    assumed: bool
    total: int
    tokens: np.ndarray
    labels: np.ndarray
    encoded: np.ndarray
    kinds: np.ndarray
    rejected: int = 0

    @property
    def scale(self) -> float:
        """Rows of the dataset for each row of the sample."""
        return self.total / len(self.tokens)


def tables() -> list[str]:
    """Return the names of the shipped length tables."""
    return sorted(path.stem for path in _TABLES.glob("*.yml"))


def rows_from_table(name: str, image: Encoded, sequence_len: int, arabic: float = 1.0) -> Rows:
    """Draw rows from a shipped table, always the same ones.

    Args:
        name: of the table.
        image: sizes of one image; every image of the table has these.
        sequence_len: longest row.
        arabic: tokens of the base's tokenizer per token of the table, in Arabic.

    Raises:
        RecipeError: the table does not exist.
    """
    path = _TABLES / f"{name}.yml"
    if not path.is_file():
        raise RecipeError(f"--lengths: no table {name!r}; there are {', '.join(tables())}.")
    table = yaml.safe_load(path.read_text(encoding="utf-8"))
    draw, total = np.random.default_rng(0), sum(entry["rows"] for entry in table["rows"])
    columns: dict[str, list[Any]] = {"tokens": [], "labels": [], "encoded": [], "kinds": []}
    for entry in table["rows"]:
        count = max(1, round(entry["rows"] * min(1.0, SAMPLE / total)))
        longer = arabic if entry["language"] == "ar" else 1.0
        answer, prompt = (_spread(draw, longer * entry[part], table["spread"], count) for part in ("answer", "prompt"))
        columns["labels"].append(answer)
        columns["tokens"].append(answer + prompt + entry["images"] * int(image.placeholders))
        columns["encoded"].append(np.tile(entry["images"] * np.array(image, float), (count, 1)))
        columns["kinds"].append(np.full(count, f"{entry['language']} {'image' if entry['images'] else 'text'}"))
    arrays = {column: np.concatenate(parts) for column, parts in columns.items()}
    fits = arrays["tokens"] <= sequence_len
    kept = round(total * float(fits.mean()))
    source = f"table {name}" + (f" with Arabic {arabic:g} times as long" if arabic != 1 else "")
    return Rows(source, True, kept, **{name: part[fits] for name, part in arrays.items()}, rejected=total - kept)


def _spread(draw: np.random.Generator, mean: float, spread: float, count: int) -> np.ndarray:
    return np.maximum(1, draw.lognormal(np.log(mean) - spread**2 / 2, spread, count)).astype(np.int64)


def rows_from_data(cfg: DictDefault, renderer: Renderer, model: VisionLanguageModel) -> Rows:
    """Tokenize at most `SAMPLE` evenly spaced rows of the recipe's training sets.

    Args:
        cfg: the recipe.
        renderer: with the base's own tokenizer and chat template.
        model: descriptor of the whole model.

    Raises:
        RecipeError: no row can be used.
    """
    counted, encoded, kinds, every = [], [], [], max(1, -(-data_rows(cfg) // SAMPLE))
    sampled = 0
    for path, row in read_rows(cfg, every):
        sampled += 1
        try:
            row_tokens = tokenised(renderer, path, row)
        except RowError:
            continue
        if len(row_tokens.input_ids) <= cfg.sequence_len:
            labels = int((row_tokens.labels != IGNORED).sum())
            counted.append((len(row_tokens.input_ids), labels))
            encoded.append(np.sum([NONE, *(model.encoded(*size) for size in image_sizes(path, row))], axis=0))
            kinds.append(f"{row['language']} {'image' if row['images'] else 'text'}")
    if not counted:
        raise RecipeError(f"datasets: none of {sampled} rows can be tokenized; run `axolotl preprocess` to see why.")
    total = data_rows(cfg)
    kept = round(total * len(counted) / sampled)
    tokens, labels = np.array(counted, dtype=np.int64).T
    paths = ", ".join(entry["path"] for entry in cfg.datasets)
    source = f"{paths}: {sampled:,} of {total:,} rows tokenized"
    return Rows(source, False, kept, tokens, labels, np.array(encoded), np.array(kinds), rejected=total - kept)


def tokenised(renderer: Renderer, path: str, row: dict[str, Any]) -> Tokenised:
    """Tokenize a row of a dataset's folder. Raises RowError: it cannot be used."""
    return renderer.tokenise(row["messages"], image_sizes(path, row))


def image_sizes(path: str, row: dict[str, Any]) -> list[tuple[int, int]]:
    """Return the width and height (pixels) of a row's images. Raises RowError: one is not in the store."""
    try:
        return [open_store(str(Path(path) / "images")).size(key) for key in row["images"] or []]
    except ImageStoreError as error:
        raise RowError("missing_image", str(error)) from error


def built(cfg: DictDefault) -> bool:
    """Whether all training sets of a recipe are complete."""
    entries = cfg.datasets or []
    return bool(entries) and all((Path(entry["path"]) / MANIFEST).is_file() for entry in entries)


def data_rows(cfg: DictDefault) -> int:
    """Return the number of rows of a recipe's training sets, from the shards' metadata."""
    return sum(len(_chosen(entry)) for entry in cfg.datasets)


def read_rows(cfg: DictDefault, every: int = 1) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every n-th row of the recipe's training sets, with its dataset's path."""
    import pyarrow.parquet as pq

    for entry in cfg.datasets:
        chosen, start = _chosen(entry), 0
        for shard in shards(entry["path"], entry.get("split") or "train"):
            rows = pq.ParquetFile(shard).metadata.num_rows
            wanted = [number - start for number in chosen[::every] if start <= number < start + rows]
            if wanted:
                table = pq.read_table(shard, columns=["id", "language", "messages", "images"])
                for row in table.take(wanted).to_pylist():
                    yield entry["path"], row
            start += rows


def _chosen(entry: dict[str, Any]) -> range:
    """Return the row indices of a dataset entry's split, which may be a slice ("train[:500]")."""
    import pyarrow.parquet as pq
    from datasets import ReadInstruction

    split = entry.get("split") or "train"
    total = sum(pq.ParquetFile(shard).metadata.num_rows for shard in shards(entry["path"], split))
    (part,) = ReadInstruction.from_spec(split).to_absolute({split.partition("[")[0]: total})
    return range(part.from_ or 0, total if part.to is None else part.to)
