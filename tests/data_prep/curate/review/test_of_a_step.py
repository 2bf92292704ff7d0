"""What a step of curation has written is reviewed and applied, the benchmark in its own format included."""

import json

from data_prep.__main__ import main
from data_prep.check import check
from data_prep.curate.review.curated import texts_of
from data_prep.curate.review.sample import Plan, given_to
from eval.benchmarks.bimed_mbench import BimedMbenchArabic
from tests.data_prep.curate.test_kinds import captions, curate, eight
from tests.data_prep.curate.test_translate import curate as translate
from tests.helpers.curation import ARABIC, english_set
from tests.helpers.reviewed import ledger_of, opened, rows_of, said
from tests.helpers.scripted_server import Answer


def applied(folder):
    """Apply the verdicts on the step's output."""
    assert main(["review", str(folder / "out"), "--apply", "--out", str(folder / "after")]) == 0
    check(folder / "after")
    return rows_of(folder / "after")


def test_a_failed_translation_waits_is_corrected_and_goes_to_its_parents_split(tmp_path):
    english_set(tmp_path)

    def loses_the_number(messages, number):
        reply = "\n".join(f"[[{place}]]\n{'نعم' if place > 1 else 'ما هذا؟'}" for place in (1, 2))
        return Answer(reply)

    translate(tmp_path, loses_the_number)
    curated, store = opened(tmp_path / "out")
    waiting = [row.id for row in given_to(curated.rows, Plan(), 0) if row.waits]
    assert waiting and curated.by_id[waiting[0]].checks
    fixed = tuple(ARABIC.values())[:2]
    store.put(said(waiting[0].removeprefix("messages-"), "major", texts=fixed))
    rows = applied(tmp_path)
    split, row = rows[waiting[0]]
    assert split == curated.line(waiting[0])["split"] and tuple(texts_of(row["messages"])) == fixed
    assert row["generator"]["model"] == "m" and row["parent"] == waiting[0].removesuffix("-ar")
    assert {reason for reason, _ in ledger_of(tmp_path / "after").values()} <= {"needs_review"}


def test_a_benchmark_after_review_has_the_corrected_texts_in_its_own_files(tmp_path):
    (tmp_path / "captions.jsonl").write_text(
        "\n".join(json.dumps({"id": f"messages-{name}", "caption": "A chest scan.", "mentions": []}) for name in "ab")
    )
    curate(tmp_path, "benchmark", eight, **captions("test"), captions="captions.jsonl")
    curated, store = opened(tmp_path / "out")
    one = "messages-a-conversation-ar"
    store.put_all([said(row.id.removeprefix("messages-"), "none") for row in curated.rows if row.id != one])
    store.put(said(one.removeprefix("messages-"), "minor", texts=("سؤال مصحح؟", "جواب مصحح.")))
    rows = applied(tmp_path)
    assert len(rows) == len(curated.rows) and {split for split, _ in rows.values()} == {"test"}
    benchmark = BimedMbenchArabic("mine", tmp_path / "after")
    assert benchmark.problems() == [] and "سؤال مصحح؟" in {item.question for item in benchmark.items()}
