"""The one retry loop: which failures of a request are tried again, after how long, and for how long."""

from __future__ import annotations

import asyncio
import email.utils
import math
import random
import time
from collections.abc import Awaitable, Callable, Mapping

from data_prep.llm.connection import Connection

FIRST_WAIT = 0.5
"""Seconds before the second attempt; each later wait is twice as long, less up to a quarter at random."""
LONGEST_WAIT = 60.0
LONGEST_RETRY_AFTER = 600.0
"""The longest wait that a server may ask for; if it asks for more, the request fails at once, unless the
connection `waits_as_asked`."""
TOO_MANY = 429
RETRIED = frozenset({408, 409, 429})
"""HTTP statuses that are tried again, besides 500 and above."""


class RequestError(Exception):
    """A request that got no reply, after the last attempt. `status` is the HTTP status, or None without a response."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


async def with_retries[T](attempt: Callable[[], Awaitable[T]], connection: Connection) -> T:
    """Await `attempt()` until it returns, as often and as long as the connection allows.

    Raises:
        RequestError: the last attempt failed, or it failed in a way that another attempt does not change.
    """
    import openai

    retries = math.inf if connection.retries is None else connection.retries
    end = math.inf if connection.patience is None else time.monotonic() + connection.patience
    tried = 0
    while True:
        is_asked = False
        try:
            async with asyncio.timeout(connection.timeout):
                return await attempt()
        except TimeoutError:
            message, status, wait = f"timed out after {connection.timeout:g} s", None, _growing_wait(tried)
        except openai.APIConnectionError as error:
            cause = error.__cause__
            message = f"{error} ({type(cause).__name__}: {cause})" if cause else str(error)
            status, wait = None, _growing_wait(tried)
        except openai.APIStatusError as error:
            message, status = f"{type(error).__name__}: {error}", error.status_code
            wait = _wait_after(status, error.response.headers, tried)
            is_asked = connection.waits_as_asked and status == TOO_MANY and _asks_to_wait(error.response.headers, wait)
            if not is_asked and wait > LONGEST_RETRY_AFTER and wait < math.inf:
                message = f"{message} (the server asks to wait {wait:.0f} s; at most {LONGEST_RETRY_AFTER:.0f} s are)"
                wait = math.inf
        if not is_asked and (tried >= retries or time.monotonic() + wait > end or wait == math.inf):
            raise RequestError(message, status)
        if is_asked:
            end += wait
            if connection.on_wait:
                connection.on_wait(wait)
        await _sleep(wait)
        tried += not is_asked


async def _sleep(seconds: float) -> None:
    await asyncio.sleep(seconds)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait: `retry-after-ms`, or `Retry-After` in seconds or as an HTTP date.

    None if it asks for nothing that can be read, or for no wait at all.
    """
    seconds = _number(headers.get("retry-after-ms"))
    if seconds is not None:
        seconds /= 1000
    else:
        seconds = _number(headers.get("retry-after"))
    if seconds is None:
        seconds = _seconds_until(headers.get("retry-after", ""))
    return seconds if seconds is not None and seconds > 0 else None


def _wait_after(status: int, headers: Mapping[str, str], tried: int) -> float:
    """Seconds before the next attempt; infinite if there is to be none."""
    said = headers.get("x-should-retry")  # of OpenAI's servers: they know, such as for a quota that is used up
    if said == "false" or (said != "true" and status not in RETRIED and status < 500):
        return math.inf
    return retry_after(headers) or _growing_wait(tried)


def _asks_to_wait(headers: Mapping[str, str], wait: float) -> bool:
    return retry_after(headers) is not None and wait < math.inf


def _growing_wait(tried: int) -> float:
    return min(FIRST_WAIT * 2.0 ** min(tried, 60), LONGEST_WAIT) * (1 - 0.25 * random.random())


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _seconds_until(date: str) -> float | None:
    try:
        parsed = email.utils.parsedate_tz(date)
        return email.utils.mktime_tz(parsed) - time.time() if parsed else None
    except (TypeError, ValueError, OverflowError, OSError):
        return None
