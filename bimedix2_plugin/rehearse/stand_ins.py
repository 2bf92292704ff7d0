"""Small random stand-ins of a recipe's base and tower: their own configurations with small sizes.

The tokenizer is the base's own where it can be had, because it decides tokens, lengths and label boundaries; its chat
template comes with it.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.model_folder import Source
from bimedix2_plugin.model.native import copy_processor
from bimedix2_plugin.model.request import request_of
from bimedix2_plugin.model.tower import VisionTower
from bimedix2_plugin.model.vision_language.registry import is_projector
from bimedix2_plugin.plan.model_sizes import read_models, text_renderer
from bimedix2_plugin.recipe import settings
from bimedix2_plugin.rehearse.small_sizes import HIDDEN, LAYERS, TOWER_HIDDEN, small_text, small_vision

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault

_TOKENIZER_FILES = ("tokenizer*", "vocab*", "merges.txt", "special_tokens_map.json", "added_tokens.json", "*.jinja")
_OLD_TEMPLATE = "chat_template.json"  # where older processors keep the chat template


@dataclass(frozen=True)
class StandIns:
    """Folders of the stand-ins.

    Attributes:
        base, tower: in Hugging Face format, with random weights; no tower for a base that already sees.
        projector_shapes: of the projector's tensors.
        replaced: what differs from the recipe's own models beside sizes and weights, one line each.
    """

    base: Path
    tower: Path | None
    projector_shapes: tuple[tuple[int, ...], ...]
    replaced: tuple[str, ...]


def make(cfg: DictDefault, folder: Path) -> StandIns:
    """Write stand-ins of a recipe's base and tower. Only configuration and tokenizer files may be downloaded.

    Args:
        cfg: the recipe.
        folder: gets `base/` and `tower/`.

    Raises:
        RecipeError: a model's sizes are unknown, it is not supported, or its tokenizer cannot be read.
    """
    scratch = folder / "configurations"
    models = read_models(cfg, scratch)
    models.whole(cfg, scratch).check_attention(cfg.attn_implementation, models.base.name)
    if models.tower is None:
        text_renderer(cfg, models, scratch)  # raises if the base's own tokenizer or chat template cannot be used
        return _native(models.base, cfg, folder / "base")
    base, tower = models.base, models.tower
    replaced = [
        f"{key}: random weights, {text}"
        for key, text in (
            ("base_model", f"{cfg.base_model} with {LAYERS} layers of hidden size {HIDDEN}"),
            ("vision_tower", f"{cfg.vision_tower} with hidden size {TOWER_HIDDEN}"),
        )
    ]
    replaced += _base(base, cfg, folder / "base")
    _tower(tower, settings(cfg).vision_feature_layer, folder / "tower")
    projector = (HIDDEN, TOWER_HIDDEN), (HIDDEN,), (HIDDEN, HIDDEN), (HIDDEN,)
    return StandIns(folder / "base", folder / "tower", projector, tuple(replaced))


def _base(source: Source, cfg: DictDefault, folder: Path) -> list[str]:
    """Write the base's stand-in; return what was replaced of its tokenizer."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from bimedix2_plugin.rehearse.tiny import random_model

    own = AutoConfig.from_pretrained(source.folder)
    words, spare_rows, replaced = _tokenizer(source, cfg, folder)
    content = own.to_dict() | small_text(own)
    if replaced:  # ids of the stand-in tokenizer
        ids = {f"{kind}_token_id": getattr(words, f"{kind}_token_id") for kind in ("bos", "eos", "pad")}
        content |= {"vocab_size": len(words) + spare_rows, **ids}
    config = type(own).from_dict(content)
    dtype = own.dtype or torch.bfloat16
    random_model(AutoModelForCausalLM.from_config, config, dtype=dtype).save_pretrained(folder)
    return replaced


def _tower(tower: VisionTower, feature_layer: int, folder: Path) -> None:
    """Write the tower's stand-in, with the real image size and patch, and so the real number of image tokens."""
    from transformers import AutoConfig, AutoModel

    from bimedix2_plugin.rehearse.tiny import random_model

    content = {
        key: value for key, value in tower.config.items() if key not in ("out_features", "out_indices", "stage_names")
    }
    own = AutoConfig.for_model(**content)
    config = AutoConfig.for_model(**content | small_vision(own, feature_layer))
    random_model(AutoModel.from_config, config).save_pretrained(folder)
    processor = tower.source.folder / "preprocessor_config.json"
    if processor.is_file():
        shutil.copyfile(processor, folder / processor.name)


