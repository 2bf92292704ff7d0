"""Compose a base and a tower into one LLaVA model folder without copying their weights.

The folder holds a configuration, a tokenizer with the image placeholder, a processor, a projector shard, and symbolic
links to the shards of the base and the tower, with one index over all of them. `load` (or `from_pretrained` with the
folder's key mapping) reads it as `LlavaForConditionalGeneration`. Data is prepared with a folder of text files only,
and no weight is downloaded for that.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bimedix2_plugin.model import native, projector
from bimedix2_plugin.model.atomic import writing
from bimedix2_plugin.model.base_kind import check_base
from bimedix2_plugin.model.families import base_of, key_mapping
from bimedix2_plugin.model.model_folder import Source, resolve
from bimedix2_plugin.model.native import COMPOSITION
from bimedix2_plugin.model.placeholder import Placeholder, with_rows
from bimedix2_plugin.model.request import Request
from bimedix2_plugin.model.safetensors_index import Shards, check_links, read_shards
from bimedix2_plugin.model.text_files import write_configuration
from bimedix2_plugin.model.tower import VisionTower, calibration_features, read_tower, tower_shards

if TYPE_CHECKING:
    import torch

FORMAT = 3
_EMBEDDINGS, _HEAD = "model.embed_tokens.weight", "lm_head.weight"
_EMBEDDING_SAMPLE = 4096


def compose(request: Request) -> Path:
    """Return the composed folder of a request; write it if it does not exist.

    Without weights it holds configuration, tokenizer and processor, and no `composition.json`: nothing can load it as a
    model. Its path is the same before and after the weights are downloaded.
    Many processes may call this at once. An interrupted call leaves no partial folder behind.

    Raises:
        RecipeError: a part is missing or does not fit, or a link of an existing folder is broken.
    """
    if request.tower is None:
        return native.link(request)
    base = resolve("base_model", request.base, request.base_revision, weights=request.weights)
    check_base(base.name, base.config, with_tower=True)
    tower = read_tower(resolve("vision_tower", request.tower, request.tower_revision, weights=request.weights))
    shape = projector.ProjectorShape(
        request.kind, tower.hidden, int(base.config["hidden_size"]), request.vision_feature_layer
    )
    if request.weights and request.init_from:
        projector.check(Path(request.init_from), shape, {"base": base.config, "tower": tower.source.config})
    folder = request.root / _key(request, base, tower)
    with writing(folder) as partial:
        if partial is not None:
            _fill(partial, request, base, tower, shape)
    check_links(folder)
    return folder


def load(folder: str | Path, **kwargs: Any) -> Any:
    """Load a composed folder as its own class; keyword arguments go to `from_pretrained`."""
    from transformers import AutoModelForImageTextToText

    return AutoModelForImageTextToText.from_pretrained(folder, key_mapping=mapping(folder), **kwargs)


def mapping(folder: str | Path) -> dict[str, str] | None:
    """Return the `key_mapping` with which `from_pretrained` reads a composed folder; None for a native model's."""
    parts = json.loads((Path(folder) / COMPOSITION).read_text(encoding="utf-8"))
    return key_mapping(parts["tower"]["config"]["model_type"]) if "tower" in parts else None


def _key(request: Request, base: Source, tower: VisionTower) -> str:
    inherited = None
    if request.weights and request.init_from:
        inherited = hashlib.sha256((Path(request.init_from) / projector.WEIGHTS).read_bytes()).hexdigest()
    asked = asdict(request) | {"root": None, "init_from": inherited, "chat_template_jinja": request.template_text()}
    del asked["processor_kwargs"]
    parts = {"base": base, "tower": tower.source}
    identities = {part: source.identity(weights=request.weights) for part, source in parts.items()}
    content = {"format": FORMAT, "request": asked, **identities}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _fill(folder: Path, request: Request, base: Source, tower: VisionTower, shape: projector.ProjectorShape) -> None:
    if not request.weights:
        write_configuration(folder, request, base, tower)
        return
    base_shards = read_shards("base_model", base.folder)
    vision_shards = tower_shards(tower, request.root)
    placeholder = write_configuration(folder, request, base, tower)
    weight_map = _link(folder, base_shards, "base") | _link(folder, vision_shards, "tower")
    if placeholder.grown:
        weight_map |= _grow(folder, base_shards, placeholder)
    scaled = base_of(base.name, base.config).scaled_embeddings
    weights = _projector_weights(request, shape, tower, vision_shards, base_shards, scaled_embeddings=scaled)
    projector.save(folder, asdict(shape), weights)
    weight_map |= dict.fromkeys(weights, projector.WEIGHTS)
    index = {"metadata": {}, "weight_map": dict(sorted(weight_map.items()))}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1), encoding="utf-8")
    parts = {
        "format": FORMAT,
        "base": base.identity(),
        "tower": tower.source.identity(),
        "projector": asdict(shape) | {"init_from": request.init_from},
        "placeholder": asdict(placeholder),
    }
    (folder / COMPOSITION).write_text(json.dumps(parts, indent=1, sort_keys=True), encoding="utf-8")


def _link(folder: Path, shards: Shards, part: str) -> dict[str, str]:
    """Link a model's shards into the folder; return the link's name for each tensor."""
    names = {file: f"{part}-{file}" for file in shards.files}
    for file, name in names.items():
        (folder / name).symlink_to((shards.folder / file).resolve())
    return {tensor: names[file] for tensor, file in shards.weight_map.items()}


def _grow(folder: Path, shards: Shards, placeholder: Placeholder) -> dict[str, str]:
    """Write the embedding matrices with a new row, the mean of the others; nothing else of the base is copied."""
    from safetensors.torch import save_file

    grown = {
        name: with_rows(shards.tensor(name), placeholder.vocab_size)
        for name in (_EMBEDDINGS, _HEAD)
        if name in shards.weight_map
    }
    save_file(grown, folder / "embeddings.safetensors")
    return dict.fromkeys(grown, "embeddings.safetensors")


def _projector_weights(
    request: Request,
    shape: projector.ProjectorShape,
    tower: VisionTower,
    vision: Shards,
    base: Shards,
    *,
    scaled_embeddings: bool,
) -> dict[str, torch.Tensor]:
    if request.init_from:
        return projector.load(Path(request.init_from))
    embedding_std = float(base.rows(_EMBEDDINGS, _EMBEDDING_SAMPLE).float().std())
    if scaled_embeddings:
        embedding_std *= math.sqrt(shape.text_hidden)
    features = calibration_features(tower, vision, request.vision_feature_layer)
    return projector.initialise(shape, features, embedding_std)
