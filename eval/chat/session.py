"""One person's chat with one model, or with several side by side on the same questions."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from eval.chat.attachment import Attachment
from eval.chat.conversation import Conversation
from eval.chat.saved import archive, save
from eval.chat.talker import NOT_YET, STOPPED, Decoding, Talker, TooLongError
from eval.chat.text import well_formed
from eval.engines.engine import Completion
from eval.errors import EvalError

NO_TEXT = "The model ended its answer before the first word: ask in another way, or again with a temperature."
EMPTY = {
    "length": "The answer was cut before its first word, as by reasoning that is not shown: allow more tokens.",
    "tool_calls": "The model asks for a tool instead of answering, and there are none here: ask in another way.",
}
"""What is said of an answer without a text, by its finish reason."""


@dataclass
class Lane:
    """A model and what was said with it."""

    talker: Talker
    conversation: Conversation = field(default_factory=Conversation)


@dataclass(frozen=True)
class Part:
    """The answer of lane number `lane` so far; `note` is for people, such as how many turns were dropped."""

    lane: int
    answer: Completion
    note: str = ""


class Session:
    """Conversations that get the same questions. Answers are streamed one model after the other.

    A model that fails gives a `Completion` with an error, and the others go on; its question can be asked again by
    `regenerate`, and is replaced by the next one.

    Args:
        talkers: at least one.
        decoding: how answers are made; may be changed between questions.
        system: text before the conversation; empty leaves it to the checkpoint's chat template.
        drops_oldest: whether the oldest turns are dropped when a conversation is longer than the context.
    """

    def __init__(
        self, talkers: Sequence[Talker], decoding: Decoding, system: str = "", *, drops_oldest: bool = False
    ) -> None:
        self.lanes = [Lane(talker) for talker in talkers]
        self.decoding, self.drops_oldest = decoding, drops_oldest
        self.set_system(system)
        self._stop = threading.Event()
        self._lock = threading.Lock()

    def set_system(self, text: str) -> None:
        """Set the system text of the whole conversation."""
        for lane in self.lanes:
            lane.conversation.system = well_formed(text).strip()

    def check_images(self) -> None:
        """Raise EvalError if no model sees images."""
        if not any(lane.talker.shows_images for lane in self.lanes):
            raise EvalError(f"{self.lanes[0].talker.name} is a text-only model, which sees no images.")

    def ask(self, text: str, images: Sequence[Attachment] = ()) -> Iterator[Part]:
        """Ask a question, and yield the answers as they grow. Raises EvalError for an empty question."""
        with self._writing():
            for lane in self.lanes:
                lane.conversation.ask(text, images)
            yield from self._answers()

    def regenerate(self) -> Iterator[Part]:
        """Ask the last question again. Raises EvalError if there is none."""
        with self._writing():
            for lane in self.lanes:
                question = lane.conversation.take_back()
                lane.conversation.ask(question.text, question.images)
            yield from self._answers()

    def edit(self, text: str, place: int | None = None, number: int = 0) -> Iterator[Part]:
        """Change a turn of lane `number`, by default its last question.

        A question is changed in all lanes, and asked again; an answer only in its own. Raises EvalError.
        """
        with self._writing():
            turns = self.lanes[number].conversation.turns
            questions = [at for at, turn in enumerate(turns) if turn.role == "user"]
            place = questions[-1] if place is None and questions else place
            if place not in questions:
                self.lanes[number].conversation.edit(-1 if place is None else place, text)
                return
            from_end = questions.index(place) - len(questions)
            for lane in self.lanes:
                own = [at for at, turn in enumerate(lane.conversation.turns) if turn.role == "user"]
                lane.conversation.edit(own[max(from_end, -len(own))], text)
            yield from self._answers()

    def undo(self) -> None:
        """Take back the last question with its answers. Raises EvalError if there is none."""
        with self._writing():
            for lane in self.lanes:
                lane.conversation.take_back()

    def drop_oldest(self) -> None:
        """Remove the oldest question with its answers. Raises EvalError if only the last one is there."""
        with self._writing():
            dropped = [lane.conversation.drop_oldest() for lane in self.lanes]
            if not any(dropped):
                raise EvalError("Only the last question is there; nothing older can be dropped.")

    def clear(self) -> None:
        """Begin anew; the system text stays."""
        with self._writing():
            for lane in self.lanes:
                lane.conversation.turns = []

    def stop(self) -> None:
        """End the answers that are being written; what came of them is kept."""
        self._stop.set()

    def save(self, path: Path) -> Path:
        """Write what `eval.chat.saved.save` says; return the folder of images."""
        return save(self._saved(), path)

    def archive(self) -> bytes:
        """Return the same as a zip file."""
        return archive(self._saved())

    def _saved(self) -> list[tuple[Conversation, str]]:
        pairs = [(lane.conversation, lane.talker.name) for lane in self.lanes]
        return [pair for pair in pairs if pair[0].answered().turns] or pairs[:1]

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One thing at a time changes the session."""
        if not self._lock.acquire(blocking=False):
            raise EvalError("An answer is being written: stop it first.")
        try:
            yield
        finally:
            self._lock.release()

    def _answers(self) -> Iterator[Part]:
        self._stop = threading.Event()
        for number, lane in enumerate(self.lanes):
            if self._stop.is_set():
                return
            yield Part(number, Completion("", "", None))  # the question is there, before the model has read it
            yield from self._answer(number, lane, self._stop)

    def _answer(self, number: int, lane: Lane, stop: threading.Event) -> Iterator[Part]:
        text, note, dropped = "", "", 0
        try:
            while True:
                try:
                    with closing(lane.talker.stream(lane.conversation, self.decoding, stop)) as stream:
                        for answer in stream:
                            text = answer.text
                            yield _part(number, answer, note)
                    return
                except TooLongError:
                    if not (self.drops_oldest and lane.conversation.drop_oldest()):
                        raise
                    dropped += 1
                    note = f"Longer than the context: the oldest {dropped} of the questions and answers were dropped."
        except EvalError as error:
            yield Part(number, Completion("", "error", None, str(error)), note)
        finally:  # also when the reader goes away in the middle
            if text.strip():
                lane.conversation.answer(text)


def _part(lane: int, answer: Completion, note: str) -> Part:
    """Return what is shown of an answer; one that ends before its first word is an error."""
    if answer.finish_reason in NOT_YET:
        return Part(lane, Completion("", "", None), NOT_YET[answer.finish_reason])
    if answer.finish_reason not in ("", STOPPED) and not answer.text.strip() and not answer.error:
        return Part(lane, Completion("", "error", answer.tokens, EMPTY.get(answer.finish_reason, NO_TEXT)), note)
    return Part(lane, answer, note)
