"""Questions that share an image, asked together and apart, side by side: `make bench`.

SLAKE's shape: 11 questions an image, 614 tokens a prompt, 576 of them the image's, answers of 8 tokens; a random LLaVA
with a Llama of SmolLM2-135M's shape and a CLIP of width 512. «Apart» are batches that know nothing of images: prompts
by length, each with its own image and its own prefill, 16 at a time in transformers, 64 in vLLM. Both ways in turn,
several rounds. Printed are image decodes, how many answers are the same, and medians: seconds of the clock and of the
processor (user and system, of all threads), and each round's ratio. vLLM runs in `.venv-vllm`, if that is there.
Nothing here is asserted: a time is not a test.
"""

from __future__ import annotations

import argparse
import copy
import io
import logging
import os
import random
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from eval import images as reading
from eval.batches import batches_of
from eval.engines.engine import Completion, Request
from eval.images import read_ahead
from eval.items import Item

QUESTIONS, PROMPT_TOKENS, ANSWER_TOKENS = 11, 614, 8
SIDE, PATCH = 336, 14
WORDS = ["fracture", "nodule", "cyst", "mass", "كسر", "ورم", "pneumothorax", "كيس", "left", "right"]
VLLM = Path(__file__).parents[2] / ".venv-vllm" / "bin" / "python"

Ask = Callable[[Sequence[Request]], list[Completion]]
Answers = dict[str, Completion]


def main() -> None:
    """Make the model, and compare in transformers, then in vLLM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--engine", choices=["transformers", "vllm"], help="by default both, vLLM in its own environment"
    )
    parser.add_argument("--model", type=Path, help="checkpoint folder; by default a random one is made")
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    with TemporaryDirectory() as folder:
        model = options.model or checkpoint(Path(folder))
        if options.engine != "vllm":
            _transformers(model, options.images, options.rounds)
        if options.engine == "vllm":
            _vllm(model, options.images, options.rounds)
        elif not options.engine and VLLM.is_file():
            more = ["--images", str(options.images), "--rounds", str(options.rounds)]
            environment = os.environ | {"PYTHONPATH": str(VLLM.parents[2]), "VLLM_ENABLE_V1_MULTIPROCESSING": "0"}
            command = [VLLM, "-m", "tests.bench.shared_images", "--engine", "vllm", "--model", model, *more]
            subprocess.run([str(word) for word in command], env=environment, check=True)


def checkpoint(folder: Path) -> Path:
    """Save the random LLaVA; its answers never end early, so that both ways generate as many tokens."""
    import torch
    from transformers import AutoTokenizer, LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    from bimedix2_plugin.rehearse import tiny
    from bimedix2_plugin.rehearse.tiny_llava import VICUNA

    tiny.llama(folder / "words", tied=False)
    words = AutoTokenizer.from_pretrained(folder / "words")
    words.add_special_tokens({"extra_special_tokens": ["<image>"]})
    text = {"model_type": "llama", "vocab_size": len(words), "hidden_size": 576, "intermediate_size": 1536}
    text |= {"num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3}
    text |= {name: getattr(words, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    vision = {"model_type": "clip_vision_model", "hidden_size": 512, "intermediate_size": 2048, "image_size": SIDE}
    vision |= {"num_hidden_layers": 12, "num_attention_heads": 8, "patch_size": PATCH}
    image = int(words.convert_tokens_to_ids("<image>"))
    config = LlavaConfig(text_config=text, vision_config=vision, image_token_index=image, tie_word_embeddings=False)
    model = tiny.random_model(LlavaForConditionalGeneration, config)
    with torch.no_grad():
        model.get_output_embeddings().weight[words.eos_token_id] = 0
    model.save_pretrained(folder / "model")
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
            asked = [Request(item, self.prompts[item.id], (images[item.images[0]],)) for item in batch]  # type: ignore[arg-type]
            answers |= zip((item.id for item in batch), ask(asked), strict=True)
        return answers


def _item(image: int, number: int, words: str) -> Item:
    messages = ({"role": "user", "content": [{"type": "image"}, {"type": "text", "text": words}]},)
    return Item(f"{image}-{number}", "en", "bench", "", messages, (f"image {image}",), words, "")


def _png(draw: random.Random) -> bytes:
    buffer = io.BytesIO()
    Image.frombytes("L", (512, 512), draw.randbytes(512 * 512)).convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


def _transformers(model: Path, images: int, rounds: int) -> None:
    import torch

    from eval.engines.transformers_engine import TransformersEngine

    engine = TransformersEngine(model, "float32", "cpu")
    padding = copy.copy(engine)
    padding.shared = None
    asked, size = Asked.of(engine, images), 16
    print(
        f"\n{torch.get_num_threads()} threads, torch {torch.__version__}, float32, {len(asked.items)} questions", end=""
    )
    print(f" about {images} images, {ANSWER_TOKENS} new tokens, median of {rounds} rounds")
    _compare(
        "transformers",
        lambda: asked.apart(size, lambda requests: padding.answer(requests, ANSWER_TOKENS)),
        lambda: asked.together(size, lambda requests: engine.answer(requests, ANSWER_TOKENS)),
        rounds,
    )


def _vllm(model: Path, images: int, rounds: int) -> None:
    from eval.engines.vllm_engine import VllmEngine

    engine = VllmEngine(model, "float32", "cpu")
    asked = Asked.of(engine, images)

    def fresh(way: Callable[[int, Ask], Answers], size: int) -> Answers:
        engine.forget()
        return way(size, lambda requests: engine.answer(requests, ANSWER_TOKENS))

    _compare("vllm", lambda: fresh(asked.apart, 64), lambda: fresh(asked.together, 2048), rounds)


def _compare(title: str, apart: Callable[[], Answers], together: Callable[[], Answers], rounds: int) -> None:
    """Run both ways in turn, once more than counted: the first round warms up."""
    taken: dict[str, list[tuple[float, float, int]]] = {"apart": [], "together": []}
    answers: dict[str, Answers] = {}
    for _ in range(rounds + 1):
        for name, way in (("apart", apart), ("together", together)):
            with counted_decodes() as decodes:
                start, used = time.perf_counter(), time.process_time()
                answers[name] = way()
                taken[name].append((time.perf_counter() - start, time.process_time() - used, len(decodes)))
    same = sum(answers["apart"][name] == answer for name, answer in answers["together"].items())
    print(f"\n{title:12} {'clock s':>9} {'processor s':>12} {'decodes':>8}")
    for name, rows in taken.items():
        clock, processor, decodes = (statistics.median(column) for column in zip(*rows[1:], strict=True))
        print(f"{name:12} {clock:9.1f} {processor:12.1f} {decodes:8.0f}")
    pairs = list(zip(taken["apart"][1:], taken["together"][1:], strict=True))
    clock, processor = (statistics.median(one[place] / other[place] for one, other in pairs) for place in (0, 1))
    print(f"{'ratio':12} {clock:8.2f}x {processor:11.2f}x   same answers {same}/{len(answers['apart'])}", flush=True)


@contextmanager
def counted_decodes() -> Iterator[list[str]]:
    """Note the name of each image that is decoded."""
    decoded: list[str] = []
    decode = reading.read_image

    def noting(content: bytes, name: str) -> reading.DecodedImage:
        decoded.append(name)
        return decode(content, name)

    reading.read_image = noting
    try:
        yield decoded
    finally:
        reading.read_image = decode


if __name__ == "__main__":
    main()
