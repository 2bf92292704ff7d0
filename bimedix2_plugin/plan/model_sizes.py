"""Sizes of a recipe's models, from their config.json: local, in the Hub's cache, or the published values below.

Nothing is downloaded, because a run is often planned on another machine than that with the models.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.model_folder import Source
from bimedix2_plugin.model.tower import VisionTower, read_tower

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault
    from transformers import LlavaConfig


_SIZES = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")


def _text(model_type: str, vocabulary: int, sizes: tuple[int, ...], kv: int, **more: Any) -> dict[str, Any]:
    named = dict(zip(_SIZES, sizes, strict=True))
    return {"model_type": model_type, "vocab_size": vocabulary, **named, "num_key_value_heads": kv, **more}


def _vision(model_type: str, sizes: tuple[int, ...], side: int, patch: int) -> dict[str, Any]:
    named = dict(zip(_SIZES, sizes, strict=True))
    return {"model_type": model_type, **named, "image_size": side, "patch_size": patch}


_GEMMA_2_9B = _text("gemma2", 256000, (3584, 14336, 42, 16), 8, head_dim=256, tie_word_embeddings=True)

# The values in each repository's config.json that decide sizes. Four files were not available: SILMA's values are those
# of Gemma 2 9B, of which it is a fine-tune, PubMedCLIP's those of ViT-B/32, from its name, Jais 2's the defaults of
# transformers' configuration, RAD-DINO's those of DINOv2's ViT-B/14 at 518 pixels, on which it was trained.
PUBLISHED: dict[str, dict[str, Any]] = {
    "meta-llama/Llama-3.1-8B-Instruct": _text("llama", 128256, (4096, 14336, 32, 32), 8),
    "meta-llama/Llama-3.1-70B-Instruct": _text("llama", 128256, (8192, 28672, 80, 64), 8),
    "microsoft/Phi-3.5-mini-instruct": _text("phi3", 32064, (3072, 8192, 32, 32), 32, pad_token_id=32000),
    "Qwen/Qwen3-8B": _text("qwen3", 151936, (4096, 12288, 36, 32), 8, head_dim=128),
    "inceptionai/Jais-2-8B-Chat": _text("jais2", 150272, (3328, 26624, 32, 26), 26, head_dim=128),
    "mistralai/Mistral-7B-Instruct-v0.3": _text("mistral", 32768, (4096, 14336, 32, 32), 8, sliding_window=None),
    "google/gemma-2-9b-it": _GEMMA_2_9B,
    "silma-ai/SILMA-9B-Instruct-v1.0": _GEMMA_2_9B,
    "google/gemma-3-1b-it": _text(
        "gemma3_text", 262144, (1152, 6912, 26, 4), 1, head_dim=256, tie_word_embeddings=True
    ),
    "openai/clip-vit-large-patch14-336": _vision("clip_vision_model", (1024, 4096, 24, 16), 336, 14),
    "flaviagiammarino/pubmed-clip-vit-base-patch32": _vision("clip_vision_model", (768, 3072, 12, 12), 224, 32),
    "microsoft/rad-dino": _vision("dinov2", (768, 3072, 12, 12), 518, 14),
    "google/siglip-so400m-patch14-384": _vision("siglip_vision_model", (1152, 4304, 27, 16), 384, 14),
}


@dataclass(frozen=True)
class Models:
    """The configurations of a recipe's base and tower.

    Attributes:
        base, tower: folders with at least a config.json.
        assumed: names of models whose published sizes are used because they are not here.
        absent: names of models whose weights are still to be downloaded.
    """

    base: Source
    tower: VisionTower
    assumed: tuple[str, ...]
    absent: tuple[str, ...]

    def config(self, feature_layer: int) -> LlavaConfig:
        """Return the LLaVA configuration of the composition, with the base's own vocabulary."""
        from transformers import AutoConfig, LlavaConfig

        text = AutoConfig.from_pretrained(self.base.folder)
        return LlavaConfig(
            text_config=text.to_dict(),
            vision_config=self.tower.config,
            vision_feature_layer=feature_layer,
            vision_feature_select_strategy="default" if self.tower.family.class_tokens else "full",
            image_seq_length=self.tower.image_tokens,
            tie_word_embeddings=bool(text.tie_word_embeddings),
        )


def read_models(cfg: DictDefault, scratch: Path) -> Models:
    """Find the configurations of a recipe's base and tower.

    Args:
        cfg: the recipe.
        scratch: folder for a config.json with published values.

    Raises:
        RecipeError: a model is neither local nor known, or is not supported.
    """
    base = find("base_model", cfg.base_model, cfg.revision_of_model, scratch)
    tower = find("vision_tower", cfg.vision_tower, cfg.vision_tower_revision, scratch)
    assumed = tuple(source.name for source in (base, tower) if source.folder.parent == scratch)
    absent = tuple(source.name for source in (base, tower) if not source.has_weights)
    return Models(base, read_tower(tower), assumed, absent)


def find(key: str, name: str, revision: str | None, scratch: Path) -> Source:
    """Return a folder with a model's config.json: local, in the Hub's cache, or with published values.

    Raises:
        RecipeError: the model is neither local nor known.
    """
    folder = local_folder(name, revision)
    if folder:
        return Source(name, folder, "local" if Path(name).expanduser().is_dir() else folder.name)
    if name not in PUBLISHED:
        raise RecipeError(
            f"{key}: {name} is not on this disk, and its sizes are not among the known ones "
            f"({', '.join(sorted(PUBLISHED))}). Download its configuration: `hf download {name} config.json`."
        )
    folder = scratch / name.replace("/", "--")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(PUBLISHED[name]), encoding="utf-8")
    return Source(name, folder, "published")


def local_folder(name: str, revision: str | None) -> Path | None:
    """Return the local folder with a model's config.json, the Hub's cache included, or None."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    folder = Path(name).expanduser()
    if (folder / "config.json").is_file():
        return folder
    try:
        cached = try_to_load_from_cache(name, "config.json", revision=revision)
    except HFValidationError:
        return None
    return Path(cached).parent if isinstance(cached, str) else None
