"""rewrite: a question with a short answer becomes the same question with a full answer that says no more."""

from typing import TYPE_CHECKING, ClassVar, override

from data_prep.curate.items import Item
from data_prep.curate.kinds.kind import LANGUAGE_NAMES, Draft, Kind, turn_texts, with_text
from data_prep.rows import Generator, Sample

if TYPE_CHECKING:
    from data_prep.curate.checks import Rewriting, Translation


class Rewrite(Kind):
    """Rows of one question and one answer."""

    FIELDS: ClassVar[frozenset[str]] = frozenset({"question", "answer", "modality", "language"})

    TAKES: ClassVar[str] = "rows of one question and one answer"

    @override
    def takes(self, sample: Sample) -> bool:
        return len(sample.messages) == 2

    @override
    def fields(self, item: Item) -> dict[str, str]:
        question, answer = turn_texts(item.sample.messages)
        return {
            "question": question,
            "answer": answer,
            "modality": item.sample.modality.replace("_", " "),
            "language": LANGUAGE_NAMES[item.sample.language],
        }

    @override
    def subjects(self, item: Item, draft: Draft) -> "list[Translation | Rewriting]":
        from data_prep.curate.checks import Rewriting

        question, answer = turn_texts(item.sample.messages)
        allowed, language = self.step.limits.new_terms, item.sample.language
        return [Rewriting(question=question, answer=answer, made=draft, language=language, new_terms=allowed)]

    @override
    def made(self, item: Item, draft: Draft, generator: Generator | None) -> list[Sample]:
        question, answer = item.sample.messages
        return [
            item.sample._replace(
                id=f"{item.sample.id}-detailed",
                messages=[question, with_text(answer, draft[0])],
                parent=item.sample.id,
                generator=generator,
            )
        ]

    @override
    def expected(self, item: Item) -> int:
        return 150
