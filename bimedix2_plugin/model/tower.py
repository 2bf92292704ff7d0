"""The vision tower: its configuration, image processor, weights and features."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.atomic import writing
from bimedix2_plugin.model.families import Tower, tower_of
from bimedix2_plugin.model.model_folder import Source
from bimedix2_plugin.model.safetensors_index import Shards, read_shards

if TYPE_CHECKING:
    import torch

_BIN = "pytorch_model.bin"
_CALIBRATION_IMAGES, _CALIBRATION_TOKENS, _CALIBRATION_FEATURES = 4, 1024, 256


@dataclass(frozen=True)
class VisionTower:
    """A recipe's vision tower.

    Attributes:
        source: its folder.
        family: its row in `TOWERS`.
        config: the vision model's configuration.
    """

    source: Source
    family: Tower
    config: dict[str, Any]

    @property
    def hidden(self) -> int:
        """V: features' hidden size."""
        return int(self.config["hidden_size"])

    @property
    def image_size(self) -> int:
        """Side of the square input, in pixels."""
        return int(self.config["image_size"])

    @property
    def image_tokens(self) -> int:
        """Features of one image: one per patch, without class tokens."""
        return (self.image_size // int(self.config["patch_size"])) ** 2


def read_tower(source: Source) -> VisionTower:
    """Read a tower's configuration: the vision part of a CLIP or SigLIP.

    Raises:
        RecipeError: the model type is not a supported vision tower.
    """
    from transformers import AutoConfig

    family = tower_of(source.name, source.config)
    config = AutoConfig.from_pretrained(source.folder)
    vision = getattr(config, family.inside) if family.inside else config
    content = vision.to_dict()
    content["model_type"] = family.model_type
    return VisionTower(source, family, content)


def image_processor(tower: VisionTower, aspect: str) -> dict[str, Any]:
    """Return the preprocessor configuration: LLaVA's image processor with the tower's size and normalisation.

    Args:
        tower: the tower.
        aspect: "pad" to a square with the mean colour, or "square": resize the shorter side, crop the centre.
    """
    path = tower.source.folder / "preprocessor_config.json"
    own = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return {
        "image_processor_type": "LlavaImageProcessor",
        "processor_class": "LlavaProcessor",
        "do_pad": aspect == "pad",
        "do_resize": True,
        "size": {"shortest_edge": tower.image_size},
        "resample": own.get("resample", 3),
        "do_center_crop": True,
        "crop_size": {"height": tower.image_size, "width": tower.image_size},
        "do_rescale": True,
        "rescale_factor": own.get("rescale_factor", 1 / 255),
        "do_normalize": True,
        "image_mean": own.get("image_mean") or list(tower.family.mean),
        "image_std": own.get("image_std") or list(tower.family.std),
        "do_convert_rgb": True,
    }


def tower_shards(tower: VisionTower, root: Path) -> Shards:
    """Return the vision model's safetensors files.

    A folder with these tensors only is used directly. From a pytorch_model.bin, or files that also hold a text model
    (transformers reads every tensor of a file that an index names), they are extracted once.

    Raises:
        RecipeError: there are no weights, or a .bin holds other objects than tensors.
    """
    folder = tower.source.folder
    if any(folder.glob("*.safetensors")) or not (folder / _BIN).is_file():
        shards = read_shards("vision_tower", folder)
        if all(tower.family.owns(name) for name in shards.weight_map):
            return shards
        names = [name for name in shards.weight_map if tower.family.owns(name)]
        return _extracted(tower, root, lambda: {name: shards.tensor(name) for name in names})
    return _extracted(tower, root, lambda: _read_bin(folder / _BIN, tower.family))


def _read_bin(file: Path, family: Tower) -> dict[str, torch.Tensor]:
    """Read the vision model's tensors of a pytorch_model.bin; a pickle with other objects is refused."""
    import torch

    try:
        state = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:
        raise RecipeError(
            f"vision_tower: {file} cannot be read as plain tensors ({error}). Download it again."
        ) from error
    return {name: tensor for name, tensor in state.items() if family.owns(name)}


def _extracted(tower: VisionTower, root: Path, read: Callable[[], dict[str, torch.Tensor]]) -> Shards:
    """Write the vision model to a folder of its own, which all compositions share; return its files."""
    from safetensors.torch import save_file

    identity = json.dumps(tower.source.identity(), sort_keys=True).encode()
    target = root / "towers" / hashlib.sha256(identity).hexdigest()[:16]
    with writing(target) as partial:
        if partial is not None:
            vision = {name: tensor.clone().contiguous() for name, tensor in read().items()}
            if not vision:
                raise RecipeError(f"vision_tower: {tower.source.folder} holds no tensor of a vision model.")
            save_file(vision, partial / "model.safetensors", metadata={"format": "pt"})
            (partial / "config.json").write_text(json.dumps(tower.config, indent=1), encoding="utf-8")
    return read_shards("vision_tower", target)


def calibration_features(tower: VisionTower, shards: Shards, layer: int) -> torch.Tensor:
    """Run the tower on a few synthetic images, to measure the scale of its features.

    Returns:
        [N, V] features of the hidden state that the projector reads; N is a few hundred.

    Raises:
        RecipeError: the tower's weights do not match its configuration.
    """
    import torch
    from transformers import AutoModel

    model, report = AutoModel.from_pretrained(shards.folder, dtype=torch.float32, output_loading_info=True)
    if report["missing_keys"] or report["unexpected_keys"] or report["mismatched_keys"]:
        raise RecipeError(
            f"vision_tower: {tower.source.folder}: its weights do not match its config.json ({report}). "
            "Download it again."
        )
    generator = torch.Generator().manual_seed(0)
    images = min(_CALIBRATION_IMAGES, max(1, _CALIBRATION_TOKENS // tower.image_tokens))
    coarse = torch.randn(images, 3, 8, 8, generator=generator)
    pixels = torch.nn.functional.interpolate(coarse, size=tower.image_size, mode="bicubic", align_corners=False)
    with torch.no_grad():
        hidden = model.eval()(pixels, output_hidden_states=True).hidden_states[layer]
    features = hidden[:, tower.family.class_tokens :].reshape(-1, tower.hidden)
    return features[:: math.ceil(len(features) / _CALIBRATION_FEATURES)]
