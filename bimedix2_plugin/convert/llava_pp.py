"""A checkpoint in the form of LLaVA-pp (`llava_llama`): what its configuration says, and its tensors' names.

The language model is Llama 3 with one more row, `<pad>`; `mm_*` keys describe tower and projector. The tower's weights
are in the checkpoint only if it was trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.model_folder import Source

# conv_llama3 of mbzuai-oryx/LLaVA-pp, LLaMA-3-V/conversation.py
SYSTEM = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
)
EMBEDDINGS = "model.embed_tokens.weight"
TOWER = "model.vision_tower.vision_tower."

# Names in the files to names in transformers' LLaVA; the first pattern that matches applies.
NAMES = {
    r"^model\.mm_projector\.0\.": "model.multi_modal_projector.linear_1.",
    r"^model\.mm_projector\.2\.": "model.multi_modal_projector.linear_2.",
    rf"^{TOWER}vision_model\.": "model.vision_tower.",
    rf"^{TOWER}": "model.vision_tower.",
    r"^model\.(?=layers\.|embed_tokens\.|norm\.)": "model.language_model.",
}
_BUFFERS = (".rotary_emb.inv_freq", ".position_ids")

# Keys that change what the model computes: the values that transformers' LLaVA computes alike. An absent key is None.
_SUPPORTED: dict[str, tuple[Any, ...]] = {
    "mm_projector_type": ("mlp2x_gelu",),
    "mm_vision_select_feature": (None, "patch"),
    "mm_patch_merge_type": (None, "flat"),
    "mm_use_im_start_end": (None, False),
    "image_aspect_ratio": (None, "square", "pad"),
    "s2": (None, False),
}
_LLAVAS_KEYS = ("mm_", "image_", "tune_", "freeze_", "unfreeze_", "use_mm_", "tokenizer_", "s2", "architectures")


@dataclass(frozen=True)
class Checkpoint:
    """What a LLaVA-pp checkpoint's configuration says of its parts.

    Attributes:
        source: its folder.
        tower: Hub id or folder of the vision tower; None if not named.
        layer: hidden state of the tower that the projector reads.
        aspect: "pad" or "square".
        vision_hidden: hidden size of the features that the projector takes.
        language_model: the language model's own configuration.
    """

    source: Source
    tower: str | None
    layer: int
    aspect: str
    vision_hidden: int | None
    language_model: dict[str, Any]


def read(source: Source) -> Checkpoint:
    """Read the configuration of a LLaVA-pp checkpoint.

    Raises:
        RecipeError: it is of another model type, or computes something that transformers' LLaVA does not.
    """
    config, place = source.config, source.folder / "config.json"
    if config.get("model_type") != "llava_llama":
        raise RecipeError(
            f"{place}: model_type is {config.get('model_type')!r}. Only checkpoints of LLaVA-pp with a Llama are "
            "converted ('llava_llama'); a model of transformers is named as base_model as it is."
        )
    problems = [
        f"{place}: {key} is {config.get(key)!r}, which transformers' LLaVA does not compute; supported: "
        f"{', '.join(repr(value) for value in values if value is not None)}."
        for key, values in _SUPPORTED.items()
        if config.get(key) not in values
    ]
    if not isinstance(config.get("mm_vision_select_layer"), int):
        problems.append(f"{place}: mm_vision_select_layer is missing. Copy the whole config.json of the checkpoint.")
    if problems:
        raise RecipeError(problems)
    own = {key: value for key, value in config.items() if not key.startswith(_LLAVAS_KEYS)}
    return Checkpoint(
        source=source,
        tower=config.get("mm_vision_tower"),
        layer=int(config["mm_vision_select_layer"]),
        aspect=config.get("image_aspect_ratio") or "square",
        vision_hidden=config.get("mm_hidden_size"),
        language_model=own | {"model_type": "llama"},
    )


def is_buffer(name: str) -> bool:
    """Whether a tensor is a constant that older versions saved, and newer ones compute."""
    return name.endswith(_BUFFERS)
