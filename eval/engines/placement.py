"""How the weights of a checkpoint are placed: split over GPUs, or quantised while they are loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eval.errors import EvalError


@dataclass(frozen=True)
class Placement:
    """Where weights go and how many bits they take; the defaults load all of them on one device as they are.

    Attributes:
        device_map: of transformers, such as "auto", which fills the GPUs one after the other.
        load_in: "4bit" or "8bit", with transformers and bitsandbytes.
        tensor_parallel: over how many GPUs vLLM splits every layer.
        data_parallel: how many copies of the model vLLM runs.
    """

    device_map: str | None = None
    load_in: str | None = None
    tensor_parallel: int = 1
    data_parallel: int = 1

    def check(self, config: dict[str, Any], engine_name: str, device: str) -> None:
        """Check against a checkpoint's config.json, the engine and this machine, before anything is loaded.

        Raises:
            EvalError: all that does not fit, together.
        """
        problems = self._of_transformers(device) if engine_name == "transformers" else self._of_vllm(config, device)
        if problems:
            raise EvalError(" ".join(problems))

    def header(self) -> dict[str, Any]:
        """Return what a predictions file says: only what differs from the defaults."""
        return {name: value for name, value in vars(self).items() if value != getattr(Placement, name)}

    def _of_transformers(self, device: str) -> list[str]:
        problems = []
        if self.tensor_parallel > 1 or self.data_parallel > 1:
            problems.append("--tensor-parallel and --data-parallel belong to --engine vllm.")
        if self.load_in and device == "cpu":
            problems.append(f"--load-in {self.load_in}: weights are quantised for GPUs, and there is none here.")
        return problems

    def _of_vllm(self, config: dict[str, Any], device: str) -> list[str]:
        problems = []
        if self.device_map or self.load_in:
            problems.append("--device-map and --load-in belong to --engine transformers.")
        heads = _attention_heads(config)
        if heads and heads % self.tensor_parallel:
            fitting = ", ".join(str(number) for number in range(1, heads + 1) if heads % number == 0)
            problems.append(
                f"--tensor-parallel {self.tensor_parallel} does not divide the model's {heads} attention heads: "
                f"take one of {fitting}."
            )
        asked, present = self.tensor_parallel * self.data_parallel, _gpus(device)
        if asked > present:
            problems.append(
                f"--tensor-parallel {self.tensor_parallel} and --data-parallel {self.data_parallel} need {asked} GPUs; "
                f"here are {present}. recipes/cluster/ has a file that serves a model over many nodes."
            )
        return problems


def _attention_heads(config: dict[str, Any]) -> int:
    """Return the language model's number of attention heads; 0 where config.json leaves it to its class's default."""
    text = config.get("text_config") or config.get("llm_config") or config
    return int(text.get("num_attention_heads") or 0)


def _gpus(device: str) -> int:
    """Count the GPUs; a machine without one has one device, its CPU."""
    import torch

    return torch.cuda.device_count() if device == "cuda" else 1
