"""Ask the model about every row, keep its replies, and read what came of each.

A row is asked about once; if the reply is cut, empty, in another format or fails a check, once more with the failure
named. What a row came to depends on its kept replies alone.
"""

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from data_prep.curate.errors import CurateError
from data_prep.curate.finding import Finding
from data_prep.curate.items import Input, Item
from data_prep.curate.kinds.kind import BadReply, Draft, Kind
from data_prep.curate.prompt_file import Prompt
from data_prep.curate.replies import Kept, Replies, key_of
from data_prep.curate.step import Step
from data_prep.images.data_url import data_url
from data_prep.llm.client import Client, Failure, Messages, Reply
from data_prep.rows import Generator
from data_prep.sources.source import Source

ATTEMPTS = 2
_NOT_SHOWN = ("cut_reply", "empty_reply", "bad_reply")
"""Replies that the second attempt does not repeat: they may be as long as the model's context."""


@dataclass(frozen=True)
class Request:
    """One request about a row: its key, and the turns to send, without images."""

    item: Item
    key: str
    attempt: int
    messages: Messages


@dataclass(frozen=True)
class Outcome:
    """What a row came to: a draft with its findings, or, without a draft, why there is none.

    `replies` are the kept replies that it depends on, in the order of the attempts.
    """

    draft: Draft | None
    findings: tuple[Finding, ...]
    replies: tuple[Kept, ...] = ()
    generator: Generator | None = None


@dataclass
class Asking:
    """The rows of one step, asked about.

    `failures` holds the message for each request that got no reply in this run.
    """

    step: Step
    kind: Kind
    prompt: Prompt
    inputs: list[Input]
    replies: Replies
    failures: dict[str, str] = field(default_factory=dict)
    _findings: dict[str, tuple[Finding, ...]] = field(default_factory=dict)

    def run(self, items: Iterable[Item], client: Client, told: Any) -> None:
        """Ask about every row whose replies are not kept. `told` is called with each reply, and with None for a row
        that is done.

        Raises CurateError if the server is considered gone; replies that came are kept.
        """
        work = _Work(self, iter(items), told)
        client.ask_each(work, self._with_images, work.done, self.step.asked.max_tokens, work.follow)
        if client.stopped:
            raise CurateError(
                f"{self.step.name}: {client.why_stopped}; the replies until then are kept: run the same command to "
                "resume"
            )

    def next_request(self, item: Item) -> Request | None:
        """What is still to be asked about a row."""
        request = self._request(item, 1, None, ())
        for attempt in range(1, ATTEMPTS + 1):
            kept = self.replies.get(request.key)
            if kept is None:
                return None if request.key in self.failures else request
            draft, findings = self._judged(item, request.key, kept)
            if attempt == ATTEMPTS or (draft is not None and not findings):
                return None
            request = self._request(item, attempt + 1, kept, findings)
        return None

    def outcome(self, item: Item) -> Outcome:
        """What a row came to. Of two drafts that fail, the one with fewer findings counts, or else the second."""
        request = self._request(item, 1, None, ())
        tried: list[tuple[Draft | None, tuple[Finding, ...], Kept]] = []
        while len(tried) < ATTEMPTS and (kept := self.replies.get(request.key)) is not None:
            draft, findings = self._judged(item, request.key, kept)
            tried.append((draft, findings, kept))
            if draft is not None and not findings:
                break
            request = self._request(item, len(tried) + 1, kept, findings)
        if len(tried) < ATTEMPTS and request.key in self.failures and not any(draft for draft, *_ in tried):
            return Outcome(None, (Finding("no_reply", self.failures[request.key]),), tuple(k for *_, k in tried))
        usable = [one for one in reversed(tried) if one[0] is not None] or tried[-1:]
        draft, findings, kept = min(usable, key=lambda one: len(one[1]))
        made_by = Generator(model=self.step.asked.name, prompt=self.prompt.sha256, date=kept.date)
        return Outcome(draft, findings, tuple(k for *_, k in tried), made_by)

    def _judged(self, item: Item, key: str, kept: Kept) -> tuple[Draft | None, tuple[Finding, ...]]:
        """The draft in a reply, or None, and what the checks find in it."""
        try:
            draft = self._read(item, kept)
        except BadReply as error:
            return None, (Finding(error.check, str(error)),)
        if key not in self._findings:
            self._findings[key] = self._checked(item, draft)
        return draft, self._findings[key]

    def _read(self, item: Item, kept: Kept) -> Draft:
        if kept.characters > self.step.limits.characters:
            raise BadReply(f"the reply has {kept.characters} characters, at most {self.step.limits.characters}")
        if kept.finish == "length":
            raise BadReply("the reply was cut at the longest length; be shorter", "cut_reply")
        if not kept.text.strip():
            raise BadReply("the reply was empty", "empty_reply")
        return self.kind.read(item, kept.text)

    def _checked(self, item: Item, draft: Draft) -> tuple[Finding, ...]:
        from data_prep.curate import checks

        names = self.step.checks
        found = [one for subject in self.kind.subjects(item, draft) for one in checks.findings(subject, names)]
        return tuple(found)

    def _request(self, item: Item, attempt: int, before: Kept | None, findings: tuple[Finding, ...]) -> Request:
        messages = self.prompt.messages(self.kind.fields(item))
        if before is not None:
            messages += _again(before, findings)
        model = self.step.asked
        what = {
            "model": model.name,
            "settings": [model.temperature, model.max_tokens],
            "prompt": self.prompt.sha256,
            "examples": self.prompt.examples_sha256,
            "messages": messages,
            "images": [self._image_key(item, name) for name in item.sample.images] if model.images else [],
            "attempt": attempt,
        }
        return Request(item, key_of(what), attempt, messages)

    def _image_key(self, item: Item, name: str) -> str:
        return hashlib.sha256(self._source(item).load(name).data).hexdigest()

    def _source(self, item: Item) -> Source:
        return self.inputs[item.place].source

    def _with_images(self, request: Request) -> Messages:
        """The turns as they are sent: with the row's images before the text of the last of the prompt's turns."""
        if not (self.step.asked.images and request.item.sample.images):
            return request.messages
        place = len(request.messages) - 1 - 2 * (request.attempt - 1)
        asked = request.messages[place]
        shown = [_image_part(self._source(request.item).load(name).data) for name in request.item.sample.images]
        content = [*shown, {"type": "text", "text": asked["content"]}]
        turns = list(request.messages)
        turns[place] = {"role": "user", "content": content}
        return turns


