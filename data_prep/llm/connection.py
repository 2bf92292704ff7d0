"""How an OpenAI-compatible server is reached: address, key, limits. The key is read once and never shown."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit, urlunsplit

OPENAI_URL = "https://api.openai.com/v1"
OPENAI_KEY = "OPENAI_API_KEY"
NO_KEY = "none"
"""Sent to a server that asks for no key: the protocol wants one."""
LEFT_BEHIND_SECONDS = 5.0
"""Added to twice the time of an attempt: the longest that one wait for the network may last."""
CHECK_SECONDS = 15.0


class ServerError(ValueError):
    """A server cannot be used. The message names the server and holds no key."""


@dataclass(frozen=True)
class Connection:
    """A server and the limits of the requests to it.

    Attributes:
        base_url: of the API, such as http://localhost:8000/v1; a query in it is sent with every request.
        key: the API key; `connect` reads it from the environment.
        concurrency: requests in flight at a time.
        timeout: seconds that one attempt may take.
        retries: attempts after the first one, for a request that got 429, 5xx or no reply; None: as `patience` allows.
        patience: seconds after which a request is not tried again; None: as `retries` allows.
        waits_as_asked: whether a server that answers 429 with Retry-After is waited for, however long it asks and
            however often; such a wait counts neither as an attempt nor against `patience`.
        on_wait: called with the seconds before each such wait.
    """

    base_url: str = OPENAI_URL
    key: str = field(default=NO_KEY, repr=False)
    concurrency: int = 16
    timeout: float = 300.0
    retries: int | None = 4
    patience: float | None = None
    waits_as_asked: bool = False
    on_wait: Callable[[float], None] | None = field(default=None, repr=False, compare=False)

    @property
    def public_url(self) -> str:
        """The address without user name, password and query."""
        return _without_secrets(self._parts)

    def hide_secrets(self, text: str) -> str:
        """Return a text without the key, password and query of this connection: some servers repeat them in errors."""
        secrets = {self.key, self._parts.password, self._parts.query} - {NO_KEY, None, ""}
        for secret in sorted(filter(None, secrets), key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def client(self) -> Any:
        """Return a new asynchronous client. `retry.with_retries` retries and times out.

        The client's own limit only ends a wait in it that a cancelled attempt has left behind.
        """
        from openai import AsyncOpenAI

        return AsyncOpenAI(timeout=2 * self.timeout + LEFT_BEHIND_SECONDS, **self._options())

    def sync_client(self, timeout: float | None = None) -> Any:
        """Return a new synchronous client, which does not retry.

        `timeout`, by default the connection's, bounds each silence in seconds, not the whole reply.
        """
        from openai import OpenAI

        return OpenAI(timeout=self.timeout if timeout is None else timeout, **self._options())

    def check_server(self) -> None:
        """Ask for the list of models, which costs nothing, before anything else is sent.

        Raises:
            ServerError: no server answers, or it refuses the key. Any other reply is left to the real requests.
        """
        import openai

        try:
            with self.sync_client(CHECK_SECONDS) as client:
                client.models.list()
        except openai.APIConnectionError as error:
            cause = self.hide_secrets(str(error.__cause__ or error))
            raise ServerError(f"{self.public_url}: no server answers ({cause}).") from None
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            message = self.hide_secrets(str(error))
            raise ServerError(f"{self.public_url}: the server refuses the key. {message}") from None
        except (openai.OpenAIError, ValueError):
            return

    def post_beside(self, path: str, body: Mapping[str, Any]) -> Any:
        """Post to an address of the server beside its API, such as vLLM's /tokenize, and return the JSON of the reply.

        Raises:
            ServerError: there is no such address, or it refuses.
        """
        import openai

        parts = self._parts
        api = parts.path.rstrip("/").removesuffix("/v1")
        url = urlunsplit((parts.scheme, parts.netloc, f"{api}{path}", "", ""))
        try:
            with self.sync_client(CHECK_SECONDS) as client:
                return client.post(url, cast_to=object, body=dict(body))
        except (openai.OpenAIError, ValueError) as error:
            message = " ".join(self.hide_secrets(str(error)).split())[:100]
            raise ServerError(f"{path}: {type(error).__name__}: {message}") from None

    @property
    def _parts(self) -> SplitResult:
        return urlsplit(self.base_url)

    def _options(self) -> dict[str, Any]:
        return {
            "base_url": urlunsplit(self._parts._replace(query="", fragment="")),
            "default_query": dict(parse_qsl(self._parts.query)),
            "api_key": self.key,
            "max_retries": 0,
        }


def connect(
    base_url: str | None,
    key_variable: str | None,
    *,
    options: tuple[str, str] = ("base_url", "api_key_variable"),
    **limits: Any,
) -> Connection:
    """Make a connection, with the key from the environment.

    A server of one's own needs no key: none is read unless `key_variable` names a variable. OpenAI's own server does.

    Args:
        base_url: None for OpenAI's own.
        key_variable: the environment variable that holds the key.
        options: what the caller calls these two, for messages.
        limits: further fields of `Connection`.

    Raises:
        ServerError: the variable is not set, or the address is not one.
    """
    variable = key_variable or (None if base_url else OPENAI_KEY)
    url = base_url or OPENAI_URL
    if not is_address(url):
        raise ServerError(f"{options[0]} {url}: give an address such as http://localhost:8000/v1.")
    key = NO_KEY
    if variable:
        key = os.environ.get(variable, "").strip()
        if not key:
            server = _without_secrets(urlsplit(url))
            raise ServerError(
                f"The environment variable {variable} is not set, so there is no key for {server}. "
                f"Set it (export {variable}=...), or name another with {options[1]}."
            )
    return Connection(url, key, **limits)


def is_address(url: str) -> bool:
    """Whether this is an HTTP address with a host."""
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def _without_secrets(parts: SplitResult) -> str:
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
