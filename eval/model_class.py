"""Which of transformers' classes loads a checkpoint, by its config.json alone: whatever has a vision part sees."""

from __future__ import annotations

from typing import Any

from eval.errors import EvalError

ELSEWHERE = "Or serve it with a program that knows it, and ask it with --engine openai."


def sees(config: dict[str, Any]) -> bool:
    """Tell whether a checkpoint has a vision part.

    It has one if config.json says so, or if transformers knows its model type by a class for images and text that is
    not its class for text.
    """
    from transformers.models.auto import modeling_auto as auto

    model_type = str(config.get("model_type"))
    seeing = auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES.get(model_type)
    blind = auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.get(model_type)
    return "vision_config" in config or (seeing is not None and seeing != blind)


def check_class(name: str, config: dict[str, Any]) -> None:
    """Check that transformers itself has a class that loads a checkpoint as what it is.

    Raises:
        EvalError: it has none; says what to do.
    """
    from importlib.metadata import version

    from transformers.models.auto import modeling_auto as auto
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    model_type = str(config.get("model_type"))
    if "mm_vision_tower" in config or (model_type.startswith("llava_") and model_type not in CONFIG_MAPPING_NAMES):
        raise EvalError(
            f"{name}: model type {model_type!r} is LLaVA's own form, which transformers cannot load. Convert it first: "
            f"`axolotl bimedix2-convert {name} --out FOLDER` (llava_llama). {ELSEWHERE}"
        )
    if model_type not in CONFIG_MAPPING_NAMES:
        reason = "needs code of its own (auto_map in its config.json), which is never run"
        if "auto_map" not in config:
            reason = f"is unknown to transformers {version('transformers')}"
        raise EvalError(
            f"{name}: model type {model_type!r} {reason}. Evaluate a checkpoint of another form. {ELSEWHERE}"
        )
    wanted, classes = "text", auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    if sees(config):
        wanted, classes = "images and text", auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES
    if model_type not in classes:
        raise EvalError(
            f"{name}: transformers has no class of model type {model_type!r} that answers {wanted}. {ELSEWHERE}"
        )
