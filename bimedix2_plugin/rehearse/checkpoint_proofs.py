"""Proofs from files: labels of the prepared set, merged tensors, reloaded logits, prompts of generation.

The merged checkpoint is read as any user of transformers reads it, without this project's code.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from bimedix2_plugin.data.rendering import IGNORED
from bimedix2_plugin.model.compose import load
from bimedix2_plugin.model.vision_language.registry import is_projector
from data_prep.images.store import open_store

_PROMPTS = 8
_LAST_PLACE = 2**-7  # of a bf16 value, relative: two ways to add may round apart


def prepared_rows(prepared: Path) -> list[dict[str, Any]]:
    """Return the rows of the prepared training set below a folder."""
    from datasets import load_from_disk

    sets = sorted({file.parent for file in prepared.rglob("dataset_info.json")})
    return [row for folder in sets for row in load_from_disk(folder)]


def source_rows(data: Path) -> dict[str, dict[str, Any]]:
    """Return the rows of a dataset folder by their id."""
    return {row["id"]: row for file in sorted(data.glob("*.parquet")) for row in pq.read_table(file).to_pylist()}


def labels_are_answers(rows: list[dict[str, Any]], data: Path, tokenizer: Any, stage: str) -> tuple[bool, str]:
    """Check that the labelled tokens of each row are its answers, each with its end token, and no others."""
    sources, labelled, total = source_rows(data), 0, 0
    for row in rows:
        answers = [_text(turn) for turn in sources[row["id"]]["messages"] if turn["role"] == "assistant"]
        spans = [row["input_ids"][start:end] for start, end in labelled_spans(row["labels"])]
        # Mistral's template writes a space before an answer with which no prompt ends: it is labelled.
        found = [tokenizer.decode(ids, clean_up_tokenization_spaces=False).lstrip(" ") for ids in spans]
        wanted = [f"{answer}\n" if stage == "align" else answer for answer in answers]
        if len(found) != len(wanted):
            return False, f"row {row['id']}: {len(found)} labelled spans for {len(wanted)} answers"
        for text, answer in zip(found, wanted, strict=True):
            rest = text.removeprefix(answer)
            end = tokenizer.convert_tokens_to_ids(rest) if rest else None
            closed = not rest if stage == "align" else end in tokenizer.added_tokens_decoder
            if not text.startswith(answer) or not closed:
                return False, f"row {row['id']}: labelled {text!r}, the answer is {answer!r}"
        labelled += sum(label != IGNORED for label in row["labels"])
        total += len(row["labels"])
    return bool(rows), f"{len(rows)} rows, {labelled:,} of {total:,} tokens are labelled"


def labelled_spans(labels: Any) -> list[tuple[int, int]]:
    """Return the (start, end) of each run of labelled tokens."""
    inside = np.concatenate([[False], np.asarray(labels) != IGNORED, [False]]).astype(int)
    edges = np.flatnonzero(np.diff(inside))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def merged_is_adapter(merged: Any, composed: Path, adapter: Path) -> tuple[bool, str]:
    """Check each tensor of the merged model: base + alpha / r * B A where there is a LoRA, else base or projector."""
    from safetensors.torch import load_file

    config = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    root = config["r"] ** 0.5 if config.get("use_rslora") else config["r"]
    trained = {
        name.removeprefix("base_model.model."): t
        for name, t in load_file(adapter / "adapter_model.safetensors").items()
    }
    start = load(composed, dtype="auto").state_dict()
    tensors, copied = merged.state_dict(), 0
    for name, value in tensors.items():
        expected, allowed = start[name].float(), 0.0
        low, high = (f"{name.removesuffix('.weight')}.lora_{part}.weight" for part in "AB")
        if low in trained:
            delta = trained.pop(high).float() @ trained.pop(low).float()
            expected, allowed = expected + config["lora_alpha"] / root * delta, _LAST_PLACE
        elif is_projector(name):
            expected = trained.pop(name).float()
        else:
            copied += 1
        rounded = expected.to(value.dtype).float()
        if bool(((value.float() - rounded).abs() > allowed * rounded.abs() + 1e-12).any()):
            return False, f"{name} differs from what the adapter says"
    if trained:
        return False, f"{len(trained)} tensors of the adapter are not in the merged model, first {min(trained)}"
    changed = len(tensors) - copied
    return bool(changed), f"{changed} tensors are the adapter's, {copied} the base's and the tower's"


def reloaded_is_trained(merged: Any, info: dict[str, Any], evidence: Path, tolerance: float | None) -> tuple[bool, str]:
    """Check that no tensor was missing or unexpected, and that logits equal those of the trained model in its run.

    Args:
        merged: the model as transformers loaded it.
        info: transformers' report of the loading.
        evidence: of the run.
        tolerance: of the logits, relative; None where the run's base had other values, in 4 bits.
    """
    import torch
    from safetensors.torch import load_file

    lost = [key for kind in ("missing_keys", "unexpected_keys", "mismatched_keys") for key in info.get(kind) or []]
    if lost:
        return False, f"{len(lost)} tensors are missing, unexpected or of another shape, first {lost[0]}"
    if tolerance is None:
        return True, "every tensor found; logits are not comparable, the base was trained in 4 bits"
    seen = load_file(evidence.with_suffix(".safetensors"))
    trained = seen.pop("logits")
    with torch.no_grad():
        given = {name: value.to(merged.dtype) if value.is_floating_point() else value for name, value in seen.items()}
        logits = merged(**given, use_cache=False).logits.float()
    off = float((logits - trained).norm() / trained.norm())
    return off <= tolerance, f"every tensor found, logits off by {off:.1e}"


def prompts_are_trainings(merged: Path, rows: list[dict[str, Any]], data: Path) -> tuple[bool, str]:
    """Check that the checkpoint's processor makes, before each answer, the very tokens of training."""
    from transformers import AutoProcessor

    processor, sources, count = AutoProcessor.from_pretrained(merged), source_rows(data), 0
    for row in rows[:_PROMPTS]:
        source = sources[row["id"]]
        images = _images(source, data)
        for number, (start, _) in enumerate(labelled_spans(row["labels"])):
            turns = _before(source["messages"], number)
            ids = prompt_tokens(processor, turns, images)
            if ids != list(row["input_ids"])[:start]:
                return False, f"row {row['id']}, answer {number + 1}: the prompt has other tokens than training"
            count += 1
    return bool(count), f"{count} prompts of {min(len(rows), _PROMPTS)} rows"


