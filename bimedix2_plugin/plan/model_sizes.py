"""Sizes of a recipe's models, from their config.json: local, in the Hub's cache, or published values.

Nothing is downloaded, because a run is often planned on another machine than that with the models.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bimedix2_plugin.data.rendering import Renderer
from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.base_kind import check_base
from bimedix2_plugin.model.model_folder import Source
from bimedix2_plugin.model.native import copy_processor, write_text_files
from bimedix2_plugin.model.request import request_of
from bimedix2_plugin.model.text_files import write_configuration
from bimedix2_plugin.model.tower import VisionTower, read_tower
from bimedix2_plugin.model.vision_language.descriptor import ImageTokens, VisionLanguageModel
from bimedix2_plugin.model.vision_language.llava import FixedTokens
from bimedix2_plugin.model.vision_language.registry import of_folder
from bimedix2_plugin.plan.published import PROCESSORS, PUBLISHED
from bimedix2_plugin.recipe import settings

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault
    from transformers import LlavaConfig


@dataclass(frozen=True)
class Models:
    """A recipe's base and tower: folders with at least a config.json.

    Attributes:
        base, tower: None for a tower if the base already sees.
        assumed: names of models whose published sizes are used because they are not here.
        absent: names of models whose weights are still to be downloaded.
    """

    base: Source
    tower: VisionTower | None
    assumed: tuple[str, ...]
    absent: tuple[str, ...]

    def whole(self, cfg: DictDefault, scratch: Path) -> VisionLanguageModel:
        """Return the descriptor of the model that base and tower make, with the base's own vocabulary.

        Args:
            cfg: the recipe.
            scratch: folder for the model's configuration and image processor.

        Raises:
            RecipeError: the base is not supported, or lacks its image processor.
        """
        check_base(self.base.name, self.base.config, with_tower=self.tower is not None)
        folder = scratch / "whole"
        folder.mkdir(parents=True, exist_ok=True)
        request = request_of(cfg, weights=False)
        if self.tower is None:
            copy_processor(folder, request, self.base)
        else:
            _composed(self.base, self.tower, request.vision_feature_layer).save_pretrained(folder)
        return of_folder(folder)


def _composed(base: Source, tower: VisionTower, feature_layer: int) -> LlavaConfig:
    from transformers import AutoConfig, LlavaConfig

    text = AutoConfig.from_pretrained(base.folder)
    return LlavaConfig(
        text_config=text.to_dict(),
        vision_config=tower.config,
        vision_feature_layer=feature_layer,
        vision_feature_select_strategy="default" if tower.family.class_tokens else "full",
        image_seq_length=tower.image_tokens,
        tie_word_embeddings=bool(text.tie_word_embeddings),
    )


def read_models(cfg: DictDefault, scratch: Path) -> Models:
    """Find the configurations of a recipe's base and tower.

    Args:
        cfg: the recipe.
        scratch: folder for a config.json with published values.

    Raises:
        RecipeError: a model is neither local nor known, or the tower is not supported.
    """
    sources = [find("base_model", cfg.base_model, cfg.revision_of_model, scratch)]
    if cfg.vision_tower:
        sources.append(find("vision_tower", cfg.vision_tower, cfg.vision_tower_revision, scratch))
    assumed = tuple(source.name for source in sources if source.folder.parent == scratch)
    absent = tuple(source.name for source in sources if not source.has_weights)
    return Models(sources[0], read_tower(sources[1]) if cfg.vision_tower else None, assumed, absent)


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
    for file, content in PROCESSORS.get(name, {}).items():
        (folder / file).write_text(json.dumps(content), encoding="utf-8")
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


def text_renderer(cfg: DictDefault, models: Models, scratch: Path) -> Renderer | None:
    """Return the run's renderer, from the composition's text files; None if the tokenizer is not here.

    Raises:
        RecipeError: the base's tokenizer or chat template cannot be used.
    """
    from transformers import AutoTokenizer

    if not any((models.base.folder / name).is_file() for name in ("tokenizer.json", "tokenizer.model")):
        return None
    folder = scratch / "text"
    folder.mkdir(parents=True)
    request = request_of(cfg, weights=False)
    images: ImageTokens
    if models.tower:
        write_configuration(folder, request, models.base, models.tower)
        images = FixedTokens(models.tower.image_tokens)
    else:
        write_text_files(folder, request, models.base)
        images = of_folder(folder)
    return Renderer(AutoTokenizer.from_pretrained(folder), images, settings(cfg).stage)
