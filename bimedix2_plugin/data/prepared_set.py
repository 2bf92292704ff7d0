"""The prepared set's folder, named by a key of everything that decides its content.

Axolotl's own key covers neither the tower nor the content of the data: with another tower or a rebuilt dataset it would
silently reuse old token ids.
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
from bimedix2_plugin.recipe import settings

DEFAULT = "outputs/prepared"
MANIFEST = "manifest.json"
_WRITTEN_LAST = "dataset_info.json"  # by `Dataset.save_to_disk`


def prepared_path(cfg: DictDefault, tokenizer_folder: Path) -> str:
    """Return the folder of a recipe's prepared set.

    Args:
        cfg: the recipe.
        tokenizer_folder: the composed folder. Its tokenizer, chat template (which holds the system text) and processor
            decide the token ids and the number of image tokens.
    """
    parts = {name: _digest(tokenizer_folder / name) for name in _DECIDING}
    parts |= {f"data {path}": _digest(Path(path) / MANIFEST) for path in data_paths(cfg)}
    parts |= {module.__name__.rpartition(".")[2]: _code_digest(module) for module in _DECIDING_CODE}
    parts |= {"stage": settings(cfg).stage, "sequence_len": str(cfg.sequence_len)}
    key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
    return str(Path(cfg.dataset_prepared_path or DEFAULT) / key)


# Modules, not file names: a module that moves stays in the key, and a removed one fails the import.
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
    """Return the dataset folders that a recipe names, training sets first."""
    return [entry["path"] for entry in [*(cfg.datasets or []), *(cfg.test_datasets or [])]]


def shards(path: str, split: str) -> list[str]:
    """Return the Parquet shards of a dataset's split, sorted; `split` may be a slice ("train[:500]")."""
    return sorted(str(file) for file in Path(path).glob(f"{split.partition('[')[0]}-*-of-*.parquet"))


def pin_shards(cfg: DictDefault) -> None:
    """List each dataset's shards in the configuration, file by file.

    Given only the folder, `datasets` keys its cache by the folder's name and card, so that a rebuilt dataset, or one of
    the same name elsewhere, would silently get the rows of the first. Files are keyed by path and time.
    """
    for entries, default in ((cfg.datasets, "train"), (cfg.test_datasets, "test")):
        for entry in entries or []:
            split = entry.get("split") or default
            name = split.partition("[")[0]
            files = shards(entry["path"], split)
            if files:
                entry["split"], entry["ds_type"], entry["data_files"] = split, "parquet", {name: files}
            else:  # an absolute path is never looked up on the Hub
                entry["path"] = str(Path(entry["path"]).absolute())


def unpin_shards(cfg: DictDefault) -> None:
    """Undo `pin_shards`: a Ray worker validates the configuration again, and Axolotl's schema accepts lists only."""
    for entry in [*(cfg.datasets or []), *(cfg.test_datasets or [])]:
        entry.pop("data_files", None)
        entry.pop("ds_type", None)


def remove_unfinished(prepared: str) -> None:
    """Remove partial datasets that a killed run left in the prepared set's folder; Axolotl would load them.

    A process that is writing holds Axolotl's lock; nothing is removed then.
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
    """Hash a module's file. Raises OSError if it has none: a key without it would reuse older code's output."""
    return hashlib.sha256(Path(str(module.__file__)).read_bytes()).hexdigest()
