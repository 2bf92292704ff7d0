"""vLLM's offline engine. It cannot share Axolotl's environment: evaluate from one of its own, or serve and ask.

The prompt is rendered and tokenised as for transformers; vLLM only expands the placeholders, and each reply's prompt
tokens are compared with those of training.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.checkpoint import read_config
from eval.engines.base import Asked, Completion
from eval.engines.prompt import Prompts
from eval.errors import EvalError
from eval.items import Item

QUIET = {"VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "ERROR"}
"""vLLM's own switches, unless the environment sets them: no report of its use is sent, and only errors are shown."""
CPU_CACHE_BYTES = 2 << 30
"""Keys and values of running prompts on a CPU, where vLLM takes 92% of all memory if it is not told; its own variable
VLLM_CPU_KVCACHE_SPACE, in GiB, comes first."""


def check_importable() -> None:
    """Tell at once whether vLLM can be used here.

    Raises:
        EvalError: it is not installed in this environment.
    """
    found = importlib.util.find_spec("vllm")
    if found is None or found.origin is None:  # a folder of that name is no package
        raise EvalError(
            "--engine vllm: vLLM is not installed here, and it cannot be beside Axolotl. Either run `vllm serve MODEL` "
            "in its own environment and ask it with `--engine openai --base-url http://localhost:8000/v1`, or run "
            "`python -m eval` from this folder with that environment's Python, after `uv pip install pyarrow` there."
        )


class VllmEngine:
    """A checkpoint in vLLM, answering greedily; batches are its own affair."""

    WHOLE_BATCHES = False

    def __init__(self, folder: Path, dtype: str, device: str) -> None:
        for name, value in QUIET.items():
            os.environ.setdefault(name, value)
        from vllm import LLM

        self.folder, self.prompts = folder, Prompts(folder)
        config = read_config(folder)
        self._image_token = config.get("image_token_index", config.get("image_token_id"))
        self._image_tokens = config.get("image_seq_length", 576)
        try:
            # Compiling pays on a GPU; on a CPU it takes longer than a benchmark. -1 is the longest context that fits.
            on_cpu = {"enforce_eager": True, "kv_cache_memory_bytes": CPU_CACHE_BYTES} if device == "cpu" else {}
            self._llm = LLM(model=str(folder), dtype=dtype, seed=0, max_model_len=-1, **on_cpu)
        except (ValueError, RuntimeError, OSError) as error:
            raise EvalError(f"{folder}: vLLM cannot load this checkpoint. {error}") from error
        self._end_ids = self.prompts.end_ids(None)

    def prompt(self, item: Item) -> str:
        """Render an item with the checkpoint's own chat template."""
        return self.prompts.render(item)

    def length(self, prompt: str) -> int:
        """Count the tokens of a prompt, each image as one."""
        return len(self.prompts.token_ids(prompt))

    def check(self) -> None:
        """Nothing can go wrong between batches."""

    def answer(self, asked: Sequence[Asked], max_new_tokens: int) -> list[Completion]:
        """Answer one batch.

        Raises:
            EvalError: vLLM made other prompt tokens than training does.
        """
        from vllm import SamplingParams

        # The checkpoint's own end tokens are added by vLLM. Its text leaves out a character that is cut in the middle.
        length = {"max_tokens": max_new_tokens, "stop_token_ids": self._end_ids}
        greedy = SamplingParams(temperature=0.0, detokenize=False, **length)
        prompts = [self._request(each) for each in asked]
        outputs = self._llm.generate(prompts, greedy, use_tqdm=False)
        for each, prompt, output in zip(asked, prompts, outputs, strict=True):
            if list(output.prompt_token_ids) != self._expanded(prompt["prompt_token_ids"]):
                raise EvalError(f"Item {each.item.id!r}: vLLM made other prompt tokens than training does.")
        return [self._completion(output.outputs[0]) for output in outputs]

    def _request(self, asked: Asked) -> dict[str, Any]:
        request: dict[str, Any] = {"prompt_token_ids": self.prompts.token_ids(asked.prompt)}
        if asked.pictures:
            request["multi_modal_data"] = {"image": [picture.image for picture in asked.pictures]}
        return request

    def _expanded(self, ids: Sequence[int]) -> list[int]:
        """Repeat each placeholder once for every feature of its image."""
        return [token for id_ in ids for token in [id_] * (self._image_tokens if id_ == self._image_token else 1)]

    def _completion(self, output: Any) -> Completion:
        ids = output.token_ids[:-1] if output.finish_reason == "stop" else output.token_ids
        return Completion(self.prompts.text(ids), output.finish_reason, len(ids))
