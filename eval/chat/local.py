"""A checkpoint on this machine, talked to with transformers by the prompts, the tokens and the model of evaluation."""

from __future__ import annotations

import threading
from collections.abc import Generator
from typing import Any

from eval.chat.conversation import Conversation
from eval.chat.generation import POLL_SECONDS, Generation
from eval.chat.kept_cache import KeptCache, can_keep
from eval.chat.local_inputs import Prepared, prepare
from eval.chat.talker import STOPPED, Decoding, TooLongError
from eval.engines.engine import Completion, Request
from eval.engines.transformers_engine import TransformersEngine
from eval.errors import EvalError
from eval.model import Checkpoint

ROOM = 4
"""At least one part in so many of the context is left for the answer, if it may be that long."""


class LocalTalker:
    """A loaded checkpoint, as `Talker` says."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        """Load it. Raises EvalError if transformers cannot."""
        engine = checkpoint.engine
        assert isinstance(engine, TransformersEngine)
        self.name, self.shows_images = checkpoint.source.name, checkpoint.shows_images
        self.engine = engine
        text = engine.model.config.get_text_config(decoder=True)
        self.context: int | None = getattr(text, "max_position_embeddings", None)
        self._kept = KeptCache() if can_keep(engine.model) else None
        self._lock = threading.Lock()

    def stream(self, conversation: Conversation, decoding: Decoding, stop: threading.Event) -> Generator[Completion]:
        """Yield the answer as it grows.

        Raises:
            TooLongError: the conversation leaves too little of the context for an answer.
            EvalError: the model is shown no images and the conversation has one, or it cannot be rendered.
        """
        images = conversation.images()
        if images and not self.shows_images:
            raise EvalError(f"{self.name} is a text-only model, which sees no images: ask without them.")
        item = conversation.item()
        request = Request(item, self.engine.prompt(item), tuple(image.decoded for image in images))
        if not (free := self._lock.acquire(timeout=POLL_SECONDS)):
            yield Completion("", "waiting", None)
        while not free and not self._lock.acquire(timeout=POLL_SECONDS):
            if stop.is_set():
                yield Completion("", STOPPED, 0)
                return
        try:
            yield from self._answer(self._prepared(request), decoding, stop)
        finally:
            self._lock.release()

    def _prepared(self, request: Request) -> Prepared:
        try:
            return prepare(self.engine, request, self._kept)
        except Exception as error:  # a processor raises anything for an image that it cannot cut, such as a thin one
            raise EvalError(
                f"{self.name} cannot be shown this conversation: {type(error).__name__}: {error}. Change the question."
            ) from error

    def _answer(self, prepared: Prepared, decoding: Decoding, stop: threading.Event) -> Generator[Completion]:
        sampling = {"do_sample": True, "temperature": decoding.temperature, "top_k": 0}
        settings: dict[str, Any] = {"max_new_tokens": self._room(prepared.length, decoding.max_new_tokens)}
        settings |= sampling if decoding.temperature else {"do_sample": False}
        generation = Generation(self.engine, prepared.inputs, stop, **settings)
        try:
            for ids in generation:
                # A character of which only the first bytes are there is not shown yet.
                yield Completion(self.engine.prompts.text(ids).rstrip("\ufffd"), "", len(ids))
            completion = self.engine.completion(generation.ids)
            stopped = stop.is_set() and completion.finish_reason != "stop"
            yield Completion(completion.text, STOPPED, completion.tokens) if stopped else completion
        finally:  # also when the reader of the answer goes away
            if generation.join() and self._kept is not None and prepared.placeholders:
                marks = [*prepared.marks, *generation.ids]
                self._kept.keep(marks, prepared.placeholders, prepared.inputs["past_key_values"])

    def _room(self, length: int, wanted: int) -> int:
        """Return how many tokens the answer may have. Raises TooLongError if they are too few."""
        if self.context is None:
            return wanted
        if length + min(wanted, self.context // ROOM) > self.context:
            raise TooLongError(
                f"The conversation has {length} tokens; {self.name} takes {self.context}, the answer included. "
                "Drop the oldest turns, or begin anew."
            )
        return min(wanted, self.context - length)
