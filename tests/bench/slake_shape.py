"""A random LLaVA, and questions of SLAKE's shape for it: 11 an image, 614 tokens a prompt, 576 of them the image's."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from eval import images as reading
from eval.batches import batches_of
from eval.engines.engine import Completion, Request
from eval.images import read_ahead
from eval.items import Item

QUESTIONS, PROMPT_TOKENS = 11, 614
SIDE, PATCH = 336, 14
WORDS = ["fracture", "nodule", "cyst", "mass", "كسر", "ورم", "pneumothorax", "كيس", "left", "right"]

Ask = Callable[[Sequence[Request]], list[Completion]]
Answers = dict[str, Completion]


def checkpoint(folder: Path, text_layers: int, tower_layers: int) -> Path:
    """Save the random LLaVA; its answers never end early, so that both ways generate as many tokens."""
    import torch
    from transformers import AutoTokenizer, LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    from bimedix2_plugin.rehearse import tiny
    from bimedix2_plugin.rehearse.tiny_llava import LLAVA_HF, VICUNA, rename

    tiny.llama(folder / "words", tied=False)
    words = AutoTokenizer.from_pretrained(folder / "words")
    words.add_special_tokens({"extra_special_tokens": ["<image>"]})
    text = {"model_type": "llama", "vocab_size": len(words), "hidden_size": 576, "intermediate_size": 1536}
    text |= {"num_hidden_layers": text_layers, "num_attention_heads": 9, "num_key_value_heads": 3}
    text |= {name: getattr(words, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    vision = {"model_type": "clip_vision_model", "hidden_size": 512, "intermediate_size": 2048, "image_size": SIDE}
    vision |= {"num_hidden_layers": tower_layers, "num_attention_heads": 8, "patch_size": PATCH}
    image = int(words.convert_tokens_to_ids("<image>"))
    config = LlavaConfig(text_config=text, vision_config=vision, image_token_index=image, tie_word_embeddings=False)
    model = tiny.random_model(LlavaForConditionalGeneration, config)
    with torch.no_grad():
        model.get_output_embeddings().weight[words.eos_token_id] = 0
    model.save_pretrained(folder / "model")
    rename(folder / "model", LLAVA_HF)
    square = {"size": {"shortest_edge": SIDE}, "crop_size": {"height": SIDE, "width": SIDE}}
    settings = {"vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}
    pixels = CLIPImageProcessorPil(**square)
    processor = LlavaProcessor(pixels, words, patch_size=PATCH, chat_template=VICUNA, **settings)
    processor.save_pretrained(folder / "model")
    return folder / "model"


@dataclass(frozen=True)
class Asked:
    """The questions, their prompts and lengths by id, and the files of the images by name."""

    items: list[Item]
    prompts: dict[str, str]
    lengths: dict[str, int]
    files: dict[str, bytes]

    @classmethod
    def of(cls, engine: Any, images: int) -> Asked:
        """Draw noise for images, and questions about them, of words until a prompt is long enough."""
        draw = random.Random(0)
        items, prompts = [], {}
        for image in range(images):
            for number in range(QUESTIONS):
                words = f"{number}"
                wanted = PROMPT_TOKENS - (SIDE // PATCH) ** 2 + 1 + draw.randint(-8, 8)
                while engine.length(engine.prompt(_item(image, number, words))) < wanted:
                    words += " " + draw.choice(WORDS)
                items.append(_item(image, number, words))
                prompts[items[-1].id] = engine.prompt(items[-1])
        lengths = {name: engine.length(prompt) for name, prompt in prompts.items()}
        return cls(items, prompts, lengths, {f"image {image}": _png(draw) for image in range(images)})

    def apart(self, size: int, ask: Ask) -> Answers:
        """Ask by length, longest first; every prompt reads its own image."""
        ordered = sorted(self.items, key=lambda item: (-self.lengths[item.id], item.id))
        answers: Answers = {}
        for start in range(0, len(ordered), size):
            batch = ordered[start : start + size]
            images = [reading.read_image(self.files[item.images[0]], item.images[0]) for item in batch]
            asked = [Request(item, self.prompts[item.id], (image,)) for item, image in zip(batch, images, strict=True)]
            answers |= zip((item.id for item in batch), ask(asked), strict=True)
        return answers

    def together(self, size: int, ask: Ask) -> Answers:
        """Ask by image, as eval.predict does; images are read ahead."""
        batches = batches_of(self.items, self.lengths, size)
        names = [[item.images[0] for item in batch] for batch in batches]
        answers: Answers = {}
        for batch, images in zip(batches, read_ahead(self.files.__getitem__, names), strict=True):
            asked = [Request(item, self.prompts[item.id], (images[item.images[0]],)) for item in batch]
            answers |= zip((item.id for item in batch), ask(asked), strict=True)
        return answers


def _item(image: int, number: int, words: str) -> Item:
    messages = ({"role": "user", "content": [{"type": "image"}, {"type": "text", "text": words}]},)
    return Item(f"{image}-{number}", "en", "bench", "", messages, (f"image {image}",), words, "")


def _png(draw: random.Random) -> bytes:
    buffer = io.BytesIO()
    Image.frombytes("L", (512, 512), draw.randbytes(512 * 512)).convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()
