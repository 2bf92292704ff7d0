"""Greedy decoding in batches with plain transformers: a vision-language model, or a text-only one.

Where prompts of a batch share their images, or a long text, the model computes that part once.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.engines.engine import Completion, Request
from eval.engines.placement import Placement
from eval.engines.prompt import PromptedEngine, Prompts
from eval.engines.shared_prefix import SharedPrefixes
from eval.errors import EvalError


class TransformersEngine(PromptedEngine):
    """A loaded checkpoint that answers batches of items with greedy decoding; its own sampling defaults are ignored.

    `shared` computes what prompts of a batch have in common once; without it every batch is padded.
    """

    WHOLE_BATCHES = True

    def __init__(
        self,
        folder: Path,
        dtype: str,
        device: str,
        prompts: Prompts | None = None,
        placement: Placement = Placement(),  # noqa: B008 (frozen)
    ) -> None:
        """Load the checkpoint; `prompts` are its own by default."""
        import torch
        from transformers import AutoModelForCausalLM, AutoModelForImageTextToText
        from transformers.utils import logging

        logging.disable_progress_bar()
        self.folder = folder
        self.prompts = prompts or Prompts(folder)
        self.processor, self.tokenizer = self.prompts.processor, self.prompts.tokenizer
        auto_model: Any = AutoModelForImageTextToText if self.prompts.sees else AutoModelForCausalLM
        settings = {"dtype": getattr(torch, dtype), "local_files_only": True} | _placed(placement, dtype)
        try:
            model = auto_model.from_pretrained(folder, **settings)
        except (OSError, ValueError, ImportError) as error:
            raise EvalError(f"{folder}: transformers cannot load this checkpoint. {error}") from error
        self.model = (model if "device_map" in settings else model.to(device)).eval()
        self.end_ids = self.prompts.end_ids(self.model.generation_config.eos_token_id)
        if self.tokenizer.pad_token_id is None:
            self.tokenizer.pad_token_id = self.end_ids[0]
        self.shared: SharedPrefixes | None = SharedPrefixes(
            self.model, self.processor, self.inputs, self.prompts.token_ids
        )

    def inputs(self, requests: Sequence[Request], **more: Any) -> Any:
        """Return the processor's tensors for a batch, padded on the left; pixels in the model's precision.

        `more` are other options of the processor.
        """
        images = [[image.image for image in each.images] for each in requests]
        inputs = self.prompts.inputs([each.prompt for each in requests], images, **more)
        for name, value in inputs.items():
            if name.startswith("pixel_values"):
                inputs[name] = value.to(self.model.dtype)
        return inputs.to(self.model.device)

    def generate_by(self, **settings: Any) -> None:
        """Set how the model generates: by these of transformers' settings, to the checkpoint's end tokens.

        They replace its configuration as a whole: generate() would merge its sampling options into ours.
        """
        from transformers import GenerationConfig

        ends = {"eos_token_id": self.end_ids, "pad_token_id": self.tokenizer.pad_token_id}
        self.model.generation_config = GenerationConfig(**ends, **settings)

    def answer(self, requests: Sequence[Request], max_new_tokens: int) -> list[Completion]:
        """Decode one batch."""
        import torch

        self.generate_by(do_sample=False, max_new_tokens=max_new_tokens)
        with torch.inference_mode():
            answers_BL = self.shared.generate(requests) if self.shared else None
            if answers_BL is None:
                answers_BL = self.padded(requests)
        return [self.completion(ids) for ids in answers_BL.tolist()]

    def padded(self, requests: Sequence[Request]) -> Any:
        """Return the ids of the answers, of shape (B, L), each prompt computed whole, in one padded batch."""
        inputs = self.inputs(requests)
        return self.model.generate(**inputs)[:, inputs["input_ids"].shape[1] :]

    def completion(self, ids: Sequence[int]) -> Completion:
        """Decode generated ids up to the first end token."""
        end = next((place for place, token in enumerate(ids) if token in self.end_ids), None)
        return Completion(
            self.prompts.text(ids[:end]), "length" if end is None else "stop", len(ids) if end is None else end
        )


def _placed(placement: Placement, dtype: str) -> dict[str, Any]:
    """Return what `from_pretrained` takes for a placement; quantised weights are put on the GPUs by their loader."""
    if not placement.load_in:
        return {"device_map": placement.device_map} if placement.device_map else {}
    import torch
    from transformers import BitsAndBytesConfig

    bits = {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_compute_dtype": getattr(torch, dtype)}
    quantised = BitsAndBytesConfig(**(bits if placement.load_in == "4bit" else {"load_in_8bit": True}))
    return {"quantization_config": quantised, "device_map": placement.device_map or "auto"}
