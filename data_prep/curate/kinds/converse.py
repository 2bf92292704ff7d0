"""converse: a caption and the sentences that mention its image become a conversation of several turns on the image."""

from typing import TYPE_CHECKING, ClassVar, override

from data_prep.curate.items import Item
from data_prep.curate.kinds.kind import LANGUAGE_NAMES, BadReply, Draft, Kind
from data_prep.curate.kinds.numbered import read_numbered
from data_prep.rows import Generator, Message, Sample
from data_prep.sources.source import conversation

if TYPE_CHECKING:
    from data_prep.curate.checks import Rewriting, Translation

_FEWEST = 2
"""Exchanges of a conversation."""


class Converse(Kind):
    """Rows on images with a caption."""

    FIELDS: ClassVar[frozenset[str]] = frozenset({"caption", "mentions", "modality", "language"})

    TAKES: ClassVar[str] = "rows on images with a caption: captions, or rows that `captions` has one for"

    @override
    def takes(self, sample: Sample) -> bool:
        return bool(sample.images)

    @override
    def fields(self, item: Item) -> dict[str, str]:
        return caption_fields(item)

    @override
    def read(self, item: Item, text: str) -> Draft:
        draft = read_numbered(text, None)
        if len(draft) < 2 * _FEWEST:
            raise BadReply(f"the conversation has {len(draft) // 2} exchanges; wanted: at least {_FEWEST}", "turns")
        return draft

    @override
    def subjects(self, item: Item, draft: Draft) -> "list[Translation | Rewriting]":
        return [grounded(item, draft, item.sample.language, self.step.limits.new_terms)]

    @override
    def made(self, item: Item, draft: Draft, generator: Generator | None) -> list[Sample]:
        messages: list[Message] = conversation(list(draft), images=len(item.sample.images))
        return [
            item.sample._replace(
                id=f"{item.sample.id}-conversation",
                task="conversation",
                messages=messages,
                parent=item.sample.id,
                generator=generator,
            )
        ]

    @override
    def expected(self, item: Item) -> int:
        return 1_200


def caption_fields(item: Item) -> dict[str, str]:
    """What a prompt is told of an image."""
    return {
        "caption": item.context["caption"],
        "mentions": "\n".join(f"- {mention}" for mention in item.context["mentions"]) or "-",
        "modality": item.sample.modality.replace("_", " "),
        "language": LANGUAGE_NAMES[item.sample.language],
    }


def grounded(item: Item, turns: Draft, language: str, new_terms: int) -> "Rewriting":
    """Made turns beside the caption and the mentions that their writer saw; so many new terms are allowed."""
    from data_prep.curate.checks import Rewriting

    seen = "\n".join([item.context["caption"], *item.context["mentions"]])
    return Rewriting(question="", answer="", made=turns, caption=seen, language=language, new_terms=new_terms)
