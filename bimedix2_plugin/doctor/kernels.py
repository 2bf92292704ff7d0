"""Flash attention: the compiled package, or a prebuilt kernel of the Hub, which needs no CUDA compiler.

transformers takes the package if it is installed and a GPU is there, otherwise the kernel, through the `kernels`
package: from the folder that LOCAL_KERNELS names, from the Hub's cache under HF_HUB_OFFLINE, or from the Hub. Without a
network and without either variable it fails although the kernel is in the cache.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bimedix2_plugin.doctor.finding import Finding
from bimedix2_plugin.errors import RecipeError

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault

DEFAULT = "flash_attention_2"
SDPA = (
    "or set attn_implementation: sdpa in the recipe: with sample_packing and bf16 on CUDA, Axolotl then uses torch's "
    "own varlen kernel, without a download"
)


def flash_attention(cfg: DictDefault, *, required: bool) -> Iterator[Finding]:
    """Ask transformers whether the flash attention of a recipe can be used; this downloads its kernel if need be.

    Args:
        cfg: the recipe.
        required: it is a failure if not; otherwise a warning.
    """
    name = cfg.attn_implementation
    if name not in _checks():
        return
    if _checks()[name](kernels_fallback_ok=True):
        yield Finding("ok", f"attn_implementation: {name} {_source(name)}")
        return
    text = (
        f"attn_implementation: {name} cannot be used here: {_reason(name)}. Run `make setup-gpu` where there is a "
        f"network (it says what a node without one needs), {SDPA}."
    )
    yield Finding("fail" if required else "warn", text)


def download(name: str = DEFAULT) -> tuple[str, Path]:
    """Download the kernel that fits the installed torch, and let it be found under HF_HUB_OFFLINE too.

    Args:
        name: an `attn_implementation`.

    Returns:
        the repository on the Hub, and the kernel's folder in the cache, which LOCAL_KERNELS can name.

    Raises:
        RecipeError: it cannot be had.
    """
    from huggingface_hub import hf_hub_download
    from kernels import install_kernel
    from kernels.hf_hub import CACHE_DIR

    repo, version = _kernel(name)
    try:
        variant = install_kernel(repo, version=version)
        # Downloaded by commit: only a download by branch records which commit the version is, as looking it up
        # offline needs.
        file = f"build/{variant.name}/metadata.json"
        hf_hub_download(repo, file, repo_type="kernel", revision=f"v{version}", cache_dir=CACHE_DIR)
        install_kernel(repo, version=version, local_files_only=True)
    except Exception as error:  # of several packages: no network, no build for this torch, an untrusted publisher
        raise RecipeError(
            f"{repo}, version {version}, cannot be had: {_why(repo, error)}. Without a network to the Hub, run this on "
            "another machine with the same torch and copy the folder that it prints; or compile flash-attn with "
            f"`make setup-flash-attn`; {SDPA}."
        ) from error
    return repo, variant


def _checks() -> dict[str, Callable[..., bool]]:
    from transformers.utils import is_flash_attn_2_available, is_flash_attn_3_available

    return {DEFAULT: is_flash_attn_2_available, "flash_attention_3": is_flash_attn_3_available}


def _kernel(name: str) -> tuple[str, int]:
    """Return the repository and the version of the kernel that transformers takes in the place of the package."""
    from transformers.integrations.hub_kernels import get_attn_kernel_version
    from transformers.modeling_flash_attention_utils import FLASH_ATTN_KERNEL_FALLBACK

    repo = FLASH_ATTN_KERNEL_FALLBACK[name]
    return repo, get_attn_kernel_version(repo)


def _source(name: str) -> str:
    if _checks()[name]():
        return "from its installed package"
    local = " of LOCAL_KERNELS" if _kernel(name)[0] in os.environ.get("LOCAL_KERNELS", "") else ""
    return f"through the prebuilt kernel {_kernel(name)[0]}{local}"


def _reason(name: str) -> str:
    """Return why the kernel does not load: transformers says only that it does not."""
    from kernels import get_kernel

    repo, version = _kernel(name)
    try:
        get_kernel(repo, version=version)
    except Exception as error:
        return f"the package is not installed, and the kernel {repo} does not load ({_why(repo, error)})"
    return "transformers refuses it, although its kernel loads now; try again"


def _why(repo: str, error: Exception) -> str:
    """Return an error's first line; for `kernels` an unreachable Hub is an untrusted publisher."""
    if "could not verify publisher trust" in str(error):
        return f"the Hub cannot be reached, or does not vouch for {repo.partition('/')[0]}"
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".: ")
