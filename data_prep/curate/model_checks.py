"""The checks of translations that need a model: back-translation, compared by chrF, and similarity by embeddings.

Only drafts in which the other checks found nothing are read by a model.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from data_prep.curate.ask import Asking, Outcome
from data_prep.curate.finding import Finding
from data_prep.curate.items import Item
from data_prep.curate.kinds.kind import Draft
from data_prep.curate.similarity import Similarity
from data_prep.curate.step_file import Loaded
from data_prep.llm.client import Client
from data_prep.rows import LANGUAGES, text_of

_SHOWN = 300


class ModelChecks:
    """Adds to the outcomes of `asking` what the step's models find in its drafts; similarities are kept in a file."""

    def __init__(self, loaded: Loaded, asking: Asking, similarities: Path) -> None:
        self._loaded, self._asking, step = loaded, asking, loaded.step
        self.back: Asking | None = None
        if step.back_translation is not None:
            self.back = replace(asking, step=_reversed(loaded), failures={})
            self.back.kind = type(loaded.kind)(self.back.step)
        self._similarity = Similarity(loaded.similarity_weights, similarities) if step.similarity is not None else None

    def run(self, items: Iterable[Item], client: Client, told: Any) -> None:
        """Ask for the back-translation of every draft whose reply is not kept. Raises as Asking.run does."""
        if self.back is not None:
            self.back.run(self._drafted(items), client, told)

    def is_kept(self, items: Iterable[Item]) -> bool:
        """Whether no back-translation is still to be asked for."""
        return self.back is None or not any(map(self.back.next_request, self._drafted(items)))

    def outcome(self, item: Item) -> Outcome:
        """The outcome of a row, with what the models find."""
        outcome = self._asking.outcome(item)
        if outcome.draft is None or outcome.findings or (self.back is None and self._similarity is None):
            return outcome
        found: list[Finding] = []
        kept = outcome.replies
        made = self._made(item, outcome.draft)
        if self.back is not None:
            again = self.back.outcome(made)
            kept = (*kept, *again.replies)
            found += self._read_back(item, made, again)
        if self._similarity is not None:
            found += self._compared(item, made, self._similarity)
        return replace(outcome, findings=tuple(found), replies=kept)

    def _drafted(self, items: Iterable[Item]) -> Iterator[Item]:
        for item in items:
            outcome = self._asking.outcome(item)
            if outcome.draft is not None and not outcome.findings:
                yield self._made(item, outcome.draft)

    def _made(self, item: Item, draft: Draft) -> Item:
        (sample,) = self._loaded.kind.made(item, draft, None)
        return replace(item, sample=sample)

    def _read_back(self, item: Item, made: Item, again: Outcome) -> Iterator[Finding]:
        from sacrebleu.metrics.chrf import CHRF

        assert self.back is not None and self._loaded.step.back_translation is not None
        if again.draft is None:
            why = "; ".join(finding.detail for finding in again.findings)
            yield Finding("back_translation", f"no back-translation could be had: {why}")
            return
        (text,) = (text_of(sample.messages) for sample in self.back.kind.made(made, again.draft, None))
        score = CHRF().sentence_score(text, [text_of(item.sample.messages)]).score
        least = self._loaded.step.back_translation.least
        if score < least:
            yield Finding(
                "back_translation", f"translated back, chrF {score:.1f} of at least {least:g}: {text[:_SHOWN]}"
            )

    def _compared(self, item: Item, made: Item, similarity: Similarity) -> Iterator[Finding]:
        assert self._loaded.step.similarity is not None
        least = self._loaded.step.similarity.least
        score = similarity(text_of(item.sample.messages), text_of(made.sample.messages))
        if score < least:
            yield Finding("similarity", f"the embeddings' cosine is {score:.2f}, at least {least:g}")


def _reversed(loaded: Loaded) -> Any:
    """The step that translates the drafts back: the other language, the model that the step names, no checks."""
    step, back = loaded.step, loaded.step.back_translation
    assert back is not None
    asked = step.asked
    model = replace(asked, name=back.name or asked.name, base_url=back.base_url or asked.base_url, images=False)
    (other,) = (language for language in LANGUAGES if language != step.language)
    return replace(step, language=other, model=model, checks=[], back_translation=None, similarity=None)
