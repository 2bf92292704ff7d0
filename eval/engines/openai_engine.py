"""Any OpenAI-compatible server as an engine; images are sent as data URLs, as they are or prepared.

The server renders the prompt. Where it tells its tokens (vLLM's /tokenize) and the checkpoint that it serves is known,
they are compared with those of the checkpoint's own processor; else the header says that they are unknown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from data_prep.llm.client import Client, Failure, Reply
from data_prep.llm.connection import Connection, ServerError
from eval.engines.engine import Completion, Request
from eval.engines.prompt import Prompts
from eval.engines.sent_images import DataUrl, PreparedImages, once
from eval.errors import EvalError
from eval.hub import locate
from eval.images import DecodedImage
from eval.items import Item, Message, text_of
from eval.model import VERIFIED, Settings, version_of

FAILURES_IN_A_ROW = 16


@dataclass(frozen=True)
class Server:
    """A model behind a server, as the prediction loop sees it."""

    model: str
    connection: Connection
    settings: Settings
    temperature: float | None = 0
    extras: Mapping[str, Any] = field(default_factory=dict)
    checkpoint: str | None = None
    """The checkpoint that the server serves, a folder or a name on the Hub, if it is known."""
    prepared: PreparedImages | None = None
    """Prepares images before they are sent; None sends them as they are."""

    @property
    def shows_images(self) -> bool:
        """Whether the model is shown images: whether it sees them, only the server knows."""
        return not self.settings.without_images

    @property
    def without_images(self) -> bool:
        """Whether questions about images are asked without showing them."""
        return self.settings.without_images

    @property
    def batch_size(self) -> int:
        """Number of prompts in flight or waiting for a free slot; a killed run asks up to that many again."""
        return self.settings.batch_size

    @property
    def max_new_tokens(self) -> int | None:
        """The longest answer in tokens; None leaves it to the benchmark."""
        return self.settings.max_new_tokens

    @cached_property
    def engine(self) -> OpenAIEngine:
        """The engine, once the server has answered.

        Raises:
            EvalError: no server answers, or it refuses the key.
        """
        try:
            self.connection.check_server()
        except ServerError as error:
            raise EvalError(f"{error} Start the server, or give its address with --base-url, /v1 included.") from None
        return OpenAIEngine(self.model, self.connection, self.temperature, self.extras, self._data_url)

    def prompt_tokens(self, first: Sequence[tuple[Item, Sequence[DecodedImage]]]) -> str:
        """Compare the server's tokens of items with those of the checkpoint's own processor, where both are known.

        Raises:
            EvalError: the checkpoint is none, or no server answers.
        """
        if self.checkpoint is None:
            return "unknown: the server makes them (--checkpoint names the one whose processor they are compared with)"
        self.engine.check()  # a server that does not answer is told first
        template, without = self.settings.chat_template, self.without_images
        prompts = Prompts(locate(self.checkpoint).folder, template, without_images=without)
        for item, images in first:
            messages = messages_of(item, images, self._data_url)
            body = {"model": self.model, "messages": messages, "add_generation_prompt": True}
            extras = {name: value for name, value in self.extras.items() if name == "chat_template_kwargs"}
            try:
                tokens = self.connection.post_beside("/tokenize", body | extras)["tokens"]
            except (ServerError, KeyError, TypeError) as error:
                return f"unknown: the server does not tell its tokens ({error})"
            if list(tokens) not in prompts.of_item(item, [image.image for image in images]):
                return f"unverified: item {item.id} is other tokens to the server than to the checkpoint's processor"
        return VERIFIED if first else "unverified: no item was compared"

    def header(self) -> dict[str, Any]:
        """Return what decides the answers, as far as it can be known."""
        engine = {"name": "openai", "version": version_of("openai"), "base_url": self.connection.public_url}
        return {
            "model": self.model,
            "checkpoint_sha256": None,
            "engine": engine,
            "generation": {"temperature": self.temperature} | ({"extras": dict(self.extras)} if self.extras else {}),
            **({"images_prepared": self.prepared.header()} if self.prepared else {}),
            "versions": {"openai": version_of("openai")},
        }

    @property
    def _data_url(self) -> DataUrl:
        return self.prepared or DecodedImage.data_url


class OpenAIEngine:
    """Sends each prompt as one chat completion, at temperature 0 by default."""

    WHOLE_BATCHES = False

    def __init__(
        self,
        model: str,
        connection: Connection,
        temperature: float | None = 0,
        extras: Mapping[str, Any] | None = None,
        data_url: DataUrl = DecodedImage.data_url,
    ) -> None:
        self._data_url = once(data_url)
        self.client = Client(connection, model, temperature=temperature, extras=extras, give_up_after=FAILURES_IN_A_ROW)

    def prompt(self, item: Item) -> str:
        """Return the messages as JSON: what is sent, with an image part in place of the image's bytes."""
        return json.dumps(list(item.messages), ensure_ascii=False)

    def length(self, prompt: str) -> int:
        """Count characters: the server's tokens are not known here."""
        return len(prompt)

    def answer(self, requests: Sequence[Request], max_new_tokens: int) -> list[Completion]:
        """Answer a batch; a failed request gives an error in place of an answer."""
        outcomes = self.client.ask(requests, self._messages, max_new_tokens)
        return [completion_of(outcome) for outcome in outcomes]

    def _messages(self, request: Request) -> list[Message]:
        return messages_of(request.item, request.images, self._data_url)

    def check(self) -> None:
        """Stop after many failures in a row, or after one that every other request would meet too.

        Raises:
            EvalError: the client has stopped.
        """
        if self.client.stopped:
            raise EvalError(
                f"{self.client.connection.public_url}: stopped, {self.client.why_stopped.rstrip('.')}. "
                "Answers so far are kept: run the same command again to go on."
            )


def messages_of(item: Item, images: Sequence[DecodedImage], data_url: DataUrl = DecodedImage.data_url) -> list[Message]:
    """Return an item's messages as a chat completion takes them; a turn without an image is a plain string.

    Without `images` (`--without-images`), every turn is its text.
    """
    urls = iter([data_url(image) for image in images])
    messages: list[Message] = []
    for message in item.messages:
        content: Any = text_of(message)
        if images and any(part["type"] == "image" for part in message["content"]):
            content = [
                {"type": "image_url", "image_url": {"url": next(urls)}} if part["type"] == "image" else part
                for part in message["content"]
            ]
        messages.append({"role": message["role"], "content": content})
    return messages


def completion_of(outcome: Reply | Failure) -> Completion:
    """Return the answer, or an error for a failed request and for a reply that has no text or no finish reason."""
    if isinstance(outcome, Failure):
        return Completion("", "error", None, outcome.message)
    if outcome.text is None or outcome.finish_reason is None:
        return Completion("", "error", None, f"the reply has no text or no finish reason: {outcome}")
    return Completion(outcome.text.strip(), outcome.finish_reason, outcome.tokens_out)
