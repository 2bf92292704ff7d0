"""One call of transformers' generate() in a thread of its own, read token by token and stopped from outside."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any

from eval.engines.transformers_engine import TransformersEngine
from eval.errors import EvalError

POLL_SECONDS = 0.05


class Generation:
    """A running generation; iterating gives the ids of the answer so far after each token.

    Attributes:
        ids: of the answer so far, with its end token.
    """

    def __init__(
        self, engine: TransformersEngine, inputs: dict[str, Any], stop: threading.Event, **settings: Any
    ) -> None:
        """Start it.

        Args:
            engine: model and end tokens.
            inputs: what generate() takes; a cache in it is filled.
            stop: ends the generation after the next token.
            settings: of transformers' GenerationConfig.
        """
        self.ids: list[int] = []
        self._error: Exception | None = None
        self._stop, self._abandoned = stop, threading.Event()
        self._tokens: queue.Queue[int | None] = queue.Queue()
        self._prompt_is_read = False
        self._thread = threading.Thread(target=self._run, args=(engine, inputs, settings), daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the ids so far until the answer ends, or at once when it is stopped.

        Raises:
            EvalError: generation failed, such as for want of memory.
        """
        while not self._stop.is_set():
            try:
                token = self._tokens.get(timeout=POLL_SECONDS)
            except queue.Empty:
                continue
            if token is None:
                break
            yield list(self.ids)
        if self._error is not None:
            raise EvalError(f"The model failed: {type(self._error).__name__}: {self._error}") from self._error

    def join(self) -> bool:
        """End what is left, wait until the model is free, and return whether there was no error."""
        self._abandoned.set()
        self._thread.join()
        return self._error is None

    def put(self, value: Any) -> None:
        """Take tokens as generate() streams them: first the prompt, which is passed over, then one at a time."""
        if not self._prompt_is_read:
            self._prompt_is_read = True
            return
        for token in value.reshape(-1).tolist():
            self.ids.append(token)
            self._tokens.put(token)

    def end(self) -> None:
        """Do nothing: the thread's own end is what counts."""

    def _run(self, engine: TransformersEngine, inputs: dict[str, Any], settings: dict[str, Any]) -> None:
        import torch

        engine.generate_by(**settings)
        try:
            with torch.inference_mode():
                engine.model.generate(**inputs, streamer=self, stopping_criteria=[self._is_stopped])
        except Exception as error:  # told to the reader of the answer, in its own thread
            self._error = error
        self._tokens.put(None)

    def _is_stopped(self, ids: Any, scores: Any, **_: Any) -> Any:
        import torch

        return torch.full((ids.shape[0],), self._stop.is_set() or self._abandoned.is_set(), device=ids.device)
