"""What transformers computes for the probes: embeddings of images and greedy answers."""

from __future__ import annotations

import gc
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.export.checkpoint import Checkpoint
from bimedix2_plugin.export.probes import Probe, probes, synthetic_images
from data_prep.images.prepared import ProcessorError, image_processor, prepare

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

NEW_TOKENS = 12
_TIE, _COARSE_TIE = 0.05, 0.25  # in float32; in 16 bits, logits have steps of an eighth


@dataclass(frozen=True)
class Answer:
    """A greedy answer.

    Attributes:
        prompt: as the chat template renders it.
        ids: the answer's tokens, with the one that ends it.
        log_probabilities: [len(ids), vocabulary] at each step.
    """

    prompt: str
    ids: list[int]
    log_probabilities: torch.Tensor


@dataclass(frozen=True)
class Reference:
    """Everything that the export is compared with.

    Attributes:
        probes: with prepared images.
        answers: one for each probe.
        raw: an image as it comes, not square; None for a text model.
        embeddings: [tokens, H] of the first probe's image, of the raw one by the checkpoint's own preparation.
        placeholder: token id of an image, which neither side may answer.
        specials: ids of special tokens.
        tie: between two tokens whose log-probabilities differ by less, rounding decides.
    """

    probes: list[Probe]
    answers: list[Answer]
    raw: Image | None
    embeddings: torch.Tensor | None
    placeholder: int | None
    specials: frozenset[int]
    tie: float


def compute(checkpoint: Checkpoint) -> Reference:
    """Load the checkpoint and ask it; its memory is free afterwards.

    Raises:
        RecipeError: transformers cannot load it, or it has no chat template.
    """
    import torch

    reader = _reader(checkpoint)
    tokenizer = getattr(reader, "tokenizer", reader)
    if not tokenizer.chat_template:
        raise RecipeError(f"MERGED: {checkpoint.folder}: no chat template, so that nobody could talk to the export.")
    raw = synthetic_images() if checkpoint.has_vision else []
    model = _model(checkpoint)
    with torch.no_grad():
        asked = probes([prepare(image, reader.image_processor) for image in raw])
        embeddings = _embeddings(model, reader, raw[0]) if raw else None
        answers = [_answer(model, reader, probe) for probe in asked]
    placeholder = getattr(model.config, "image_token_id", None)
    tie = _TIE if model.dtype == torch.float32 else _COARSE_TIE
    del model
    gc.collect()
    specials = frozenset(tokenizer.all_special_ids)
    return Reference(asked, answers, raw[0] if raw else None, embeddings, placeholder, specials, tie)


def _reader(checkpoint: Checkpoint) -> Any:
    from transformers import AutoProcessor, AutoTokenizer

    if not checkpoint.has_vision:
        return AutoTokenizer.from_pretrained(checkpoint.folder, local_files_only=True)
    processor = AutoProcessor.from_pretrained(checkpoint.folder, local_files_only=True)
    try:
        processor.image_processor = image_processor(checkpoint.folder)
    except ProcessorError as error:
        raise RecipeError(f"MERGED: {error}") from error
    return processor


def _model(checkpoint: Checkpoint) -> Any:
    """Load the model in float32 if the memory has room for it, otherwise as it is stored."""
    import psutil
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText

    kind = AutoModelForImageTextToText if checkpoint.has_vision else AutoModelForCausalLM
    whole = 4 * sum(math.prod(checkpoint.shards.shape(name)) for name in checkpoint.shards.weight_map)
    dtype = torch.float32 if 1.2 * whole < psutil.virtual_memory().available else "auto"
    return kind.from_pretrained(checkpoint.folder, dtype=dtype, local_files_only=True).eval()


def _embeddings(model: Any, reader: Any, image: Image) -> torch.Tensor:
    """Return [tokens, H] of one image, computed in float32 whatever the model's type."""
    parts = (model.model.vision_tower, model.model.multi_modal_projector)
    dtypes = [next(part.parameters()).dtype for part in parts]
    for part in parts:
        part.float()
    pixels = reader.image_processor(image, return_tensors="pt")["pixel_values"].float()
    (found,) = model.get_image_features(
        pixel_values=pixels,
        vision_feature_layer=model.config.vision_feature_layer,
        vision_feature_select_strategy=model.config.vision_feature_select_strategy,
    ).pooler_output
    for part, dtype in zip(parts, dtypes, strict=True):
        part.to(dtype)
    return found.clone()


def _answer(model: Any, reader: Any, probe: Probe) -> Answer:
    import torch

    turns = probe.turns if probe.images else [_plain(turn) for turn in probe.turns]
    prompt = str(reader.apply_chat_template(turns, add_generation_prompt=True, tokenize=False))
    given = {"images": probe.images} if probe.images else {}
    inputs = reader(text=prompt, add_special_tokens=False, return_tensors="pt", **given)
    inputs.pop("token_type_ids", None)
    placeholder = getattr(model.config, "image_token_id", None)
    made = model.generate(
        **inputs.to(model.dtype),
        max_new_tokens=NEW_TOKENS,
        do_sample=False,
        repetition_penalty=1.0,  # a published generation_config.json may set one; a server applies none
        suppress_tokens=None if placeholder is None else [placeholder],
        return_dict_in_generate=True,
        output_logits=True,
    )
    ids = made.sequences[0, inputs["input_ids"].shape[1] :].tolist()
    return Answer(prompt, ids, torch.cat(made.logits).float().log_softmax(-1))


def _plain(turn: dict[str, Any]) -> dict[str, Any]:
    return turn | {"content": "\n".join(part["text"] for part in turn["content"])}
