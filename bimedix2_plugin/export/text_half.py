"""The language model's file, model.gguf, through Axolotl's export and llama.cpp's converter."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.export.checkpoint import Checkpoint
from bimedix2_plugin.export.template import for_llama_cpp

_VARIABLE = "LLAMA_CPP_DIR"
_UNPACKED = Path(".tools/llama.cpp")  # by `make setup-export`
# numpy's writer, which the converter uses, tells a full disk without the system's number.
_FULL = re.compile(r"\[Errno (?:27|28|30|122)\]|\d+ requested and \d+ written")
_TAIL = 4
_HINT = (
    "Run `make setup-export`, which unpacks llama.cpp's converter from the sources of the installed xllamacpp; or "
    "clone https://github.com/ggml-org/llama.cpp and set $LLAMA_CPP_DIR to its folder."
)


def check_converter() -> None:
    """Check that llama.cpp's converter is at hand: in $LLAMA_CPP_DIR, or where `make setup-export` put it.

    Raises:
        RecipeError: it is not there.
    """
    from axolotl.utils.gguf import resolve_llama_cpp

    try:
        resolve_llama_cpp(_llama_cpp())
    except ValueError as error:
        given = os.environ.get(_VARIABLE)
        where = f"${_VARIABLE} is {given}, which holds no convert_hf_to_gguf.py" if given else "no llama.cpp was found"
        raise RecipeError(f"{where}. {_HINT}") from error


def _llama_cpp() -> Path | None:
    """Return where the converter is, None for what Axolotl itself finds."""
    return _UNPACKED if _VARIABLE not in os.environ and _UNPACKED.is_dir() else None


def write_text_half(checkpoint: Checkpoint, out: Path, outtype: str, work: Path) -> None:
    """Convert the language model.

    Args:
        checkpoint: the merged checkpoint.
        out: the file to write.
        outtype: the converter's: f32, f16 or bf16.
        work: an empty folder, for the converter's input and its log.

    Raises:
        RecipeError: the converter does not know the model or its tokenizer.
        OSError: the disk is full.
    """
    from axolotl.utils.gguf import export_gguf

    source, log = work / "text", work / "converter.log"
    _link(checkpoint, source)
    try:
        with _output_to(log):
            export_gguf(source, str(out), outtype=outtype, llama_cpp_dir=_llama_cpp())
    except ValueError as error:  # of Axolotl's own checks
        raise RecipeError(f"MERGED: {checkpoint.folder}: {error}") from error
    except subprocess.CalledProcessError as error:
        raise _explained(checkpoint, error.returncode, log.read_text(encoding="utf-8", errors="replace")) from error


def _link(checkpoint: Checkpoint, folder: Path) -> None:
    """Make the converter's input: the checkpoint by links, but with what the converter and the server need to read.

    The converter takes the language model's architecture from `text_config.architectures`, and otherwise for Llama's.
    """
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    folder.mkdir()
    for file in checkpoint.folder.iterdir():
        if file.is_file() and file.name not in ("config.json", "chat_template.jinja", "composition.json"):
            (folder / file.name).symlink_to(file.resolve())
    config = dict(checkpoint.config)
    if checkpoint.has_vision:
        kind = AutoConfig.from_pretrained(checkpoint.folder).text_config.model_type
        architectures = [str(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES[kind])]
        config["text_config"] = config["text_config"] | {"architectures": architectures}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    template = for_llama_cpp(checkpoint.folder)
    if template:
        (folder / "chat_template.jinja").write_text(template, encoding="utf-8")


@contextmanager
def _output_to(log: Path) -> Iterator[None]:
    """Send the output of this process and its children to a file; Axolotl's export leaves the converter's as it is."""
    kept = [os.dup(1), os.dup(2)]
    sys.stdout.flush()
    sys.stderr.flush()
    with log.open("wb") as file:
        try:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for descriptor, copy in enumerate(kept, start=1):
                os.dup2(copy, descriptor)
                os.close(copy)


def _explained(checkpoint: Checkpoint, code: int, log: str) -> Exception:
    """Return the error that says why the converter failed."""
    if _FULL.search(log):
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    where = f"MERGED: {checkpoint.folder}"
    if code < 0:
        return RecipeError(f"{where}: llama.cpp's converter was stopped by signal {-code}; is the memory full?")
    if "BPE pre-tokenizer was not recognized" in log:
        return RecipeError(
            f"{where}: llama.cpp's converter does not know this tokenizer. It knows a byte-level BPE by the ids of one "
            "test text: a tokenizer trained anew, or one whose own vocabulary was changed, is not known; added tokens "
            "do not matter. Serve the checkpoint with vLLM, or teach llama.cpp the tokenizer "
            "(convert_hf_to_gguf_update.py)."
        )
    last = " / ".join([line.strip() for line in log.splitlines() if line.strip()][-_TAIL:])
    return RecipeError(f"{where}: llama.cpp's converter failed: {last}")
