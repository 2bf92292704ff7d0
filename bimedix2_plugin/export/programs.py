"""llama.cpp's programs: the converter, and llama-quantize."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from bimedix2_plugin.errors import RecipeError

# Of llama-quantize's types, those that need no importance matrix.
QUANTISATIONS = (
    *("Q2_K", "Q3_K_S", "Q3_K_M", "Q3_K_L", "Q4_0", "Q4_1", "Q4_K_S", "Q4_K_M", "Q5_0", "Q5_1", "Q5_K_S", "Q5_K_M"),
    *("Q6_K", "Q8_0", "IQ4_NL", "IQ4_XS"),
)
BY_CONVERTER = "Q8_0"
"""The only one of them that the converter writes itself."""
_VARIABLE = "LLAMA_CPP_DIR"
_UNPACKED = Path(".tools/llama.cpp")  # by `make setup-export`
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
        resolve_llama_cpp(llama_cpp())
    except ValueError as error:
        given = os.environ.get(_VARIABLE)
        where = f"${_VARIABLE} is {given}, which holds no convert_hf_to_gguf.py" if given else "no llama.cpp was found"
        raise RecipeError(f"{where}. {_HINT}") from error


def llama_cpp() -> Path | None:
    """Return where the converter is, None for what Axolotl itself finds."""
    return _UNPACKED if _VARIABLE not in os.environ and _UNPACKED.is_dir() else None


def check_quantiser(quantisations: Sequence[str]) -> None:
    """Check that llama-quantize is at hand, if one of these needs it: beside the converter, or on the PATH.

    Raises:
        RecipeError: it is not there, or cannot be run.
    """
    from axolotl.utils.gguf import resolve_llama_cpp, resolve_quantize_bin

    needing = [name for name in quantisations if name != BY_CONVERTER]
    if not needing:
        return
    folder = resolve_llama_cpp(llama_cpp())
    try:
        found = resolve_quantize_bin(folder)
    except ValueError as error:
        raise RecipeError(
            f"--quantize {','.join(needing)}: no llama-quantize in {folder / 'build/bin'} or on the PATH. Run "
            f"`make setup-quantize`, which compiles it; {BY_CONVERTER} needs none."
        ) from error
    if not os.access(found, os.X_OK):
        raise RecipeError(f"--quantize {','.join(needing)}: {found} cannot be executed. Run: chmod +x {found}")
