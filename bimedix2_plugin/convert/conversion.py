"""Write a LLaVA-pp checkpoint as transformers' LLaVA, with the names of llava-hf, tensor by tensor.

Text files are those that composing writes: the placeholder's token, the processor, Llama 3's chat template. Tensors are
checked by name and shape before the first is written. The folder appears complete, or not at all.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bimedix2_plugin.convert import llava_pp
from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.merge.tensors import Weight, base_dtype, checkpoint_name, model_name
from bimedix2_plugin.merge.writing import room_for, write_shards
from bimedix2_plugin.model.atomic import writing
from bimedix2_plugin.model.model_folder import Source, resolve
from bimedix2_plugin.model.placeholder import Placeholder, with_rows
from bimedix2_plugin.model.request import Request
from bimedix2_plugin.model.safetensors_index import Shards, read_shards
from bimedix2_plugin.model.text_files import write_configuration
from bimedix2_plugin.model.tower import VisionTower, read_tower, tower_shards

if TYPE_CHECKING:
    import torch

_HEAD = "lm_head.weight"
_TOWERS = "clip_vision_model"
_TEXT = ("tokenizer*", "special_tokens_map.json", "added_tokens.json", "generation_config.json", "vocab.json")
_HELPERS = ".parts"
_SHOWN = 10


def convert(name: str, out: Path, *, tower: str | None = None, system: str | None = llava_pp.SYSTEM) -> Path:
    """Convert a checkpoint.

    Args:
        name: Hub id or folder of the checkpoint.
        out: folder for the converted one.
        tower: Hub id or folder of its vision tower, in place of the one that its configuration names.
        system: system text in the chat template; None for none.

    Raises:
        RecipeError: a part is missing, a tensor is unknown, missing or of another shape, the disk is full, or `out`
            exists. Nothing is written.
    """
    if out.exists():
        raise RecipeError(f"--out: {out} exists. Remove it, or name another folder.")
    source = resolve("FOLDER", name)
    checkpoint = llava_pp.read(source)
    shards = read_shards("FOLDER", source.folder)
    if llava_pp.EMBEDDINGS not in shards.weight_map:
        raise RecipeError(f"{source.folder}: {llava_pp.EMBEDDINGS} is in no file. Download the checkpoint again.")
    vision = _vision_tower(checkpoint, tower, weights=not _holds_tower(shards))
    with writing(out) as partial:
        if partial is None:
            raise RecipeError(f"--out: {out} was written by another process.")
        _fill(partial, checkpoint, shards, vision, system)
    return out


def _holds_tower(shards: Shards) -> bool:
    return any(name.startswith(llava_pp.TOWER) for name in shards.weight_map)


def _vision_tower(checkpoint: llava_pp.Checkpoint, given: str | None, *, weights: bool) -> VisionTower:
    """Read the tower's configuration; its weights are needed only where the checkpoint holds none."""
    name = given or checkpoint.tower
    if not name:
        raise RecipeError(f"{checkpoint.source.folder}: its config.json names no mm_vision_tower. Set --vision-tower.")
    key = "--vision-tower" if given else "mm_vision_tower (set --vision-tower to name another)"
    tower = read_tower(resolve(key, name, weights=weights))
    if tower.config["model_type"] != _TOWERS:
        raise RecipeError(f"{key}: {name} is a {tower.config['model_type']!r}; LLaVA-pp's towers are CLIP's.")
    if checkpoint.vision_hidden not in (None, tower.hidden):
        raise RecipeError(
            f"{key}: {name} has a hidden size of {tower.hidden}, the checkpoint's mm_hidden_size is "
            f"{checkpoint.vision_hidden}. Name the tower that it was trained with."
        )
    return tower


