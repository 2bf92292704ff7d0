"""How an OpenAI-compatible server is reached: address, key, bounds. The key is read once and never shown."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from eval.errors import EvalError

OPENAI_URL = "https://api.openai.com/v1"
OPENAI_KEY = "OPENAI_API_KEY"
NO_KEY = "none"
CHECK_SECONDS = 15.0


@dataclass(frozen=True)
class Connection:
    """A server and how patiently it is asked.

    Attributes:
        base_url: of the API, such as http://localhost:8000/v1; OpenAI's own by default.
        key: the API key; `connect` reads it from the environment.
        concurrency: requests under way at a time.
        timeout: seconds that one request may take.
        retries: of a request that got 429, 5xx or no reply, with growing pauses or as the server says.
    """

    base_url: str = OPENAI_URL
    key: str = field(default=NO_KEY, repr=False)
    concurrency: int = 16
    timeout: float = 300.0
    retries: int = 4

    @property
    def public_url(self) -> str:
        """The address without user name, password and query."""
        parts = urlsplit(self.base_url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

    def hidden(self, text: str) -> str:
        """Return a text of the server without the key: some servers repeat it in their errors."""
        return text.replace(self.key, "***") if self.key != NO_KEY else text

    def client(self, **changes: Any) -> Any:
        """Return a new asynchronous client."""
        from openai import AsyncOpenAI

        options: dict[str, Any] = {"timeout": self.timeout, "max_retries": self.retries} | changes
        return AsyncOpenAI(base_url=self.base_url, api_key=self.key, **options)

    def check_server(self) -> None:
        """Ask for the list of models, which costs nothing, before anything is sent.

        Raises:
            EvalError: no server answers, or it refuses the key. Any other reply is left to the real requests.
        """
        import openai

        client = openai.OpenAI(base_url=self.base_url, api_key=self.key, timeout=CHECK_SECONDS, max_retries=0)
        try:
            with client:
                client.models.list()
        except openai.APIConnectionError as error:
            raise EvalError(
                f"{self.public_url}: no server answers ({error.__cause__ or error}). "
                "Start it, or give its address with --base-url, /v1 included."
            ) from None
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise EvalError(f"{self.public_url}: the server refuses the key. {self.hidden(str(error))}") from None
        except (openai.OpenAIError, ValueError):
            return


def connect(base_url: str | None, key_variable: str | None, **bounds: Any) -> Connection:
    """Make a connection, with the key from the environment.

    A server of one's own needs no key: none is read unless `key_variable` names one. OpenAI's own does.

    Raises:
        EvalError: the variable is not set, or the address is none.
    """
    variable = key_variable or (None if base_url else OPENAI_KEY)
    url = base_url or OPENAI_URL
    if urlsplit(url).scheme not in {"http", "https"}:
        raise EvalError(f"--base-url {url}: give an address such as http://localhost:8000/v1.")
    key = NO_KEY
    if variable:
        key = os.environ.get(variable, "").strip()
        if not key:
            raise EvalError(
                f"The environment variable {variable} is not set, so there is no key for {url}. "
                f"Set it (export {variable}=...), or name another with --api-key-variable."
            )
    return Connection(url, key, **bounds)