def _native(source: Source, cfg: DictDefault, folder: Path) -> StandIns:
    """Write the stand-in of a base that already sees, with its own processor."""
    import torch
    from transformers import AutoConfig, AutoModelForImageTextToText

    from bimedix2_plugin.rehearse.tiny import random_model
    from bimedix2_plugin.rehearse.tiny_native import WORDS

    own = AutoConfig.from_pretrained(source.folder)
    folder.mkdir(parents=True)
    copy_processor(folder, replace(request_of(cfg, weights=False), processor_kwargs=None), source)
    words, _, replaced = _tokenizer(source, cfg, folder)
    text = own.text_config.to_dict() | small_text(own.text_config)
    layer = getattr(own, "vision_feature_layer", 0)
    layer = max(layer, key=abs) if isinstance(layer, list) else layer
    vision = own.vision_config.to_dict() | small_vision(own.vision_config, layer)
    content = own.to_dict()
    if replaced:  # ids of the stand-in tokenizer
        (folder / "generation_config.json").unlink(missing_ok=True)
        text |= {f"{kind}_token_id": getattr(words, f"{kind}_token_id") for kind in ("bos", "eos", "pad")}
        text["vocab_size"] = len(words)
        content |= WORDS[source.config["model_type"]]()[1]
    config = type(own).from_dict(content | {"text_config": text, "vision_config": vision})
    model = random_model(AutoModelForImageTextToText.from_config, config, dtype=own.dtype or torch.bfloat16)
    model.save_pretrained(folder)
    shapes = tuple(tuple(value.shape) for name, value in model.named_parameters() if is_projector(name))
    size = f"{text['num_hidden_layers']} layers of hidden size {HIDDEN}, its tower with hidden size {TOWER_HIDDEN}"
    return StandIns(folder, None, shapes, (f"base_model: random weights, {source.name} with {size}", *replaced))


def _tokenizer(source: Source, cfg: DictDefault, folder: Path) -> tuple[Any, int, list[str]]:
    """Save the base's tokenizer, or one in its style; return it, its spare embedding rows, and what was replaced."""
    from transformers import AutoTokenizer

    own = source.folder if any(source.folder.glob("tokenizer*")) else _downloaded(source, cfg.revision_of_model)
    if own is None:
        words, spare_rows, kind = _in_style(source, cfg, folder)
        return words, spare_rows, [f"tokenizer: {kind}; that of {source.name} is not on this disk (`hf download`)"]
    try:
        words = AutoTokenizer.from_pretrained(own)
    except Exception as error:  # transformers and tokenizers raise various kinds
        reason = (str(error).splitlines() or [""])[0]
        raise RecipeError(
            f"base_model: the tokenizer in {own} cannot be read ({type(error).__name__}: {reason}). Copy it again."
        ) from error
    words.save_pretrained(folder)
    if (own / _OLD_TEMPLATE).is_file():
        shutil.copyfile(own / _OLD_TEMPLATE, folder / _OLD_TEMPLATE)
    return words, 0, []


def _downloaded(source: Source, revision: str | None) -> Path | None:
    """Download the tokenizer of a model on the Hub; None if that is not possible."""
    from huggingface_hub import snapshot_download

    if source.revision == "local":
        return None
    try:
        folder = Path(snapshot_download(source.name, revision=revision, allow_patterns=list(_TOKENIZER_FILES)))
    except Exception:  # offline, gated or unreachable: the stand-in's line says so
        return None
    return folder if any(folder.glob("tokenizer*")) else None


def _in_style(source: Source, cfg: DictDefault, folder: Path) -> tuple[Any, int, str]:
    """Save a small tokenizer like those of the base's family; return it, its spare rows, and its description."""
    from bimedix2_plugin.rehearse import tiny_tokenizers
    from bimedix2_plugin.rehearse.tiny_families import FAMILIES
    from bimedix2_plugin.rehearse.tiny_native import WORDS

    model_type = source.config["model_type"]
    if model_type in WORDS:
        words = WORDS[model_type]()[0]
        words.save_pretrained(folder)
        return words, 0, f"a small one in the style of {model_type}"
    if model_type in FAMILIES:
        family = FAMILIES[model_type]
        words = family.tokenizer()
        words.save_pretrained(folder)
        return words, family.spare_rows, f"a small one in the style of {model_type}"
    style = "llama3" if cfg.chat_template == "llama3" else "chatml"
    return tiny_tokenizers.tokenizer(folder, style), 0, f"a small one in the style of {style}"
