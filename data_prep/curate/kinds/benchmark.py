"""benchmark: questions on held-out images with reference answers in both languages, in BiMed-MBench's file format.

For each image a question of the kind conversation and one of the kind detailed description are made, in English and in
Arabic: eight numbered pieces in one reply. All rows wait for a reviewer. An image needs a caption, and a modality that
the format has a domain for.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, override

from data_prep.curate.items import Item
from data_prep.curate.kinds.converse import caption_fields, grounded
from data_prep.curate.kinds.kind import Draft, Kind, turn_texts
from data_prep.curate.kinds.numbered import read_numbered
from data_prep.images.store import ImageStore
from data_prep.rows import LANGUAGES, Generator, Sample
from data_prep.shards import shard_rows
from data_prep.sources.bimed_mbench import CONVERSATION, DESCRIPTION, DOMAINS
from data_prep.sources.source import conversation

if TYPE_CHECKING:
    from data_prep.curate.checks import Rewriting, Translation

FOLDER = "BiMed-MBench/data/test_sets"
"""Where the files stand in the dataset folder, so that `eval --root OUT` finds them."""
NAMES = {"en": "llava_med_eval_qa50_qa.jsonl", "ar": "llava_med_eval_qa50_qa_arabic_verified.jsonl"}
_TASKS = {CONVERSATION: "vqa_open", DESCRIPTION: "caption"}
_PIECES = 8


class Benchmark(Kind):
    """Held-out rows on images with a caption, of a modality in DOMAINS."""

    FIELDS: ClassVar[frozenset[str]] = frozenset({"caption", "mentions", "modality", "language"})
    REVIEWS_ALL: ClassVar[bool] = True
    TAKES: ClassVar[str] = (
        f"English rows on one image with a caption, of the modality {', '.join(DOMAINS.values())}; the reader "
        "`messages` has a key `modality` for rows without one"
    )

    @override
    def takes(self, sample: Sample) -> bool:
        return len(sample.images) == 1 and sample.modality in DOMAINS.values() and sample.language == "en"

    @override
    def fields(self, item: Item) -> dict[str, str]:
        return caption_fields(item)

    @override
    def read(self, item: Item, text: str) -> Draft:
        return read_numbered(text, _PIECES)

    @override
    def subjects(self, item: Item, draft: Draft) -> "list[Translation | Rewriting]":
        from data_prep.curate.checks import Translation

        terms = self.glossary.occurring("\n".join(draft[:2] + draft[4:6]), "en") if self.glossary else []
        found: list[Translation | Rewriting] = []
        for start in (0, 4):
            english, arabic = draft[start : start + 2], draft[start + 2 : start + 4]
            found.append(grounded(item, english, "en", self.step.limits.new_terms))
            found.append(
                Translation(
                    source=english, made=arabic, source_language="en", language="ar", terms=tuple(terms), options=False
                )
            )
        return found

    @override
    def made(self, item: Item, draft: Draft, generator: Generator | None) -> list[Sample]:
        made = []
        for start, kind in ((0, CONVERSATION), (4, DESCRIPTION)):
            parent = item.sample.id
            for offset, language in enumerate(("en", "ar")):
                turns = list(draft[start + 2 * offset : start + 2 * offset + 2])
                made.append(
                    item.sample._replace(
                        id=f"{item.sample.id}-{kind}-{language}",
                        language=language,
                        task=_TASKS[kind],
                        messages=conversation(turns, images=1),
                        parent=parent,
                        generator=generator,
                    )
                )
                parent = made[-1].id
        return made

    @override
    def expected(self, item: Item) -> int:
        return 1_500

    @override
    def reply_language(self, item: Item) -> str:
        return "ar"

    @override
    def files(self, folder: Path, lines: dict[str, dict[str, Any]]) -> list[str]:
        return write_files(folder, lines)


def write_files(folder: Path, lines: dict[str, dict[str, Any]]) -> list[str]:
    """Write the rows of a dataset folder as files of BiMed-MBench's format, with their images; return the names.

    `lines` are the lines of curation.jsonl by id, which hold captions and mentions.
    """
    place = folder / FOLDER
    (place / "images").mkdir(parents=True)
    store = ImageStore(folder / "images")
    rows = [row for _, row in shard_rows(folder, sorted(path.name for path in folder.glob("*.parquet")))]
    numbers = {base: number for number, base in enumerate(dict.fromkeys(_base(row["id"]) for row in rows))}
    images = {key: f"{key}{_suffix(store.bytes(key))}" for row in rows for key in row["images"]}
    for key, name in images.items():
        (place / "images" / name).write_bytes(store.bytes(key))
    for language in LANGUAGES:
        with (place / NAMES[language]).open("w", encoding="utf-8", newline="\n") as file:
            for row in rows:
                if row["language"] == language:
                    line = _line(row, numbers[_base(row["id"])], images, lines[row["id"]]["context"])
                    file.write(json.dumps(line, ensure_ascii=False) + "\n")
    return [f"{FOLDER}/{name}" for name in (*NAMES.values(), *(f"images/{name}" for name in images.values()))]


def read_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The lines of curation.jsonl with their ids."""
    with path.open(encoding="utf-8") as file:
        for text in file:
            line = json.loads(text)
            yield line["id"], line


def _base(row_id: str) -> str:
    return row_id.rpartition("-")[0]


def _suffix(data: bytes) -> str:
    return ".png" if data.startswith(b"\x89PNG") else ".jpg"


def _line(row: dict[str, Any], number: int, images: dict[str, str], context: dict[str, Any]) -> dict[str, Any]:
    question, answer = turn_texts(row["messages"])
    name = images[row["images"][0]]
    return {
        "question_id": number,
        "image": name,
        "pair_id": Path(name).stem,
        "text": question,
        "gpt4_answer": answer,
        "fig_caption": context["caption"],
        "in_text_mention": [{"tokens": mention, "entities": []} for mention in context["mentions"]],
        "domain": {domain: modality == row["modality"] for domain, modality in DOMAINS.items()},
        "type": DESCRIPTION if _base(row["id"]).endswith(DESCRIPTION) else CONVERSATION,
        "fig_label": "Figure",
    }
