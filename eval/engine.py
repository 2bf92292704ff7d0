"""Greedy decoding in batches with plain transformers: a LLaVA checkpoint, or a text-only base model beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.checkpoint import read_config
from eval.dataset import Item, text_of
from eval.errors import EvalError

if TYPE_CHECKING:
    from PIL import Image

PROCESSOR_FILES = ("processor_config.json", "preprocessor_config.json")


@dataclass(frozen=True)
class Completion:
    """The answer to one prompt; `tokens` counts what was generated before the end token."""

    text: str
    finish_reason: str
    tokens: int


def shows_images(folder: Path) -> bool:
    """Tell by its configuration whether a checkpoint is a LLaVA (True) or a text-only language model.

    Raises:
        EvalError: the folder is no checkpoint, or a LLaVA checkpoint without its processor.
    """
    llava = read_config(folder).get("model_type") == "llava"
    if llava and not any((folder / file).is_file() for file in PROCESSOR_FILES):
        raise EvalError(
            f"{folder}: a LLaVA checkpoint without its processor ({' or '.join(PROCESSOR_FILES)}), so images cannot "
            "be prepared as in training. Save the processor into the folder, or merge the adapter again."
        )
    return llava


def default_device() -> str:
    """Return cuda where there is one, else cpu."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def resolve_dtype(dtype: str, device: str) -> str:
    """Turn `auto` into float32 on a CPU and bfloat16 on a GPU."""
    if dtype != "auto":
        return dtype
    return "float32" if device == "cpu" else "bfloat16"


class Engine:
    """A loaded checkpoint that answers batches of items, greedily and without any setting of its own defaults."""

    def __init__(self, folder: Path, dtype: str, device: str, max_new_tokens: int) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoProcessor, AutoTokenizer, LlavaForConditionalGeneration
        from transformers.utils import logging

        logging.disable_progress_bar()
        self.folder, self.device = folder, device
        self.llava = shows_images(folder)
        auto_model: Any = LlavaForConditionalGeneration if self.llava else AutoModelForCausalLM
        auto_text: Any = AutoProcessor if self.llava else AutoTokenizer
        try:
            self.processor = auto_text.from_pretrained(folder, local_files_only=True)
            model = auto_model.from_pretrained(folder, dtype=getattr(torch, dtype), local_files_only=True)
        except (OSError, ValueError) as error:
            raise EvalError(f"{folder}: transformers cannot load this checkpoint. {error}") from error
        self.tokenizer = self.processor.tokenizer if self.llava else self.processor
        self.tokenizer.padding_side = "left"
        if not self.processor.chat_template:
            raise EvalError(f"{folder}: no chat template (chat_template.jinja), so no prompt can be rendered.")
        self.model = model.to(device).eval()
        self._set_greedy(max_new_tokens)

    def _set_greedy(self, max_new_tokens: int) -> None:
        """Replace the checkpoint's generation defaults: generate() would fill our gaps with its sampling options."""
        from transformers import GenerationConfig

        declared = self.model.generation_config.eos_token_id
        ends = {*(declared if isinstance(declared, list) else [declared]), self.tokenizer.eos_token_id} - {None}
        if not ends:
            raise EvalError(f"{self.folder}: neither generation_config.json nor the tokenizer names an end token.")
        if self.tokenizer.pad_token_id is None:
            self.tokenizer.pad_token_id = min(ends)
        self.end_ids = sorted(ends)
        self.model.generation_config = GenerationConfig(
            do_sample=False,
            max_new_tokens=max_new_tokens,
            eos_token_id=self.end_ids,
            pad_token_id=self.tokenizer.pad_token_id,
        )

    def prompt(self, item: Item) -> str:
        """Render an item with the checkpoint's own chat template; a text-only model sees the text parts only.

        Raises:
            EvalError: the rendered prompt has another number of placeholders than the item has images.
        """
        messages: list[dict[str, Any]] = list(item.messages)
        if not self.llava:
            messages = [{"role": message["role"], "content": text_of(message)} for message in messages]
        prompt = self.processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        if self.llava and prompt.count(self.processor.image_token) != len(item.images):
            raise EvalError(
                f"Item {item.id!r}: {prompt.count(self.processor.image_token)} placeholders in the prompt for "
                f"{len(item.images)} images. Take the literal {self.processor.image_token!r} out of its text."
            )
        return prompt

    def length(self, prompt: str) -> int:
        """Count the tokens of a prompt, each image as one."""
        return len(self.tokenizer(prompt, add_special_tokens=False)["input_ids"])

    def answer(self, prompts: Sequence[str], images: Sequence[Sequence[Image.Image]]) -> list[Completion]:
        """Decode one batch; row i of `images` holds the pictures of prompt i, in order (ignored without a tower)."""
        import torch

        options: dict[str, Any] = {"padding": True, "return_tensors": "pt", "add_special_tokens": False}
        if self.llava:
            # Placeholders take pictures in order over the whole batch, so one flat list serves batches in which
            # rows have none, one or many; without any picture the processor wants None.
            flat = [picture for row in images for picture in row]
            inputs = self.processor(text=list(prompts), images=flat or None, **options)
            if flat:
                inputs["pixel_values"] = inputs["pixel_values"].to(self.model.dtype)
        else:
            inputs = self.processor(list(prompts), return_token_type_ids=False, **options)
        inputs = inputs.to(self.device)
        with torch.inference_mode():
            output_ids_BL = self.model.generate(**inputs)
        prompt_length = inputs["input_ids"].shape[1]
        return [self._completion(ids) for ids in output_ids_BL[:, prompt_length:].tolist()]

    def _completion(self, ids: list[int]) -> Completion:
        end = next((place for place, token in enumerate(ids) if token in self.end_ids), None)
        text = self.tokenizer.decode(ids[:end], skip_special_tokens=True).strip()
        return Completion(text, "length" if end is None else "stop", len(ids) if end is None else end)
