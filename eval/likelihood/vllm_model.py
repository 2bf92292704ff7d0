"""A checkpoint in vLLM as a model of lm-eval: the log-likelihoods of options are those of the tokens of a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, override

from lm_eval.api.model import TemplateLM

from eval.engines.vllm_copies import VllmCopies
from eval.engines.vllm_engine import VllmEngine
from eval.errors import EvalError

Pair = tuple[tuple[str, str], list[int], list[int]]
"""A context and a continuation as text, then the token ids of each."""


class VllmLanguageModel(TemplateLM):
    """lm-eval's interface over a loaded engine; it tokenises as lm-eval's Hugging Face model does."""

    def __init__(self, engine: VllmEngine | VllmCopies) -> None:
        super().__init__()
        self.engine, self.tokenizer = engine, engine.prompts.tokenizer

    @property
    @override
    def eot_token_id(self) -> int:
        return int(self.tokenizer.eos_token_id)

    @property
    @override
    def prefix_token_id(self) -> int:
        bos = self.tokenizer.bos_token_id
        return self.eot_token_id if bos is None else int(bos)

    @property
    def max_length(self) -> int:
        """The longest prompt without its last token: vLLM always generates one token behind the prompt."""
        return self.engine.max_length - 2

    @override
    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **kwargs: Any) -> list[int]:
        """Tokenise a text; by default with the tokenizer's own special tokens, unless it has the BOS already."""
        special = add_special_tokens
        if special is None and string.startswith(self.tokenizer.decode(self.prefix_token_id)):
            special = False
        return list(self.tokenizer.encode(string, **({} if special is None else {"add_special_tokens": special})))

    @override
    def apply_chat_template(self, chat_history: list[dict[str, Any]], add_generation_prompt: bool = True) -> str:
        """Render turns of text with the checkpoint's own template."""
        parts = self.engine.prompts.sees
        turns = [
            {**turn, "content": [{"type": "text", "text": turn["content"]}]} if parts else turn for turn in chat_history
        ]
        text: str = self.tokenizer.apply_chat_template(
            turns, tokenize=False, add_generation_prompt=add_generation_prompt
        )
        return text

    @override
    def _loglikelihood_tokens(self, requests: list[Pair], **kwargs: Any) -> list[tuple[float, bool]]:
        """Sum the log-probabilities of each continuation's tokens; a context that is too long loses its beginning."""
        prompts = [(context + continuation)[-(self.max_length + 1) :] for _, context, continuation in requests]
        found = self.engine.log_probabilities(prompts)
        pairs = zip(requests, found, strict=True)
        return [_of_continuation(tokens[-len(continuation) :]) for (_, _, continuation), tokens in pairs]

    @override
    def loglikelihood_rolling(self, requests: Any, disable_tqdm: bool = False) -> list[float]:
        raise EvalError("No benchmark here asks for the likelihood of whole texts.")

    @override
    def generate_until(self, requests: Any, disable_tqdm: bool = False) -> list[str]:
        raise EvalError("Benchmarks with options are scored by likelihood, not by generated text.")


def _of_continuation(tokens: Sequence[tuple[float, bool]]) -> tuple[float, bool]:
    return sum(value for value, _ in tokens), all(first for _, first in tokens)
