"""A conversation over several turns: a system text, questions with images, answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from eval.chat.attachment import Attachment
from eval.chat.text import well_formed
from eval.errors import EvalError
from eval.items import Item, Message


@dataclass(frozen=True)
class Turn:
    """What one side says; the images of a question come before its text, as in the datasets."""

    role: str
    text: str
    images: tuple[Attachment, ...] = ()

    def message(self) -> Message:
        """Return the turn as a row's message."""
        text = [{"type": "text", "text": self.text}] if self.text else []
        return {"role": self.role, "content": [*({"type": "image"} for _ in self.images), *text]}


@dataclass
class Conversation:
    """Questions and answers in turn; the last question may still wait for its answer."""

    system: str = ""
    turns: list[Turn] = field(default_factory=list)

    def messages(self) -> list[Message]:
        """Return the conversation as a row's messages; a system turn only where there is a system text."""
        return [turn.message() for turn in self._all()]

    def images(self) -> list[Attachment]:
        """Return the images in the order of the messages' image parts."""
        return [image for turn in self.turns for image in turn.images]

    def answered(self) -> Conversation:
        """Return the conversation without a last question that has no answer."""
        waits = bool(self.turns) and self.turns[-1].role == "user"
        return Conversation(self.system, self.turns[:-1] if waits else list(self.turns))

    def item(self) -> Item:
        """Return the conversation as an item of evaluation, so that it is rendered by the same code."""
        names = tuple(image.key for image in self.images())
        question = self.turns[-1].text if self.turns else ""
        return Item("chat", "", "conversation", "", tuple(self.messages()), names, question, "")

    def ask(self, text: str, images: Sequence[Attachment] = ()) -> None:
        """Add a question; it replaces one that has no answer.

        Raises:
            EvalError: it has neither a text nor an image.
        """
        if not text.strip() and not images:
            raise EvalError("The question is empty: write a text, or add an image.")
        self.turns = self.answered().turns
        self.turns.append(Turn("user", well_formed(text).strip(), tuple(images)))

    def answer(self, text: str) -> None:
        """Add the answer to the last question."""
        self.turns.append(Turn("assistant", well_formed(text)))

    def take_back(self) -> Turn:
        """Remove the last question with its answer, and return the question.

        Raises:
            EvalError: nothing was asked yet.
        """
        if not self.turns:
            raise EvalError("Nothing was asked yet.")
        last = max(place for place, turn in enumerate(self.turns) if turn.role == "user")
        question = self.turns[last]
        del self.turns[last:]
        return question

    def edit(self, place: int, text: str) -> None:
        """Change a turn. What follows a question is removed, as it answers another one; an answer is only rewritten.

        Raises:
            EvalError: there is no such turn, or nothing would be left of it.
        """
        if not 0 <= place < len(self.turns):
            raise EvalError(f"There is no turn {place}; the conversation has {len(self.turns)}.")
        turn = self.turns[place]
        if not text.strip() and not turn.images:
            raise EvalError("The turn would be empty: write a text, or take it back.")
        self.turns[place] = replace(turn, text=well_formed(text).strip())
        if turn.role == "user":
            del self.turns[place + 1 :]

    def drop_oldest(self) -> bool:
        """Remove the oldest question with its answer; False if only the last question is there."""
        if len(self.turns) <= 2:
            return False
        del self.turns[:2]
        return True

    def _all(self) -> list[Turn]:
        return [*([Turn("system", self.system)] if self.system else []), *self.turns]
