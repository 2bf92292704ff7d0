"""Renders and tokenises prompts with a checkpoint's processor and chat template, for every local engine alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.checkpoint import has_vision
from eval.errors import EvalError
from eval.items import Item, Message, text_of

if TYPE_CHECKING:
    from PIL import Image


class Prompts:
    """The processor and chat template of a checkpoint folder; no weight is loaded.

    Args:
        folder: of the checkpoint.
        template: a file with the chat template, in place of the checkpoint's own.
        without_images: whether a model that sees is shown none.

    Raises:
        EvalError: transformers cannot load the processor, or there is no chat template.
    """

    def __init__(self, folder: Path, template: Path | None = None, *, without_images: bool = False) -> None:
        from transformers import AutoImageProcessor, AutoProcessor, AutoTokenizer

        self.folder = folder
        self.sees = has_vision(folder)
        self.shows_images = self.sees and not without_images
        auto: Any = AutoProcessor if self.sees else AutoTokenizer
        try:
            self.processor = auto.from_pretrained(folder, local_files_only=True)
            if self.sees:  # torchvision, where it is installed, resamples differently from training
                pillow = AutoImageProcessor.from_pretrained(folder, backend="pil", local_files_only=True)
                self.processor.image_processor = pillow
        except (OSError, ValueError, ImportError) as error:
            raise EvalError(f"{folder}: transformers cannot load this checkpoint's processor. {error}") from error
        self.tokenizer = self.processor.tokenizer if self.sees else self.processor
        if template:
            self.processor.chat_template = template.read_text(encoding="utf-8")
        if not self.processor.chat_template:
            raise EvalError(
                f"{folder}: no chat template (chat_template.jinja), so no prompt can be rendered. "
                "Give the one that the model was trained with by --chat-template-file."
            )
        self.tokenizer.chat_template = self.processor.chat_template
        self.tokenizer.padding_side = "left"

    def render(self, item: Item) -> str:
        """Render an item with the checkpoint's own chat template; where no images are shown, of its text parts only.

        Raises:
            EvalError: the template refuses the turns, or writes more or fewer placeholders than the item has images.
        """
        from jinja2 import TemplateError

        try:
            prompt: str = self.processor.apply_chat_template(
                self.turns(item), add_generation_prompt=True, tokenize=False
            )
        except (TemplateError, TypeError) as error:
            raise EvalError(f"Item {item.id!r}: {self.folder}'s chat template cannot render it ({error}).") from error
        if self.shows_images and prompt.count(self.processor.image_token) != len(item.images):
            raise EvalError(
                f"Item {item.id!r}: {prompt.count(self.processor.image_token)} placeholders in the prompt for "
                f"{len(item.images)} images. Remove the literal {self.processor.image_token!r} from its text."
            )
        return prompt

    def turns(self, item: Item, images: Sequence[Image.Image] = ()) -> list[Message]:
        """Return an item's messages as the chat template takes them; `images` are put into their parts."""
        if not self.sees:
            return [{"role": message["role"], "content": text_of(message)} for message in item.messages]
        left = iter(images)
        return [
            {
                "role": message["role"],
                "content": [
                    part if part["type"] == "text" else {"type": "image"} | ({"image": next(left)} if images else {})
                    for part in message["content"]
                    if part["type"] == "text" or self.shows_images
                ],
            }
            for message in item.messages
        ]

    def token_ids(self, prompt: str) -> list[int]:
        """Tokenise a prompt; each image is still a single placeholder token."""
        ids: list[int] = self.tokenizer(prompt, add_special_tokens=self._adds_special_tokens(prompt))["input_ids"]
        return ids

    def inputs(self, prompts: Sequence[str], images: Sequence[Sequence[Image.Image]], **more: Any) -> Any:
        """Return all that the checkpoint's processor makes of a batch, padded on the left, as PyTorch tensors.

        Args:
            prompts: as `render` returns them.
            images: of each prompt, in the order of its placeholders.
            more: other options of the processor.
        """
        special = self._adds_special_tokens(prompts[0])
        options: dict[str, Any] = {"padding": True, "return_tensors": "pt", "add_special_tokens": special, **more}
        if not self.sees:
            return self.tokenizer(list(prompts), return_token_type_ids=False, **options)
        # A processor takes a list of images for every prompt, be it empty, and None where no prompt has any.
        shown = [list(each) for each in images] if any(images) else None
        return self.processor(text=list(prompts), images=shown, **options)

    def of_item(self, item: Item, images: Sequence[Image.Image]) -> list[list[int]]:
        """Return an item's tokens with its placeholders repeated, and with one placeholder an image."""
        prompt = self.render(item)
        return [self.inputs([prompt], [images])["input_ids"][0].tolist(), self.token_ids(prompt)]

    def difference(self, item: Item, images: Sequence[Image.Image]) -> str:
        """Compare the tokens sent for an item with those that the checkpoint's own processor makes of its messages.

        Returns:
            What differs; empty if nothing does.
        """
        sent = self.inputs([self.render(item)], [images])["input_ids"][0].tolist()
        own = self.processor.apply_chat_template(
            self.turns(item, images), add_generation_prompt=True, tokenize=True, return_dict=True
        )["input_ids"]
        own = list(own[0]) if own and not isinstance(own[0], int) else list(own)
        if sent == own:
            return ""
        return f"item {item.id} is sent as {len(sent)} tokens, and the processor makes {len(own)}, not the same"

    def _adds_special_tokens(self, prompt: str) -> bool:
        """Whether the tokenizer puts its own BOS before a prompt, by the rule of transformers' processors.

        They do unless the template has written it; a tokenizer alone never adds to its template.
        """
        bos = self.tokenizer.bos_token
        return self.sees and not (bos and prompt.startswith(bos))

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


class PromptedEngine:
    """What local engines share: the checkpoint's processor makes their prompts, and only a batch can fail."""

    prompts: Prompts

    def prompt(self, item: Item) -> str:
        """Render an item with the checkpoint's own chat template."""
        return self.prompts.render(item)

    def length(self, prompt: str) -> int:
        """Count the tokens of a prompt, each image as one."""
        return len(self.prompts.token_ids(prompt))

    def check(self) -> None:
        """Do nothing: a failure raises from `answer`."""
