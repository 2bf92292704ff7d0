"""Where a model is: a local folder, or a snapshot of a repository on the Hugging Face Hub."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from eval.errors import EvalError, say

HUB_NAME = re.compile(r"(?P<name>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?")
FILES = ["*.json", "*.safetensors", "*.jinja", "*.txt", "*.model"]
"""What a checkpoint of transformers needs: configuration, weights, chat template, vocabulary."""


@dataclass(frozen=True)
class Source:
    """A model's name as it was asked for, its folder, and on the Hub the commit of its snapshot."""

    name: str
    folder: Path
    commit: str | None = None


def locate(model: str) -> Source:
    """Find a model: a folder of that name, else a repository on the Hub, ORGANISATION/NAME or with @REVISION.

    Only missing files are downloaded, and none with HF_HUB_OFFLINE.

    Raises:
        EvalError: there is neither a folder nor a repository, or it cannot be downloaded.
    """
    folder = Path(model)
    found = HUB_NAME.fullmatch(model)
    if not found or folder.is_dir() or folder.parent.is_dir():  # a name in a folder that is there is a path
        return Source(folder.as_posix(), folder)
    from huggingface_hub import constants, snapshot_download

    name, revision = found["name"], found["revision"]
    offline = bool(constants.HF_HUB_OFFLINE)
    if not offline:
        say(f"{model}: no such folder, so it is looked up on the Hub")
    try:
        snapshot = snapshot_download(name, revision=revision, allow_patterns=FILES, local_files_only=offline)
    # The Hub's client raises errors of its own, of the network, of the disk and of names.
    except Exception as error:
        where = "nor a snapshot in the Hub's cache, and HF_HUB_OFFLINE is set" if offline else "nor can the Hub give it"
        reason = " ".join(str(error).split())
        raise EvalError(
            f"--model {model}: there is no such folder, {where} ({type(error).__name__}: {reason[:200]}). "
            "Check the name and the revision; for a gated model, accept its terms and run `hf auth login`."
        ) from None
    return Source(name, Path(snapshot), Path(snapshot).name)


def short_name(model: str) -> str:
    """The last part of a name; for a folder `merged`, which `axolotl merge-lora` writes, its parent's name."""
    path = Path(model)
    return (path.parent.name if path.name == "merged" else path.name) or model