def generates(merged: Any, folder: Path, rows: list[dict[str, Any]], data: Path) -> tuple[bool, str]:
    """Let the reloaded model answer one prompt greedily; with and without cached keys it must say the same."""
    from transformers import AutoProcessor

    processor = AutoProcessor.from_pretrained(folder)
    source = source_rows(data)[rows[0]["id"]]
    turns, images = _before(source["messages"], 0), _images(source, data)
    inputs = processor(
        text=_prompt(processor, turns), images=images or None, return_tensors="pt", add_special_tokens=False
    )
    # A random model may say the placeholder, for which there is no image.
    settings = {"max_new_tokens": 8, "do_sample": False, "suppress_tokens": [merged.config.image_token_id]}
    answers = [merged.generate(**inputs, **settings, use_cache=cached)[0].tolist() for cached in (True, False)]
    new = len(answers[0]) - inputs["input_ids"].shape[1]
    return new > 0 and answers[0] == answers[1], f"{new} tokens, with and without a cache"


def prompt_tokens(processor: Any, turns: list[dict[str, Any]], images: list[Any]) -> list[int]:
    """Return the prompt's token ids as the checkpoint's processor makes them, placeholders expanded."""
    made = processor(text=_prompt(processor, turns), images=images or None, add_special_tokens=False)
    return list(made["input_ids"][0])


def _prompt(processor: Any, turns: list[dict[str, Any]]) -> str:
    return str(processor.apply_chat_template(turns, add_generation_prompt=True, tokenize=False))


def _before(messages: list[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    """Return the turns before an answer."""
    answers = [index for index, turn in enumerate(messages) if turn["role"] == "assistant"]
    return messages[: answers[number]]


def _images(source: dict[str, Any], data: Path) -> list[Any]:
    return [open_store(str(data / "images")).image(key) for key in source["images"] or []]


def _text(turn: dict[str, Any]) -> str:
    return "\n".join((part["text"] or "").strip() for part in turn["content"] if part["type"] == "text").strip()