class _Work:
    """The requests still to be sent: those about rows that are asked about again first."""

    def __init__(self, asking: Asking, items: Iterator[Item], told: Any) -> None:
        self._asking, self._items, self._told = asking, items, told
        self._again: deque[Request] = deque()

    def __iter__(self) -> "_Work":
        return self

    def __next__(self) -> Request | None:
        if self._again:
            return self._again.popleft()
        request = self._asking.next_request(next(self._items))
        if request is None:
            self._told(None)
        return request

    def done(self, request: Request, outcome: Reply | Failure) -> None:
        """Keep a reply, or why there is none."""
        if isinstance(outcome, Failure):
            self._asking.failures[request.key] = outcome.message
            return
        about = {"id": request.item.sample.id, "attempt": request.attempt, "model": self._asking.step.asked.name}
        self._asking.replies.add(request.key, about, outcome)
        self._told((request, outcome))

    def follow(self, request: Request) -> None:
        """Read the kept reply, and ask again if it fails."""
        following = self._asking.next_request(request.item)
        if following is None:
            self._told(None)
        else:
            self._again.append(following)


def _again(before: Kept, findings: tuple[Finding, ...]) -> Messages:
    """The turns that show a reply and name what is wrong with it."""
    wrong = "\n".join(f"- {finding.detail}" for finding in findings)
    text = f"Your reply cannot be used:\n{wrong}\nReply again, in full and in the same format, without these faults."
    shown = "-" if findings[0].check in _NOT_SHOWN else before.text
    return [{"role": "assistant", "content": shown}, {"role": "user", "content": text}]


def _image_part(data: bytes) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": data_url(data)}}
