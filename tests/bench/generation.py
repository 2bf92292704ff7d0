"""Answers in batches against answers one at a time on this machine, side by side: `make bench`.

One random LLaVA of width 512 (or `--model`, any checkpoint folder), the same 64 prompts through the same engine, in
batches of different size, in turn, several rounds. Printed are the median of each round's ratio, in seconds of the
clock and of the processor (user and system, of all threads: other work on the machine changes them less), and how many
answers are the same. Long answers are 64 new tokens to text; short answers are 4 new tokens to a image, as in visual
question answering, where most of the work is the prompt. Nothing here is asserted: a time is not a test.
"""

from __future__ import annotations

import argparse
import io
import logging
import random
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from PIL import Image
from transformers import AutoProcessor

from bimedix2_plugin.model import request as composition
from bimedix2_plugin.model.compose import compose, load
from bimedix2_plugin.rehearse import tiny
from eval.engines.engine import Completion, Request
from eval.engines.transformers_engine import TransformersEngine
from eval.images import read_image
from eval.items import Item
from tests.helpers import tiny_data

PROMPTS = 64
BATCHES = (1, 16, 64)
LONG, SHORT = 64, 4


def main() -> None:
    """Make the model, run the rounds, print two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="checkpoint folder; by default a random one is made")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    with TemporaryDirectory() as folder:
        engine = TransformersEngine(options.model or checkpoint(Path(folder)), "float32", "cpu")
    engine.shared = None  # all prompts show one image: tests.bench.shared_images measures what that saves
    if not options.model:
        _never_end(engine)
    size = sum(parameter.numel() for parameter in engine.model.parameters()) / 1e6
    print(f"\n{torch.get_num_threads()} threads, torch {torch.__version__}, float32, {size:.0f}M parameters, ", end="")
    print(f"{PROMPTS} prompts, median of {options.rounds} rounds")
    _compare(engine, "long answers to text", _asked(engine, images=0), LONG, options.rounds)
    if engine.prompts.sees:
        _compare(engine, "short answers to images", _asked(engine, images=1), SHORT, options.rounds)


def checkpoint(folder: Path) -> Path:
    """Compose a random LLaVA: a Llama of width 512 with 8 layers, a CLIP tower of 256 patches."""
    tiny.llama(folder / "llama", tied=False, hidden=512, layers=8, heads=8, kv_heads=4)
    tiny.clip_vision(folder / "clip", image_size=224)
    composed = compose(
        composition.Request(base=str(folder / "llama"), tower=str(folder / "clip"), root=folder / "composed")
    )
    load(composed).save_pretrained(folder / "model")
    AutoProcessor.from_pretrained(composed).save_pretrained(folder / "model")
    return folder / "model"


def _never_end(engine: TransformersEngine) -> None:
    """Let no random answer end early, so that every way generates as many tokens."""
    with torch.no_grad():
        engine.model.get_output_embeddings().weight[engine.end_ids] = 0


def _asked(engine: TransformersEngine, images: int) -> list[Request]:
    """Return prompts of 4 to 12 words, the longest first, as the prediction loop sorts them."""
    draw = random.Random(0)
    buffer = io.BytesIO()
    Image.frombytes("RGB", (256, 256), draw.randbytes(3 * 256 * 256)).save(buffer, "PNG")
    image = read_image(buffer.getvalue(), "image")
    asked = []
    for number in range(PROMPTS):
        words = " ".join(draw.choices([*tiny_data.WORDS["en"], *tiny_data.WORDS["ar"]], k=draw.randint(4, 12)))
        parts = [*({"type": "image"} for _ in range(images)), {"type": "text", "text": words}]
        messages = ({"role": "user", "content": parts},)
        item = Item(str(number), "en", "bench", "", messages, ("image",) * images, words, "")
        asked.append(Request(item, engine.prompt(item), (image,) * images))
    return sorted(asked, key=lambda each: -engine.length(each.prompt))


def _compare(engine: TransformersEngine, title: str, asked: Sequence[Request], tokens: int, rounds: int) -> None:
    seconds: dict[int, list[float]] = {size: [] for size in BATCHES}
    processor: dict[int, list[float]] = {size: [] for size in BATCHES}
    answers: dict[int, list[Completion]] = {}
    memory: dict[int, float] = {}
    for number in range(rounds + 1):
        for size in BATCHES:
            _reset_peak()
            start, used = time.perf_counter(), time.process_time()
            # The first round warms up on one batch of each size.
            answers[size] = _answer(engine, asked[:size] if number == 0 else asked, size, tokens)
            if number:
                seconds[size].append(time.perf_counter() - start)
                processor[size].append(time.process_time() - used)
                memory[size] = _peak_gb()
    print(f"\n{title}, {tokens} new tokens")
    print(f"{'batch':>6} {'tokens/s':>9} {'against 1':>10} {'processor s':>12} {'against 1':>10}", end="")
    print(f" {'first token, ms':>16} {'peak GB':>8} {'same answers':>13}")
    for size in BATCHES:
        rate = sum(answer.tokens or 0 for answer in answers[size]) / statistics.median(seconds[size])
        ratio, work = (_ratio(measured[1], measured[size]) for measured in (seconds, processor))
        used = statistics.median(processor[size])
        same = sum(one == many for one, many in zip(answers[1], answers[size], strict=True))
        first = 1000 * _first_token(engine, asked[:size])
        print(f"{size:6} {rate:9.0f} {ratio:9.2f}x {used:12.1f} {work:9.2f}x", end="")
        print(f" {first:16.0f} {memory[size]:8.2f} {same:9}/{len(asked)}", flush=True)


def _ratio(ones: Sequence[float], many: Sequence[float]) -> float:
    return statistics.median(one / other for one, other in zip(ones, many, strict=True))


def _answer(engine: TransformersEngine, asked: Sequence[Request], size: int, tokens: int) -> list[Completion]:
    starts = range(0, len(asked), size)
    return [answer for start in starts for answer in engine.answer(asked[start : start + size], tokens)]


def _first_token(engine: TransformersEngine, asked: Sequence[Request]) -> float:
    """Seconds until every prompt of one batch has its first token, median of 3."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        engine.answer(asked, 1)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _reset_peak() -> None:
    """Let Linux forget the highest resident memory of this process."""
    Path("/proc/self/clear_refs").write_text("5")


def _peak_gb() -> float:
    """The highest resident memory since then."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1e6


if __name__ == "__main__":
    main()
