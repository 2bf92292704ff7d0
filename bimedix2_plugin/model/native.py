"""A base that already sees, in a folder of its own: links to its weights, its processor, the run's chat template.

Nothing of the base is copied but its text files. The projector is the base's, or stage 1's.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model import projector
from bimedix2_plugin.model.atomic import writing
from bimedix2_plugin.model.base_kind import check_base
from bimedix2_plugin.model.chat_template import base_template, end_of_turn
from bimedix2_plugin.model.model_folder import Source, resolve
from bimedix2_plugin.model.native_template import native_template
from bimedix2_plugin.model.request import Request
from bimedix2_plugin.model.safetensors_index import Shards, check_links, read_shards
from bimedix2_plugin.model.vision_language.registry import is_projector, of_folder, projector_name

if TYPE_CHECKING:
    import torch

FORMAT = 1
COMPOSITION = "composition.json"
_INDEX = "model.safetensors.index.json"
_TEXT_FILES = ("config.json", "generation_config.json", "preprocessor_config.json", "processor_config.json")


def link(request: Request) -> Path:
    """Return the folder of a request without a tower; write it if it does not exist.

    Raises:
        RecipeError: the base is no supported vision-language model, lacks a file, or stage 1's projector does not fit.
    """
    base = resolve("base_model", request.base, request.base_revision, weights=request.weights)
    check_base(base.name, base.config, with_tower=False)
    folder = request.root / _key(request, base)
    with writing(folder) as partial:
        if partial is not None:
            _fill(partial, request, base)
    check_links(folder)
    return folder


def _key(request: Request, base: Source) -> str:
    inherited = None
    if request.weights and request.init_from:
        inherited = hashlib.sha256((Path(request.init_from) / projector.WEIGHTS).read_bytes()).hexdigest()
    asked = asdict(request) | {"root": None, "init_from": inherited, "chat_template_jinja": request.template_text()}
    content = {"native": FORMAT, "request": asked, "base": base.identity(weights=request.weights)}
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _fill(folder: Path, request: Request, base: Source) -> None:
    write_text_files(folder, request, base)
    if not request.weights:
        return
    shards = read_shards("base_model", base.folder)
    for file in shards.files:
        (folder / f"base-{file}").symlink_to((shards.folder / file).resolve())
    weight_map = {name: f"base-{file}" for name, file in shards.weight_map.items()}
    if request.init_from:
        weights = _stage_1_projector(Path(request.init_from), base, shards)
        projector.save(folder, {"model_type": base.config["model_type"]}, weights)
        weight_map |= dict.fromkeys(weights, projector.WEIGHTS)
    index = {"metadata": {}, "weight_map": dict(sorted(weight_map.items()))}
    (folder / _INDEX).write_text(json.dumps(index, indent=1), encoding="utf-8")
    parts = {"format": FORMAT, "base": base.identity(), "projector": {"init_from": request.init_from}}
    (folder / COMPOSITION).write_text(json.dumps(parts, indent=1, sort_keys=True), encoding="utf-8")


def write_text_files(folder: Path, request: Request, base: Source) -> None:
    """Write configuration, processor, and the tokenizer with the run's chat template.

    Raises:
        RecipeError: the base has no image processor or no tokenizer, or neither base nor recipe has a chat template.
    """
    from transformers import GenerationConfig

    copy_processor(folder, request, base)
    tokenizer = _tokenizer(base)
    tokenizer.chat_template = tokenizer.chat_template or _processor_template(base)
    try:
        template = base_template(tokenizer, request.chat_template, request.chat_template_jinja)
    except ValueError as error:
        raise RecipeError(
            f"chat_template: {base.name} has none ({error}) Name one that Axolotl knows, or `jinja` with "
            "chat_template_jinja."
        ) from error
    tokenizer.chat_template = native_template(tokenizer, template, request.system)
    tokenizer.save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(tokenizer.chat_template, encoding="utf-8")
    _state_settings(folder)
    generation = folder / "generation_config.json"
    settings = GenerationConfig.from_pretrained(folder) if generation.is_file() else GenerationConfig()
    known = settings.eos_token_id if isinstance(settings.eos_token_id, list) else [settings.eos_token_id]
    ends = dict.fromkeys([*known, end_of_turn(tokenizer), tokenizer.eos_token_id])
    settings.eos_token_id = [token for token in ends if token is not None]
    settings.pad_token_id = tokenizer.pad_token_id
    settings.save_pretrained(folder)


def copy_processor(folder: Path, request: Request, base: Source) -> None:
    """Copy the base's configuration and image processor, the latter with the recipe's `processor_kwargs`.

    Raises:
        RecipeError: the base has no image processor.
    """
    for name in _TEXT_FILES:
        if (base.folder / name).is_file():
            shutil.copyfile(base.folder / name, folder / name)
    if not any((folder / name).is_file() for name in _TEXT_FILES[2:]):
        remedy = f"Run `hf download {base.name} --include '*.json'`."
        if base.revision == "local":
            remedy = "Copy the processor's files of the published model into it."
        raise RecipeError(f"base_model: {base.folder} holds no preprocessor_config.json. {remedy}")
    if request.processor_kwargs:
        _set_processor(folder, request.processor_kwargs)


def _tokenizer(base: Source) -> Any:
    """Read the base's tokenizer. Raises RecipeError: it has none, or it cannot be read."""
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(base.folder)
    except Exception as error:  # transformers and tokenizers raise various kinds
        reason = (str(error).splitlines() or [""])[0]
        raise RecipeError(
            f"base_model: the tokenizer in {base.folder} cannot be read ({type(error).__name__}: {reason}). Copy the "
            "tokenizer's files of the published model into it."
        ) from error


