"""The text files of a LLaVA checkpoint: configuration, tokenizer with its chat template, processor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.chat_template import base_template, checkpoint_template, end_of_turn
from bimedix2_plugin.model.model_folder import Source
from bimedix2_plugin.model.placeholder import PLACEHOLDER, Placeholder, save_tokenizer
from bimedix2_plugin.model.request import Request
from bimedix2_plugin.model.tower import VisionTower, image_processor

if TYPE_CHECKING:
    from transformers import GenerationConfig, LlavaConfig


def write_configuration(folder: Path, request: Request, base: Source, tower: VisionTower) -> Placeholder:
    """Write everything but the weights; return the placeholder's token.

    Raises:
        RecipeError: neither base nor recipe has a chat template, or its name is unknown.
    """
    tokenizer, placeholder = save_tokenizer(base.folder, folder, int(base.config["vocab_size"]))
    try:
        template = base_template(tokenizer, request.chat_template, request.chat_template_jinja)
    except ValueError as error:
        raise RecipeError(
            f"chat_template: {request.chat_template or 'tokenizer_default'}: {error} Name one that Axolotl knows "
            "(llama3, chatml, …), or `jinja` with chat_template_jinja."
        ) from error
    tokenizer.chat_template = checkpoint_template(tokenizer, template, request.system)
    (folder / "chat_template.jinja").write_text(tokenizer.chat_template, encoding="utf-8")
    _model_config(request, base, tower, placeholder).save_pretrained(folder)
    _generation_config(base, tokenizer.pad_token_id, end_of_turn(tokenizer)).save_pretrained(folder)
    processor = {
        "processor_class": "LlavaProcessor",
        "image_token": PLACEHOLDER,
        "patch_size": int(tower.config["patch_size"]),
        "num_additional_image_tokens": tower.family.class_tokens,
        "vision_feature_select_strategy": _select_strategy(tower),
    }
    _write(folder / "processor_config.json", processor)
    _write(folder / "preprocessor_config.json", image_processor(tower, request.image_aspect))
    return placeholder


def _model_config(request: Request, base: Source, tower: VisionTower, placeholder: Placeholder) -> LlavaConfig:
    from transformers import AutoConfig, LlavaConfig

    text = AutoConfig.from_pretrained(base.folder)
    text.vocab_size = placeholder.vocab_size
    config = LlavaConfig(
        text_config=text.to_dict(),
        vision_config=tower.config,
        image_token_index=placeholder.token_id,
        vision_feature_layer=request.vision_feature_layer,
        vision_feature_select_strategy=_select_strategy(tower),
        image_seq_length=tower.image_tokens,
        projector_hidden_act="gelu",
        multimodal_projector_bias=True,
        tie_word_embeddings=bool(text.tie_word_embeddings),
    )
    config.architectures = ["LlavaForConditionalGeneration"]
    return config


def _generation_config(base: Source, padding: int | None, end: int | None) -> GenerationConfig:
    from transformers import AutoConfig, GenerationConfig

    if (base.folder / "generation_config.json").is_file():
        generation = GenerationConfig.from_pretrained(base.folder)
    else:
        generation = GenerationConfig.from_model_config(AutoConfig.from_pretrained(base.folder))
    generation.pad_token_id = padding
    # A trained answer ends with the turn's end token, which is not among every base's eos_token_id.
    known = generation.eos_token_id
    stops = known if isinstance(known, list) else [known]
    generation.eos_token_id = [token for token in dict.fromkeys([*stops, end]) if token is not None] or None
    return generation


def _select_strategy(tower: VisionTower) -> Literal["default", "full"]:
    return "default" if tower.family.class_tokens else "full"


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
