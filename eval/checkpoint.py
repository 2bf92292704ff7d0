"""What identifies a checkpoint folder: a hash over all that decides its answers."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

from eval.errors import EvalError, say
from eval.model_class import check_class, sees

HASHED_SUFFIXES = {".json", ".jinja", ".safetensors"}
CHUNK_BYTES = 1 << 24
REPORT_SECONDS = 5.0
PROCESSOR_FILES = ("processor_config.json", "preprocessor_config.json")


def read_config(folder: Path) -> dict[str, Any]:
    """Read config.json of a checkpoint that transformers can load.

    Raises:
        EvalError: the folder is not there, is an adapter, has no readable config.json or no safetensors file, or is of
            a class that transformers has not.
    """
    if not folder.is_dir():
        raise EvalError(
            f"{folder}: no such folder. --model takes a checkpoint folder, or ORGANISATION/NAME on the Hub."
        )
    if not (folder / "config.json").is_file():
        if (folder / "adapter_config.json").is_file():
            raise EvalError(f"{folder}: this is an adapter. Merge it first with `axolotl merge-lora RECIPE`.")
        raise EvalError(f"{folder}: no config.json, so this is no checkpoint that transformers can load.")
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise EvalError(f"{folder / 'config.json'}: not valid JSON ({error}). Write the checkpoint again.") from error
    check_class(folder.as_posix(), config)
    if not any(folder.glob("*.safetensors")):
        raise EvalError(f"{folder}: no *.safetensors file, so the checkpoint has no weights. Write it again.")
    return config


def has_vision(folder: Path) -> bool:
    """Tell by its configuration whether a checkpoint is a vision-language model (True) or a text-only language model.

    Raises:
        EvalError: the folder is no checkpoint, or a vision-language model without its processor.
    """
    seeing = sees(read_config(folder))
    if seeing and not any((folder / file).is_file() for file in PROCESSOR_FILES):
        raise EvalError(
            f"{folder}: a vision-language model without its processor ({' or '.join(PROCESSOR_FILES)}), so images "
            "cannot be prepared as in training. Save the processor into the folder, or merge the adapter again."
        )
    return seeing


def checkpoint_sha256(folder: Path) -> str:
    """Hash the sorted names and sizes of a checkpoint's files, with the content of configuration and weights."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")):
        content = file_sha256(path) if path.suffix in HASHED_SUFFIXES else ""
        digest.update(f"{path.name}\0{path.stat().st_size}\0{content}\n".encode())
    return digest.hexdigest()


def file_sha256(path: Path) -> str:
    """Hash one file in chunks; a large file tells how far it is every few seconds."""
    size = path.stat().st_size
    done = 0
    last_report = time.monotonic()
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            done += len(chunk)
            if time.monotonic() - last_report > REPORT_SECONDS:
                last_report = time.monotonic()
                say(f"hashing {path.name}: {done / 1e9:.1f} of {size / 1e9:.1f} GB")
    return digest.hexdigest()