def _processor_template(base: Source) -> str | None:
    """Return the template in the processor's own file, where older checkpoints keep it."""
    file = base.folder / "chat_template.json"
    return json.loads(file.read_text(encoding="utf-8")).get("chat_template") if file.is_file() else None


def _state_settings(folder: Path) -> None:
    """Write what the model's descriptor asks for into the folder's files."""
    for name, settings in of_folder(folder).file_settings().items():
        file = folder / name
        stated = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        file.write_text(json.dumps(stated | settings, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _set_processor(folder: Path, settings: dict[str, Any]) -> None:
    """Save the image processor with a recipe's `processor_kwargs`, such as `min_pixels` and `max_pixels`.

    Raises:
        RecipeError: the image processor has no such setting.
    """
    from transformers import AutoImageProcessor

    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    known = processor.valid_kwargs.__annotations__
    if unknown := sorted(settings.keys() - known.keys()):
        raise RecipeError(
            f"processor_kwargs: {', '.join(unknown)}: no such setting of {type(processor).__name__}; it has "
            f"{', '.join(sorted(known))}."
        )
    AutoImageProcessor.from_pretrained(folder, backend="pil", **settings).save_pretrained(folder)


def check_stage_1(stage_1: Path, base: Source) -> None:
    """Check that a folder holds a finished stage 1 of this base.

    Raises:
        RecipeError: it is not finished, or of another base.
    """
    lacking = [
        name for name in (projector.WEIGHTS, projector.CONFIG, projector.FINISHED) if not (stage_1 / name).is_file()
    ]
    if lacking:
        raise RecipeError(
            f"projector.init_from: {stage_1} holds no {' and no '.join(lacking)}. Run the recipe's stage 1 to its end."
        )
    finished = json.loads((stage_1 / projector.FINISHED).read_text(encoding="utf-8"))
    if finished.get("base") != base.config:
        raise _of_another_base(stage_1, base)


def _of_another_base(stage_1: Path, base: Source) -> RecipeError:
    return RecipeError(
        f"projector.init_from: {stage_1} was trained for another base. Name the stage 1 folder of {base.name}."
    )


def _stage_1_projector(stage_1: Path, base: Source, shards: Shards) -> dict[str, torch.Tensor]:
    """Return stage 1's projector by the names that the base's files use.

    Raises:
        RecipeError: it is not finished, or of another base.
    """
    check_stage_1(stage_1, base)
    stored = {projector_name(name): name for name in shards.weight_map if is_projector(name)}
    weights = projector.load(stage_1)
    shapes = {name: list(shards.shape(place)) for name, place in stored.items()}
    if {name: list(tensor.shape) for name, tensor in weights.items()} != shapes:
        raise _of_another_base(stage_1, base)
    return {stored[name]: tensor for name, tensor in weights.items()}