def _fill(
    folder: Path, checkpoint: llava_pp.Checkpoint, shards: Shards, tower: VisionTower, system: str | None
) -> None:
    from transformers import AutoConfig, LlavaForConditionalGeneration

    helpers = folder / _HELPERS
    base = _language_model(helpers / "base", checkpoint, shards.shape(llava_pp.EMBEDDINGS)[0])
    request = Request(
        base=base.name,
        tower=tower.source.name,
        vision_feature_layer=checkpoint.layer,
        image_aspect=checkpoint.aspect,
        chat_template="llama3",
        system=system,
    )
    placeholder = write_configuration(folder, request, base, tower)
    dtype = base_dtype(shards)
    config = AutoConfig.from_pretrained(folder)
    for part in (config, config.text_config, config.vision_config):
        part.dtype = dtype
    config.save_pretrained(folder)
    vision = None if _holds_tower(shards) else tower_shards(tower, helpers)
    weights, values = planned(shards, vision, _shapes(LlavaForConditionalGeneration, config), placeholder)
    room_for(folder, sum(weight.elements for weight in weights) * dtype.itemsize)
    write_shards(folder, weights, values, dtype, "Converting")
    for file in folder.glob("*.safetensors"):
        file.chmod((folder / "config.json").stat().st_mode)  # safetensors makes files that only the owner can read
    shutil.rmtree(helpers)


def _language_model(folder: Path, checkpoint: llava_pp.Checkpoint, rows: int) -> Source:
    """Write the language model's text files alone, as a base that can be composed; return it."""
    folder.mkdir(parents=True)
    for pattern in _TEXT:
        for file in checkpoint.source.folder.glob(pattern):
            shutil.copyfile(file, folder / file.name)
    # The configuration may have been saved before the row for <pad> was added.
    config = checkpoint.language_model | {"vocab_size": rows}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return Source(str(folder), folder, checkpoint.source.revision)


def _shapes(kind: Any, config: Any) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor of a model, by name."""
    import torch

    with torch.device("meta"):
        model = kind(config)
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    if config.tie_word_embeddings:
        del shapes[_HEAD]
    return shapes


def planned(
    shards: Shards, vision: Shards | None, shapes: dict[str, tuple[int, ...]], placeholder: Placeholder
) -> tuple[list[Weight], Callable[[Weight], torch.Tensor]]:
    """Plan the converted tensors, in the order of the files.

    Args:
        shards: the checkpoint's files.
        vision: the tower's files, if the checkpoint does not hold it.
        shapes: of each tensor of transformers' model, by its name there.
        placeholder: the placeholder's token; a row is added where the vocabulary has none to spare.

    Returns:
        The tensors, and the function that reads one.

    Raises:
        RecipeError: lists tensors that are unknown, missing, or of another shape.
    """
    places = {name: (shards, name) for name in _in_order(shards)}
    if vision is not None:
        places |= {llava_pp.TOWER + name: (vision, name) for name in _in_order(vision)}
    weights, problems = [], []
    tied = _HEAD not in shapes
    for name, (files, stored) in places.items():
        inside = model_name(name, llava_pp.NAMES)
        if llava_pp.is_buffer(name) or (tied and name == _HEAD):
            continue
        expected, shape = shapes.get(inside), files.shape(stored)
        if placeholder.grown and name in (llava_pp.EMBEDDINGS, _HEAD):
            shape = (placeholder.vocab_size, *shape[1:])
        if expected is None:
            problems.append(f"{files.folder}: the tensor {stored} is unknown; the model would be another without it.")
        elif shape != expected:
            problems.append(f"{files.folder}: {stored} has the shape {list(shape)}, not {list(expected)}.")
        else:
            weights.append(Weight(checkpoint_name(inside, _TOWERS), inside, name, math.prod(expected)))
    missing = sorted(shapes.keys() - {model_name(name, llava_pp.NAMES) for name in places})
    problems += [f"{shards.folder}: no tensor for {name} of the model. Download it again." for name in missing]
    if problems:
        more = len(problems) - _SHOWN
        raise RecipeError(problems[:_SHOWN] + ([f"and {more} more tensors"] if more > 0 else []))

    def value(weight: Weight) -> torch.Tensor:
        files, stored = places[weight.stored]
        tensor = files.tensor(stored)
        return with_rows(tensor, placeholder.vocab_size) if weight.stored in (llava_pp.EMBEDDINGS, _HEAD) else tensor

    return weights, value


def _in_order(shards: Shards) -> list[str]:
    return sorted(shards.weight_map, key=lambda name: (shards.weight_map[name], name))
