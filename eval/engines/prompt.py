"""Renders and tokenises prompts with a checkpoint's processor and chat template, for every local engine alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.checkpoint import shows_images
from eval.errors import EvalError
from eval.items import Item, text_of


class Prompts:
    """The processor and chat template of a checkpoint folder; no weight is loaded.

    Raises:
        EvalError: transformers cannot load the processor, or there is no chat template.
    """

    def __init__(self, folder: Path) -> None:
        from transformers import AutoImageProcessor, AutoProcessor, AutoTokenizer

        self.folder = folder
        self.llava = shows_images(folder)
        auto: Any = AutoProcessor if self.llava else AutoTokenizer
        try:
            self.processor = auto.from_pretrained(folder, local_files_only=True)
            if self.llava:  # torchvision, where it is installed, resamples differently from training
                pillow = AutoImageProcessor.from_pretrained(folder, backend="pil", local_files_only=True)
                self.processor.image_processor = pillow
        except (OSError, ValueError) as error:
            raise EvalError(f"{folder}: transformers cannot load this checkpoint's processor. {error}") from error
        self.tokenizer = self.processor.tokenizer if self.llava else self.processor
        if not self.processor.chat_template:
            raise EvalError(f"{folder}: no chat template (chat_template.jinja), so no prompt can be rendered.")

    def render(self, item: Item) -> str:
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
                f"{len(item.images)} images. Remove the literal {self.processor.image_token!r} from its text."
            )
        return prompt

    def token_ids(self, prompt: str) -> list[int]:
        """Tokenise a prompt; each image is still a single placeholder token."""
        return self.tokenizer(prompt, add_special_tokens=False)["input_ids"]

    def text(self, ids: Sequence[int]) -> str:
        """Decode the tokens of an answer, given without its end token."""
        return self.tokenizer.decode(ids, skip_special_tokens=True).strip()

    def end_ids(self, declared: int | list[int] | None) -> list[int]:
        """Return the tokens that end an answer: those declared by the checkpoint, and the tokenizer's.

        Raises:
            EvalError: there is none.
        """
        ends = {*(declared if isinstance(declared, list) else [declared]), self.tokenizer.eos_token_id} - {None}
        if not ends:
            raise EvalError(f"{self.folder}: neither generation_config.json nor the tokenizer declares an end token.")
        return sorted(ends)
