"""The language model's files, model.gguf and quantised ones, through Axolotl's export and llama.cpp's programs."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.export.checkpoint import Checkpoint
from bimedix2_plugin.export.programs import BY_CONVERTER, llama_cpp
from bimedix2_plugin.export.template import for_llama_cpp

MODEL = "model.gguf"
# numpy's writer, which the converter uses, and llama-quantize tell a full disk without the system's number.
_FULL = re.compile(r"\[Errno (?:27|28|30|122)\]|\d+ requested and \d+ written|iostream error")
_TAIL = 4


def quantised_name(quantisation: str) -> str:
    """Return the file's name."""
    return f"model-{quantisation}.gguf"


def write_text_half(
    checkpoint: Checkpoint, folder: Path, outtype: str, work: Path, quantisations: Sequence[str] = ()
) -> None:
    """Convert the language model, and quantise it.

    Args:
        checkpoint: the merged checkpoint.
        folder: of the files to write, MODEL and one for each quantisation.
        outtype: the converter's: f32, f16 or bf16.
        work: an empty folder, for the converter's input and its log.
        quantisations: of QUANTISATIONS.

    Raises:
        RecipeError: the converter does not know the model or its tokenizer, or llama-quantize failed.
        OSError: the disk is full.
    """
    from axolotl.utils.gguf import export_gguf

    source, log = work / "text", work / "converter.log"
    _link(checkpoint, source)
    target, compiled = str(folder / quantised_name("{ftype}")), [one for one in quantisations if one != BY_CONVERTER]
    try:
        with _output_to(log):
            if BY_CONVERTER in quantisations:
                (written,) = export_gguf(source, target, outtype=BY_CONVERTER.lower(), llama_cpp_dir=llama_cpp())
                written.rename(folder / quantised_name(BY_CONVERTER))
            whole, *_ = export_gguf(source, target, outtype=outtype, quantize=compiled, llama_cpp_dir=llama_cpp())
            whole.rename(folder / MODEL)
    except ValueError as error:  # of Axolotl's own checks
        raise RecipeError(f"MERGED: {checkpoint.folder}: {error}") from error
    except subprocess.CalledProcessError as error:
        raise _explained(checkpoint, error, log.read_text(encoding="utf-8", errors="replace")) from error


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


def _explained(checkpoint: Checkpoint, failed: subprocess.CalledProcessError, log: str) -> Exception:
    """Return the error that says why the converter or llama-quantize failed."""
    quantising = Path(failed.cmd[0]).name == "llama-quantize"
    program = f"llama-quantize (to {failed.cmd[-1]})" if quantising else "llama.cpp's converter"
    if _FULL.search(log) or -failed.returncode == signal.SIGXFSZ:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    where = f"MERGED: {checkpoint.folder}"
    if failed.returncode < 0:
        return RecipeError(f"{where}: {program} was stopped by signal {-failed.returncode}; is the memory full?")
    if "BPE pre-tokenizer was not recognized" in log:
        return RecipeError(
            f"{where}: llama.cpp's converter does not know this tokenizer. It knows a byte-level BPE by the ids of one "
            "test text: a tokenizer trained anew, or one whose own vocabulary was changed, is not known; added tokens "
            "do not matter. Serve the checkpoint with vLLM, or teach llama.cpp the tokenizer "
            "(convert_hf_to_gguf_update.py)."
        )
    last = " / ".join([line.strip() for line in log.splitlines() if line.strip()][-_TAIL:])
    return RecipeError(f"{where}: {program} failed: {last}")
