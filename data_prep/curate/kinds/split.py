"""split: a conversation becomes single question-answer rows; no model is asked.

Ids are those of the parent with the number of the exchange, from 0: PARENT_0, PARENT_1. Images and a system turn stand
in each row.
"""

from typing import ClassVar, override

from data_prep.curate.items import Item
from data_prep.curate.kinds.kind import Draft, Kind
from data_prep.rows import Generator, Message, Sample
from data_prep.sources.labels import vqa_task


class Split(Kind):
    """Conversations of any number of exchanges."""

    ASKS: ClassVar[bool] = False

    TAKES: ClassVar[str] = "conversations"

    @override
    def takes(self, sample: Sample) -> bool:
        return True

    @override
    def made(self, item: Item, draft: Draft, generator: Generator | None) -> list[Sample]:
        messages = item.sample.messages
        before = messages[:1] if messages[0]["role"] == "system" else []
        turns = messages[len(before) :]
        images = [part for message in turns for part in message["content"] if part["type"] == "image"]
        made = []
        for number, (question, answer) in enumerate(zip(turns[::2], turns[1::2], strict=True)):
            text = [part for part in question["content"] if part["type"] == "text"]
            asked: Message = {"role": "user", "content": [*images, *text]}
            made.append(
                item.sample._replace(
                    id=f"{item.sample.id}_{number}",
                    messages=[*before, asked, answer],
                    parent=item.sample.id,
                    task=_task(item.sample, answer),
                )
            )
        return made


def _task(sample: Sample, answer: Message) -> str:
    if sample.task != "conversation":
        return sample.task
    text = "\n".join(part.get("text") or "" for part in answer["content"])
    return vqa_task(text, None) if sample.images else "text_qa"
