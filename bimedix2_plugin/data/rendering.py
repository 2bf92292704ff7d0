"""Render one conversation with the checkpoint's chat template and tokenize it, with labels on the answers.

The template renders the conversation once, with a marker in place of each assistant turn's text; the markers locate the
turns, whatever the template writes around them. The text is tokenized as a whole, so that training sees the same tokens
as a prompt at evaluation. Each assistant turn's text and the end token after it are labelled.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jinja2 import TemplateError

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.chat_template import joined
from bimedix2_plugin.model.vision_language.descriptor import IGNORED, ImageTokens

_MARK = "\ue000{}\ue001"


class RowError(ValueError):
    """A row that cannot be trained on.

    Attributes:
        reason: short fixed name; the ledger counts rows by it.
        detail: what was found in the row.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


@dataclass(frozen=True)
class Tokenised:
    """Token ids and labels of one row, int32 [L] each; each image is expanded to its placeholders."""

    input_ids: np.ndarray
    labels: np.ndarray


class Renderer:
    """Renders and tokenizes rows for one tokenizer and one stage.

    Args:
        tokenizer: of a composed folder; its chat template takes content parts.
        images: how an image is written in token ids.
        stage: "instruct" (the chat template) or "align" (image, caption, newline).

    Raises:
        RecipeError: the chat template puts something else before an answer than a prompt of that turn ends with.
    """

    def __init__(self, tokenizer: Any, images: ImageTokens, stage: str) -> None:
        self.tokenizer, self.images, self.stage = tokenizer, images, stage
        self.placeholder_id = int(tokenizer.convert_tokens_to_ids(images.placeholder))
        special = _special_tokens(tokenizer)
        self._special_ids = set(special.values()) | set(tokenizer.all_special_ids)
        self._special_text = re.compile("|".join(re.escape(token) for token in sorted(special, key=len, reverse=True)))
        self._before, self._lead = self._probed() if stage == "instruct" else ("", "")

    def tokenise(self, messages: list[dict[str, Any]], sizes: Sequence[tuple[int, int]]) -> Tokenised:
        """Render and tokenize one conversation.

        Args:
            messages: turns with `role` and `content` (a string or a list of parts).
            sizes: width and height (pixels) of each image of the row.

        Raises:
            RowError: the row cannot be used; carries the ledger's reason.
        """
        _check_turns(messages)
        self._check_text(messages)
        parts = sum(part["type"] == "image" for turn in messages for part in _parts(turn))
        if parts != len(sizes):
            raise RowError("image_count", f"{parts} image parts, {len(sizes)} images")
        text, answers = self._align(messages) if self.stage == "align" else self._answers(messages)
        return self._label(text, answers, self._counts(sizes))

    def _counts(self, sizes: Sequence[tuple[int, int]]) -> list[int]:
        try:
            return [self.images.image_tokens(*size) for size in sizes]
        except ValueError as error:
            raise RowError("image_size", str(error)) from error

    def _instruct(self, messages: list[dict[str, Any]]) -> tuple[str, list[tuple[int, int]]]:
        """Return the rendered text and the (start, end) of each assistant turn's text in it."""
        texts, marked = [], []
        for turn in messages:
            parts = _parts(turn)
            if turn["role"] == "assistant":
                texts.append(joined(turn["content"]).strip())
                parts = [{"type": "text", "text": _MARK.format(len(texts) - 1)}]
            marked.append({**turn, "content": parts})
        rendered = self.images.expanded(self.tokenizer.apply_chat_template(marked, tokenize=False))
        text, answers = "", []
        for number, answer in enumerate(texts):
            before, mark, rendered = rendered.partition(_MARK.format(number))
            if not mark:
                raise RowError("template", f"the chat template drops assistant turn {number + 1}")
            text += before
            answers.append((len(text), len(text) + len(answer)))
            text += answer
        return text + rendered, answers

    def _answers(self, messages: list[dict[str, Any]]) -> tuple[str, list[tuple[int, int]]]:
        """Return the rendered text and the (start, end) of the labelled text in each assistant turn."""
        text, answers = self._instruct(messages)
        if not all(text.endswith(self._before, 0, start) for start, _ in answers):
            raise RowError("template", f"the chat template does not put {self._before!r} before every answer")
        return text, [(start - len(self._lead), end) for start, end in answers]

    def _align(self, messages: list[dict[str, Any]]) -> tuple[str, list[tuple[int, int]]]:
        """Render one image and its caption: the placeholder, the caption and a newline."""
        captions = [joined(turn["content"]).strip() for turn in messages if turn["role"] == "assistant"]
        images = sum(part["type"] == "image" for turn in messages for part in _parts(turn))
        if images != 1 or len(captions) != 1:
            raise RowError("not_a_caption", f"{images} images and {len(captions)} captions; stage align takes one each")
        bos = self.tokenizer.bos_token if self.tokenizer("").input_ids else ""
        before = bos + self.images.expanded(self.images.image_text)
        return f"{before}{captions[0]}\n", [(len(before), len(before) + len(captions[0]) + 1)]

    def _label(self, text: str, answers: list[tuple[int, int]], image_tokens: Sequence[int] = ()) -> Tokenised:
        encoded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        ids = np.asarray(encoded["input_ids"], np.int32)
        starts, ends = np.asarray(encoded["offset_mapping"], np.int64).reshape(-1, 2).T
        labelled = np.zeros(len(ids), bool)
        for start, end in answers:
            inside = np.flatnonzero((starts < end) & (ends > start))
            if not inside.size or starts[inside[0]] < start or (self.stage == "instruct" and ends[inside[-1]] > end):
                raise RowError("boundary", "an answer does not begin and end between two tokens")
            labelled[inside] = True
            if self.stage == "instruct":
                labelled[self._end_token(ids, int(inside[-1]) + 1)] = True
        counts = np.ones(len(ids), np.int64)
        places = np.flatnonzero(ids == self.placeholder_id)
        if len(places) != len(image_tokens):
            raise RowError("template", f"the chat template writes {len(places)} of {len(image_tokens)} images")
        counts[places] = image_tokens
        return Tokenised(np.repeat(ids, counts), np.repeat(np.where(labelled, ids, np.int32(IGNORED)), counts))

    def _end_token(self, ids: np.ndarray, index: int) -> int:
        if index >= len(ids) or int(ids[index]) not in self._special_ids:
            raise RowError("template", "the chat template closes an assistant turn without an end token")
        return index

    def _check_text(self, messages: list[dict[str, Any]]) -> None:
        for turn in messages:
            for part in _parts(turn):
                found = self._special_text.search(part["text"] or "") if part["type"] == "text" else None
                if found:
                    name = "image_count" if found.group() == self.images.placeholder else "special_token"
                    raise RowError(name, f"the text of a {turn['role']} turn holds {found.group()!r}")

    def _probed(self) -> tuple[str, str]:
        """Check on two turns, with and without a system text, what stands before an answer.

        Returns:
            The text between a user turn's content and its answer; of that, the whitespace with which no prompt ends
            (Mistral's one space): the model has to generate it, so it is labelled.
        """
        system = _turn("system", "probe 0")
        roles = (("user", "probe"), ("assistant", "answer"))
        turns = [_turn(role, f"{text} {number}") for number in (1, 2) for role, text in roles]
        try:
            found = sorted({*self._before_answers(turns), *self._before_answers([system, *turns])})
        except (RowError, TemplateError) as error:
            raise RecipeError(f"chat_template: it cannot be trained on ({error}). Name another template.") from error
        if len(found) > 1:
            written = " or ".join(repr(before) for before, _ in found)
            raise RecipeError(
                f"chat_template: it writes {written} before an answer. Name one that always writes the same there."
            )
        return found[0]

    def _before_answers(self, turns: list[dict[str, Any]]) -> list[tuple[str, str]]:
        """Return for each turn what `_probed` does; the text up to an answer has to be the prompt of that turn."""
        text, answers = self._instruct(turns)
        users = [index for index, turn in enumerate(turns) if turn["role"] == "user"]
        found = []
        for user, (start, end) in zip(users, answers, strict=True):
            before, prompt = text[:start], self._prompt(turns[: user + 1])
            lead = before[len(prompt) :]
            if not before.startswith(prompt) or lead.strip():
                raise RecipeError(
                    f"chat_template: training would put {before!r} before an answer, the prompt of that turn is "
                    f"{prompt!r}. Name a template that writes before each assistant turn what a prompt ends with."
                )
            self._label(text, [(start - len(lead), end)])
            found.append((before.rpartition(joined(turns[user]["content"]))[2], lead))
        return found

    def _prompt(self, turns: list[dict[str, Any]]) -> str:
        return str(self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))


