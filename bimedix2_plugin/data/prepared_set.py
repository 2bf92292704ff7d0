"""The prepared set's folder, keyed by everything that decides its content.

Axolotl's own key knows neither the tower nor what is in the data: another tower, or a rebuilt data set, would
silently reuse stale ids.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import suppress
from pathlib import Path
from types import ModuleType

from axolotl.utils.data.lock import LOCK_FILE_NAME
from axolotl.utils.dict import DictDefault
from filelock import FileLock, Timeout

from bimedix2_plugin import conversation
from bimedix2_plugin.data import rendering
from bimedix2_plugin.model import chat_template

DEFAULT = "outputs/prepared"
MANIFEST = "manifest.json"
_WRITTEN_LAST = "dataset_info.json"  # by `Dataset.save_to_disk`


def prepared_path(cfg: DictDefault, tokenizer_folder: Path) -> str:
    """Return the folder for a recipe's prepared set.

    Args:
        cfg: the recipe.
        tokenizer_folder: composed folder, whose tokenizer, chat template (with the system text) and processor
            decide the ids and the number of image tokens.
    """
    parts = {name: _digest(tokenizer_folder / name) for name in _DECIDING}
    parts |= {f"data {path}": _digest(Path(path) / MANIFEST) for path in data_paths(cfg)}
    parts |= {module.__name__.rpartition(".")[2]: _code_digest(module) for module in _DECIDING_CODE}
    parts |= {"stage": cfg.stage or "instruct", "sequence_len": str(cfg.sequence_len)}
    key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
    return str(Path(cfg.dataset_prepared_path or DEFAULT) / key)


# Modules, not file names: a module that moves stays in the key, and one that goes fails the import.
_DECIDING_CODE = (rendering, conversation, chat_template)
_DECIDING = (
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "processor_config.json",
    "preprocessor_config.json",
    "config.json",
)


def data_paths(cfg: DictDefault) -> list[str]:
    """Return the data set folders that a recipe names, training sets first."""
    return [entry["path"] for entry in [*(cfg.datasets or []), *(cfg.test_datasets or [])]]


def shards(path: str, split: str) -> list[str]:
    """Return the Parquet shards of a data set folder's split, in order; `split` may be sliced ("train[:500]")."""
    return sorted(str(file) for file in Path(path).glob(f"{split.partition('[')[0]}-*-of-*.parquet"))


def pin_shards(cfg: DictDefault) -> None:
    """Name each data set's shards to Axolotl, file by file.

    Given the folder alone, `datasets` keys its cache by the folder's name and card: a rebuilt set, or another
    project's set of the same name, would silently serve the rows of the first. Files are keyed by path and time.
    """
    for entries, default in ((cfg.datasets, "train"), (cfg.test_datasets, "test")):
        for entry in entries or []:
            split = entry.get("split") or default
            name = split.partition("[")[0]
            files = shards(entry["path"], split)
            if files:
                entry["split"], entry["ds_type"], entry["data_files"] = split, "parquet", {name: files}
            else:  # no repository of the Hub is named like a whole path: it is not looked up there
                entry["path"] = str(Path(entry["path"]).absolute())


def unpin_shards(cfg: DictDefault) -> None:
    """Take back what `pin_shards` named: Axolotl's schema, which a worker of Ray applies again, knows lists alone."""
    for entry in [*(cfg.datasets or []), *(cfg.test_datasets or [])]:
        entry.pop("data_files", None)
        entry.pop("ds_type", None)


def remove_unfinished(prepared: str) -> None:
    """Remove what a killed run left half-written in a prepared set's folder; Axolotl would take it for the set.

    A process that is writing holds Axolotl's lock; then nothing is touched.
    """
    folder = Path(prepared)
    folder.mkdir(parents=True, exist_ok=True)
    with suppress(Timeout), FileLock(folder / LOCK_FILE_NAME, timeout=0):
        for saved in folder.iterdir():
            if saved.is_dir() and not (saved / _WRITTEN_LAST).is_file():
                shutil.rmtree(saved)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""


def _code_digest(module: ModuleType) -> str:
    """Hash a module's file. Raises OSError where it has none: a key without it would reuse what older code made."""
    return hashlib.sha256(Path(str(module.__file__)).read_bytes()).hexdigest()
