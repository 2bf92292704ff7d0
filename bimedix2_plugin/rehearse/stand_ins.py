"""Small random stand-ins of a recipe's base and tower: their own configurations with small sizes.

The tokenizer is the base's own where it can be had, because it decides tokens, lengths and label boundaries; its chat
template comes with it.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.families import base_of
from bimedix2_plugin.model.model_folder import Source
from bimedix2_plugin.model.tower import VisionTower, read_tower
from bimedix2_plugin.plan.model_sizes import find
from bimedix2_plugin.recipe import settings

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault

HEADS, HEAD, LAYERS = 4, 32, 2  # bitsandbytes takes multiples of 32 on a CPU
HIDDEN = HEADS * HEAD
TOWER_HIDDEN = 32
_TOKENIZER_FILES = ("tokenizer*", "vocab*", "merges.txt", "special_tokens_map.json", "added_tokens.json", "*.jinja")


@dataclass(frozen=True)
class StandIns:
    """Folders of the stand-ins.

    Attributes:
        base, tower: in Hugging Face format, with random weights.
        replaced: what differs from the recipe's own models beside sizes and weights, one line each.
    """

    base: Path
    tower: Path
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
    base = find("base_model", cfg.base_model, cfg.revision_of_model, scratch)
    tower = read_tower(find("vision_tower", cfg.vision_tower, cfg.vision_tower_revision, scratch))
    base_of(base.name, base.config)
    replaced = [
        f"{key}: random weights, {text}"
        for key, text in (
            ("base_model", f"{cfg.base_model} with {LAYERS} layers of hidden size {HIDDEN}"),
            ("vision_tower", f"{cfg.vision_tower} with hidden size {TOWER_HIDDEN}"),
        )
    ]
    replaced += _base(base, cfg, folder / "base")
    _tower(tower, settings(cfg).vision_feature_layer, folder / "tower")
    return StandIns(folder / "base", folder / "tower", tuple(replaced))


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


def small_text(config: Any) -> dict[str, Any]:
    """Return a language model's configuration keys with small sizes; each kind of layer remains.

    Grouped key-value heads keep their ratio, as far as four heads allow.
    """
    kinds = list(dict.fromkeys(getattr(config, "layer_types", None) or []))
    layers = max(LAYERS, len(kinds))
    ratio = max(1, config.num_attention_heads // (config.num_key_value_heads or config.num_attention_heads))
    small: dict[str, Any] = {
        "hidden_size": HIDDEN,
        "intermediate_size": 2 * HIDDEN,
        "num_hidden_layers": layers,
        "num_attention_heads": HEADS,
        "num_key_value_heads": max(1, HEADS // ratio),
    }
    if kinds:
        small["layer_types"] = (kinds * layers)[:layers]
    if getattr(config, "head_dim", None):
        small["head_dim"] = HEAD
    if getattr(config, "max_window_layers", None) is not None:
        small["max_window_layers"] = layers
    rope = getattr(config, "rope_parameters", None)
    if rope:
        small["rope_parameters"] = _short_factors(rope)
    return small


def _short_factors(rope: Any) -> Any:
    """Cut the factors of Phi-3's long rope, one for each pair of a head's dimensions."""
    if isinstance(rope, dict):
        return {key: _short_factors(value) for key, value in rope.items()}
    return rope[: HEAD // 2] if isinstance(rope, list) else rope


def _tower(tower: VisionTower, feature_layer: int, folder: Path) -> None:
    """Write the tower's stand-in, with the real image size and patch, and so the real number of image tokens."""
    from transformers import AutoConfig, AutoModel

    from bimedix2_plugin.rehearse.tiny import random_model

    small = {
        "hidden_size": TOWER_HIDDEN,
        "intermediate_size": 2 * TOWER_HIDDEN,
        "num_attention_heads": HEADS,
        "num_hidden_layers": max(LAYERS + 1, abs(feature_layer) + 1),
    }
    content = {
        key: value for key, value in tower.config.items() if key not in ("out_features", "out_indices", "stage_names")
    }
    config = AutoConfig.for_model(**content | small)
    random_model(AutoModel.from_config, config).save_pretrained(folder)
    processor = tower.source.folder / "preprocessor_config.json"
    if processor.is_file():
        shutil.copyfile(processor, folder / processor.name)


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

    model_type = source.config["model_type"]
    if model_type in FAMILIES:
        family = FAMILIES[model_type]
        words = family.tokenizer()
        words.save_pretrained(folder)
        return words, family.spare_rows, f"a small one in the style of {model_type}"
    style = "llama3" if cfg.chat_template == "llama3" else "chatml"
    return tiny_tokenizers.tokenizer(folder, style), 0, f"a small one in the style of {style}"
