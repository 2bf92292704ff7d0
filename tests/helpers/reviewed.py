"""A small curated dataset to review: English and Arabic rows, some of which wait, with what they were made from."""

import json
import re

from data_prep import mixture_file
from data_prep.assemble import Extra
from data_prep.build import build
from data_prep.curate.review.curated import CuratedSet
from data_prep.curate.review.store import Store, Verdict
from data_prep.shards import shard_rows, split_of
from tests.helpers.data_fixtures import llava_mixture, llava_row

ARABIC = ("ماذا تظهر الصورة؟", "تظهر الصورة عقيدة بقياس 12 ملم في الفص السفلي الأيسر.")
ENGLISH = ("What does the image show?", "The image shows a nodule of 12 mm in the left lower lobe.")
HOSTILE = (
    '<img src=x onerror="window.hacked=1"> ${window.hacked=1} {{window.hacked}} `</textarea><script>hacked=1</script>'
)


def curated_set(folder, passed=6, waiting=2, *, english=0, hostile=False, name="curated"):
    """A dataset folder of Arabic rows `messages-pN`, of which `waiting` ones, `messages-wN`, are in the split review;
    the first `english` ones of those that passed are English, made from Arabic.
    """
    rows, lines = [], {}
    names = [f"p{number}" for number in range(passed)] + [f"w{number}" for number in range(waiting)]
    for number, one in enumerate(names):
        to_english = number < english
        made, original = (ENGLISH, ARABIC) if to_english else (ARABIC, ENGLISH)
        question, answer = made[0], f"{made[1]} ({number})"
        if hostile:
            answer = f"{answer} " * 4 + HOSTILE  # its language is told by most of its letters
        language = "en" if to_english else "ar"
        rows.append(
            llava_row(
                one,
                image="ab"[number % 2] + ".png",
                question=f"<image>\n{question}",
                answer=answer,
                parent=f"parent-{one}",
                language=language,
            )
        )
        row_id = f"messages-{one}"
        lines[row_id] = {
            "id": row_id,
            "split": "train",
            "findings": [{"check": "numbers", "detail": f"the number 12 is missing {HOSTILE if hostile else ''}"}]
            if one.startswith("w")
            else [],
            "parent": f"parent-{one}",
            "original": [
                {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": original[0]}]},
                {"role": "assistant", "content": [{"type": "text", "text": original[1]}]},
            ],
            "original_language": "ar" if to_english else "en",
            "context": {"caption": HOSTILE, "mentions": []} if hostile else {},
        }
    about = {"curation": {"kind": "translate", "step": "ar", "review_waiting": waiting}}

    def write(made):
        ids = [row["id"] for _, row in shard_rows(made, sorted(path.name for path in made.glob("*.parquet")))]
        text = "".join(json.dumps(lines[one], ensure_ascii=False) + "\n" for one in ids)
        (made / "curation.jsonl").write_text(text)
        return {"files": ["curation.jsonl"], "manifest": about}

    place = folder / f"{name}.sources"
    place.mkdir(parents=True, exist_ok=True)
    splits = {"review": {"ids": [one for one in names if one.startswith("w")]}} if waiting else {}
    keys = {"splits": splits, "checks": False, "identity": "keep", "duplicates": {"exact": False, "near": False}}
    mixture = mixture_file.load(llava_mixture(place, rows, **keys))
    build(mixture, folder / name, "test", extra=Extra(f"{name} {passed} {waiting}", write))
    return folder / name


def opened(folder):
    """The dataset and its file of verdicts."""
    curated = CuratedSet(folder)
    return curated, Store(folder.with_name(f"{folder.name}.reviews.sqlite"), curated.dataset)


def said(row, verdict, reviewer="R1", at="2026-01-01T00:00:00", **more):
    """A verdict on the row `messages-ROW`."""
    return Verdict(reviewer=reviewer, row=f"messages-{row}", verdict=verdict, at=at, **more)


def rows_of(folder):
    """Split and row by id."""
    made = json.loads((folder / "manifest.json").read_text())
    return {row["id"]: (split_of(shard), row) for shard, row in shard_rows(folder, list(made["shards"]))}


def ledger_of(folder):
    """Reason and detail by id."""
    entries = [json.loads(line) for line in (folder / "ledger.jsonl").read_text().splitlines()]
    return {entry["id"]: (entry["reason"], entry["detail"]) for entry in entries}


def shown_row(html):
    """The row that a page shows."""
    return re.search(r'data-row="([^"]*)"', html).group(1)
