"""Questions that share an image, asked together and apart, side by side: `make bench`.

SLAKE's shape: 11 questions an image, 614 tokens a prompt, 576 of them the image's, answers of 8 tokens; a random LLaVA
with a Llama of SmolLM2-135M's shape and a CLIP of width 512. «Apart» are batches that know nothing of images: prompts
by length, each with its own image and its own prefill, 16 at a time in transformers, 64 in vLLM. Both ways in turn,
several rounds. Printed are image decodes, how many answers are the same, and medians: seconds of the clock and of the
processor (user and system, of all threads), and each round's ratio. Nothing here is asserted: a time is not a test.

vLLM runs in `.venv-vllm`, if that is there, with fewer layers and more images. Its prefix caching is on both ways, so
what is compared is the order: its cache holds 3/4 of the prompts' distinct tokens, as 80 GB beside an 8B hold 3/4 of
PathVQA's 858 test images (0.5 million tokens of 131 kB). With a cache that holds all of them, both ways are alike.
"""

from __future__ import annotations

import argparse
import copy
import importlib.util
import logging
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from eval import images as reading
from eval.checkpoint import read_config
from tests.bench.slake_shape import PROMPT_TOKENS, Answers, Ask, Asked, checkpoint

ANSWER_TOKENS = 8
CACHED = 0.75
VLLM = Path(__file__).parents[2] / ".venv-vllm" / "bin" / "python"


def main() -> None:
    """Make the models, and compare in transformers, then in vLLM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=list(ENGINES), help="by default both, vLLM in its own environment")
    parser.add_argument("--model", type=Path, help="checkpoint folder; by default a random one is made")
    parser.add_argument("--images", type=int, help="by default 4, for vLLM 48")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    for name in [options.engine] if options.engine else ENGINES:
        compare, images, layers = ENGINES[name]
        with TemporaryDirectory() as folder:
            model = options.model or checkpoint(Path(folder), *layers)
            if name == "vllm" and importlib.util.find_spec("vllm") is None:
                _in_vllms_environment(model, ["--engine", name, *_given(options)])
            else:
                compare(model, options.images or images, options.rounds)


def _given(options: argparse.Namespace) -> list[str]:
    images = ["--images", str(options.images)] if options.images else []
    return [*images, "--rounds", str(options.rounds)]


def _in_vllms_environment(model: Path, arguments: list[str]) -> None:
    if not VLLM.is_file():
        print(f"\nvllm: no {VLLM}, so it is left out. `make .venv-vllm/.installed` makes it.")
        return
    # Without a process of its own for vLLM's core, whose seconds would not be counted.
    environment = os.environ | {"PYTHONPATH": str(VLLM.parents[2]), "VLLM_ENABLE_V1_MULTIPROCESSING": "0"}
    command = [str(VLLM), "-m", "tests.bench.shared_images", "--model", str(model), *arguments]
    subprocess.run(command, env=environment, check=True)


def _transformers(model: Path, images: int, rounds: int) -> None:
    from eval.engines.transformers_engine import TransformersEngine

    engine = TransformersEngine(model, "float32", "cpu")
    padding = copy.copy(engine)
    padding.shared = None
    asked, size = Asked.of(engine, images), 16
    _compare(
        "transformers",
        lambda: asked.apart(size, lambda requests: padding.answer(requests, ANSWER_TOKENS)),
        lambda: asked.together(size, lambda requests: engine.answer(requests, ANSWER_TOKENS)),
        rounds,
    )


def _vllm(model: Path, images: int, rounds: int) -> None:
    from eval.engines import vllm_engine

    text = read_config(model)["text_config"]
    width = text["num_key_value_heads"] * text["hidden_size"] // text["num_attention_heads"]
    token_bytes = 2 * text["num_hidden_layers"] * width * 4  # keys and values in float32
    vllm_engine.CPU_CACHE_BYTES = int(CACHED * images * PROMPT_TOKENS * token_bytes)
    engine = vllm_engine.VllmEngine(model, "float32", "cpu")
    asked = Asked.of(engine, images)

    def anew(way: Callable[[int, Ask], Answers], size: int) -> Answers:
        engine._llm.reset_mm_cache()
        engine._llm.reset_prefix_cache()
        engine._llm.llm_engine.reset_encoder_cache()
        return way(size, lambda requests: engine.answer(requests, ANSWER_TOKENS))

    _compare("vllm", lambda: anew(asked.apart, 64), lambda: anew(asked.together, 2048), rounds)


def _compare(title: str, apart: Callable[[], Answers], together: Callable[[], Answers], rounds: int) -> None:
    """Run both ways in turn; which is first changes with the round."""
    ways = {"apart": apart, "together": together}
    taken: dict[str, list[tuple[float, float, int]]] = {name: [] for name in ways}
    answers: dict[str, Answers] = {}
    for number in range(rounds):
        for name in list(ways)[:: -1 if number % 2 else 1]:
            with counted_decodes() as decodes:
                start, used = time.perf_counter(), time.process_time()
                answers[name] = ways[name]()
                taken[name].append((time.perf_counter() - start, time.process_time() - used, len(decodes)))
    same = sum(answers["apart"][name] == answer for name, answer in answers["together"].items())
    print(f"\n{title}, {len(answers['apart'])} questions, median of {rounds} rounds")
    print(f"{'':10} {'clock s':>9} {'processor s':>12} {'decodes':>8} {'same answers':>13}")
    for name, rows in taken.items():
        clock, processor, decoded = (statistics.median(column) for column in zip(*rows, strict=True))
        print(f"{name:10} {clock:9.1f} {processor:12.1f} {decoded:8.0f} {same if name == 'together' else '':>13}")
    pairs = list(zip(taken["apart"], taken["together"], strict=True))
    clock, processor = (statistics.median(one[place] / other[place] for one, other in pairs) for place in (0, 1))
    print(f"{'ratio':10} {clock:8.2f}x {processor:11.2f}x", flush=True)


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


ENGINES: dict[str, tuple[Callable[[Path, int, int], None], int, tuple[int, int]]] = {
    "transformers": (_transformers, 4, (30, 12)),
    "vllm": (_vllm, 48, (8, 4)),
}
"""How each is compared, with how many images, and the layers of its Llama and its CLIP."""


if __name__ == "__main__":
    main()
