"""Several copies of a model in vLLM, each in a process of its own on its own GPUs; a batch is dealt out to them.

vLLM's LLM refuses data_parallel_size above 1 in one process, and a dense model's copies have nothing to exchange.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from eval.engines.engine import Completion, Request
from eval.engines.placement import Placement
from eval.engines.prompt import PromptedEngine, Prompts

VISIBLE = "CUDA_VISIBLE_DEVICES"

_loaded: dict[str, Any] = {}
"""In a copy's process: its engine."""


class VllmCopies(PromptedEngine):
    """As many engines as `placement.data_parallel` says; answers come in the order of the requests."""

    WHOLE_BATCHES = False

    def __init__(self, folder: Path, dtype: str, device: str, prompts: Prompts | None, placement: Placement) -> None:
        """Load all copies at the same time.

        Raises:
            EvalError: vLLM cannot load the checkpoint.
        """
        self.prompts = prompts or Prompts(folder)
        context = multiprocessing.get_context("spawn")
        self._pools = [ProcessPoolExecutor(1, mp_context=context) for _ in range(placement.data_parallel)]
        each = replace(placement, data_parallel=1)
        gpus = gpus_of_copies(placement, os.environ.get(VISIBLE))
        loading = [
            pool.submit(_load, visible, folder, dtype, device, self.prompts, each)
            for pool, visible in zip(self._pools, gpus, strict=True)
        ]
        self.max_length = min(future.result() for future in loading)

    def answer(self, requests: Sequence[Request], max_new_tokens: int) -> list[Completion]:
        """Answer one batch. Raises EvalError where a copy does."""
        return self._dealt(_answer, requests, max_new_tokens)

    def log_probabilities(self, prompts: Sequence[Sequence[int]]) -> list[list[tuple[float, bool]]]:
        """Return the log-probabilities of the tokens of prompts, as VllmEngine does."""
        return self._dealt(_log_probabilities, prompts)

    def _dealt(self, job: Callable[..., list[Any]], asked: Sequence[Any], *more: Any) -> list[Any]:
        """Give each copy its part, in order: neighbours share images, and with them a copy's cache."""
        size = -(-len(asked) // len(self._pools))
        parts = [asked[start : start + size] for start in range(0, len(asked), size)] if size else []
        futures = [pool.submit(job, part, *more) for pool, part in zip(self._pools, parts, strict=False)]
        return [answer for future in futures for answer in future.result()]


def gpus_of_copies(placement: Placement, visible: str | None) -> list[str]:
    """Return the value of CUDA_VISIBLE_DEVICES for each copy: `tensor_parallel` of those that are visible here."""
    size = placement.tensor_parallel
    names = visible.split(",") if visible else [str(number) for number in range(size * placement.data_parallel)]
    return [",".join(names[copy * size : (copy + 1) * size]) for copy in range(placement.data_parallel)]


def _load(visible: str, *given: Any) -> int:
    os.environ[VISIBLE] = visible  # before anything in this process touches a GPU
    from eval.engines.vllm_engine import VllmEngine

    _loaded["engine"] = VllmEngine(*given)
    return int(_loaded["engine"].max_length)


def _answer(requests: Sequence[Request], max_new_tokens: int) -> list[Completion]:
    answers: list[Completion] = _loaded["engine"].answer(requests, max_new_tokens)
    return answers


def _log_probabilities(prompts: Sequence[Sequence[int]]) -> list[list[tuple[float, bool]]]:
    found: list[list[tuple[float, bool]]] = _loaded["engine"].log_probabilities(prompts)
    return found
