"""Answers of transformers to the probes, from a process that ends and leaves its memory to the server."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from eval.engines.engine import Request
from eval.engines.placement import Placement
from eval.engines.prompt import Prompts
from eval.engines.transformers_engine import TransformersEngine
from eval.errors import EvalError
from eval.serve.probes import probes

NEW_TOKENS = 16
LIKELIEST = 20
ROOM = 1.2
"""Memory that a checkpoint needs, by the size of its weights."""


@dataclass(frozen=True)
class Answer:
    """A greedy answer.

    Attributes:
        ids: its tokens, the end token included.
        likeliest: at each place, the log-probabilities of the LIKELIEST tokens.
    """

    ids: list[int]
    likeliest: list[dict[int, float]]


def reference(folder: Path, dtype: str, device: str, template: Path | None) -> list[Answer]:
    """Ask transformers the probes in a new process, in their order.

    Raises:
        EvalError: transformers cannot load the checkpoint, or the process was killed.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(_answers, folder, dtype, device, template).result()
        except BrokenProcessPool:
            raise EvalError(
                f"{folder}: the process that asked transformers was killed, probably for want of memory. "
                "Compare the prompts alone: --tokens-only."
            ) from None


def why_no_room(folder: Path, device: str) -> str:
    """Say why transformers cannot load a checkpoint here; empty if it can."""
    size = ROOM * sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    free = _free_bytes(device)
    if size <= free:
        return ""
    return f"transformers needs {size / 1e9:.1f} GB for {folder}, and {free / 1e9:.1f} GB are free"


def _free_bytes(device: str) -> float:
    """Count the free memory of all GPUs, or of the machine."""
    import psutil
    import torch

    if device == "cuda":
        return sum(torch.cuda.mem_get_info(number)[0] for number in range(torch.cuda.device_count()))
    return float(psutil.virtual_memory().available)


def _answers(folder: Path, dtype: str, device: str, template: Path | None) -> list[Answer]:
    prompts = Prompts(folder, template)
    placement = Placement(device_map="auto" if device == "cuda" else None)
    engine = TransformersEngine(folder, dtype, device, prompts, placement)
    return [_answer(engine, Request(item, engine.prompt(item), images)) for item, images in probes(sees=prompts.sees)]


def _answer(engine: TransformersEngine, request: Request) -> Answer:
    import torch

    inputs = engine.inputs([request])
    engine.generate_by(do_sample=False, max_new_tokens=NEW_TOKENS, output_logits=True, return_dict_in_generate=True)
    with torch.inference_mode():
        made = engine.model.generate(**inputs)
    ids = made.sequences[0, inputs["input_ids"].shape[1] :].tolist()
    tops = [logits[0].float().log_softmax(-1).topk(LIKELIEST) for logits in made.logits]
    return Answer(ids, [dict(zip(top.indices.tolist(), top.values.tolist(), strict=True)) for top in tops])