def _special_tokens(tokenizer: Any) -> dict[str, int]:
    """Return the tokens that no text may contain: special ones, and others that the chat template writes.

    The remaining added tokens are ordinary text: Gemma's are line breaks and HTML tags.
    """
    template = tokenizer.chat_template or ""
    return {
        token.content: index
        for index, token in tokenizer.added_tokens_decoder.items()
        if token.special or (token.content.strip() and token.content in template)
    }


def _check_turns(messages: list[dict[str, Any]]) -> None:
    """Check the turns: an optional system turn, then user and assistant alternately, without an empty answer."""
    roles = [turn["role"] for turn in messages]
    unknown = sorted(set(roles) - {"system", "user", "assistant"})
    if unknown:
        raise RowError("unknown_role", ", ".join(unknown))
    dialogue = roles[1:] if roles[:1] == ["system"] else roles
    if not dialogue or len(dialogue) % 2 or dialogue != ["user", "assistant"] * (len(dialogue) // 2):
        raise RowError("role_order", " ".join(roles) or "no turn")
    if any(turn["role"] == "assistant" and not joined(turn["content"]).strip() for turn in messages):
        raise RowError("no_label", "an assistant turn is empty")


def _turn(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "content": [{"type": "text", "text": text}]}


def _parts(turn: dict[str, Any]) -> list[dict[str, Any]]:
    content = turn["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content
