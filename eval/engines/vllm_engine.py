"""vLLM's offline engine. vLLM cannot be installed beside Axolotl: run it in its own environment, or as a server.

Prompts are rendered and tokenised as for transformers; vLLM only expands the image placeholders. The tokens that it
makes of the first prompt with images, and of the first without, are compared with those of the checkpoint's processor.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.engines.engine import Completion, Request
from eval.engines.placement import Placement
from eval.engines.prompt import PromptedEngine, Prompts
from eval.errors import EvalError

QUIET = {"VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "ERROR"}
"""vLLM's environment variables, unless they are set already: send no usage report, log only errors."""
CPU_CACHE_BYTES = 2 << 30
"""Size of the KV cache on a CPU, where vLLM takes 92% of all memory by default. vLLM's variable VLLM_CPU_KVCACHE_SPACE,
in GiB, takes precedence."""


def check_importable() -> None:
    """Check that vLLM can be imported, before anything is loaded.

    Raises:
        EvalError: it is not installed in this environment.
    """
    found = importlib.util.find_spec("vllm")
    if found is None or found.origin is None:  # a namespace package: some folder of that name
        raise EvalError(
            "--engine vllm: vLLM is not installed here, and it cannot be beside Axolotl. `make setup-vllm` "
            "installs it in an environment of its own. Then either run `make serve MODEL=...` and ask it with "
            "`--engine openai --base-url http://localhost:8000/v1`, or run `.venv-vllm/bin/python -m eval` here."
        )


class VllmEngine(PromptedEngine):
    """A checkpoint in vLLM with greedy decoding; vLLM forms its own batches.

    Prompts that follow each other and begin alike, images included, are computed once: its prefix caching, which is on.
    """

    WHOLE_BATCHES = False

    def __init__(
        self,
        folder: Path,
        dtype: str,
        device: str,
        prompts: Prompts | None = None,
        placement: Placement = Placement(),  # noqa: B008 (frozen)
    ) -> None:
        """Load the checkpoint; `prompts` are its own by default."""
        for name, value in QUIET.items():
            os.environ.setdefault(name, value)
        from vllm import LLM

        self.folder, self.prompts = folder, prompts or Prompts(folder)
        try:
            # Compiling pays off on a GPU; on a CPU it takes longer than a benchmark. -1: the longest context that fits.
            settings: dict[str, Any] = {"dtype": dtype, "seed": 0, "max_model_len": -1}
            settings |= {"enforce_eager": True, "kv_cache_memory_bytes": CPU_CACHE_BYTES} if device == "cpu" else {}
            if placement.tensor_parallel > 1:
                settings["tensor_parallel_size"] = placement.tensor_parallel
            self._llm = LLM(model=str(folder), **settings)
        except (ValueError, RuntimeError, OSError) as error:
            raise EvalError(f"{folder}: vLLM cannot load this checkpoint. {error}") from error
        self._end_ids = self.prompts.end_ids(None)
        self._compared: set[bool] = set()

    def answer(self, requests: Sequence[Request], max_new_tokens: int) -> list[Completion]:
        """Answer one batch.

        Raises:
            EvalError: vLLM made other prompt tokens than training does.
        """
        from vllm import SamplingParams

        # vLLM adds the checkpoint's own end tokens. Its detokenised text drops a character that is cut in the middle.
        length = {"max_tokens": max_new_tokens, "stop_token_ids": self._end_ids}
        greedy = SamplingParams(temperature=0.0, detokenize=False, **length)
        prompts = [self._prompt_of(each) for each in requests]
        outputs = self._llm.generate(prompts, greedy, use_tqdm=sys.stderr.isatty())
        self._compare(requests, outputs)
        return [self._completion(output.outputs[0]) for output in outputs]

    @property
    def max_length(self) -> int:
        """The longest prompt together with its answer, in tokens."""
        return int(self._llm.llm_engine.model_config.max_model_len)

    def log_probabilities(self, prompts: Sequence[Sequence[int]]) -> list[list[tuple[float, bool]]]:
        """Return, for each token of a prompt but its first, its log-probability, and whether it is the likeliest.

        Args:
            prompts: token ids, without images.
        """
        from vllm import SamplingParams

        asked = [{"prompt_token_ids": list(ids)} for ids in prompts]
        # vLLM has to generate a token; 0: of each place the log-probability of the prompt's own token alone.
        scored = SamplingParams(temperature=0.0, max_tokens=1, prompt_logprobs=0, detokenize=False)
        outputs = self._llm.generate(asked, scored, use_tqdm=False)
        return [
            [
                (float(each[token].logprob), each[token].rank == 1)
                for token, each in zip(ids[1:], output.prompt_logprobs[1:], strict=True)
            ]
            for ids, output in zip(prompts, outputs, strict=True)
        ]

    def _prompt_of(self, request: Request) -> dict[str, Any]:
        prompt: dict[str, Any] = {"prompt_token_ids": self.prompts.token_ids(request.prompt)}
        if request.images:
            prompt["multi_modal_data"] = {"image": [image.image for image in request.images]}
        return prompt

    def _compare(self, requests: Sequence[Request], outputs: Sequence[Any]) -> None:
        """Compare the tokens that vLLM made of the first prompt with images, and of the first without.

        Raises:
            EvalError: they are not those of training: those that the checkpoint's own processor makes.
        """
        for request, output in zip(requests, outputs, strict=True):
            if (kind := bool(request.images)) not in self._compared:
                own = self.prompts.inputs([request.prompt], [[image.image for image in request.images]])
                if list(output.prompt_token_ids) != own["input_ids"][0].tolist():
                    raise EvalError(f"Item {request.item.id!r}: vLLM made other prompt tokens than training does.")
                self._compared.add(kind)

    def _completion(self, output: Any) -> Completion:
        ids = output.token_ids[:-1] if output.finish_reason == "stop" else output.token_ids
        return Completion(self.prompts.text(ids), output.finish_reason, len(ids))
