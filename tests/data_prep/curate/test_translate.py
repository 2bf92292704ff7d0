"""translate from end to end, against a server that replies as a script says."""

import json

import pytest

from data_prep import mixture_file
from data_prep.__main__ import main
from data_prep.build import build
from data_prep.check import check
from tests.helpers.curation import (
    ARABIC,
    english_set,
    good,
    lines_of,
    rows_of,
    translate_step,
    translated,
)
from tests.helpers.scripted_server import Answer, ScriptedServer


def curate(folder, script, *arguments, out="out", code=0, **changes):
    """Run the step; give the server."""
    with ScriptedServer(script) as server:
        step = translate_step(folder, server.url, **changes)
        assert main(["curate", str(step), "--out", str(folder / out), *arguments]) == code
    return server


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_rows_become_a_dataset_with_parents_generators_and_their_parents_splits(folder):
    curate(folder, good)
    made = check(folder / "out")
    rows = rows_of(folder / "out")
    assert {name: split for name, (split, _) in rows.items()} == {
        "messages-one-ar": "train",
        "messages-two-ar": "train",
        "messages-held-ar": "test",
    }
    _, row = rows["messages-one-ar"]
    _, english = rows_of(folder / "english")["messages-one"]
    assert row["parent"] == "messages-one" and row["language"] == "ar" and row["images"] == english["images"]
    assert [part["type"] for part in row["messages"][0]["content"]] == ["image", "text"]
    assert row["messages"][1]["content"][0]["text"] == ARABIC["A chest radiograph of 2 lungs."]
    assert row["generator"]["model"] == "m" and len(row["generator"]["prompt"]) == 64
    about = made["curation"]
    assert (about["kind"], about["calls"], about["tokens_in"], about["review_waiting"]) == ("translate", 3, 60, 0)
    assert "## Curation" in (folder / "out/README.md").read_text()


def test_a_second_run_makes_no_call_and_gives_the_same_bytes(folder, capsys):
    curate(folder, good)
    before = files(folder / "out")
    assert not curate(folder, good).requests
    assert "nothing to do" in capsys.readouterr().out
    (folder / "out").rename(folder / "old")
    assert not curate(folder, good).requests
    assert files(folder / "out") == before


def test_a_changed_prompt_asks_again(folder):
    curate(folder, good)
    with ScriptedServer(good) as server:
        step = translate_step(folder, server.url)
        with (folder / "prompt.yml").open("a") as prompt:
            prompt.write("# another file, whose hash stands in the rows\n")
        assert main(["curate", str(step), "--out", str(folder / "out")]) == 0
    assert len(server.requests) == 3


def test_a_failing_draft_is_asked_about_once_more_with_the_failure_named(folder):
    def script(messages, number):
        return Answer(translated(messages, lambda text: text if len(messages) > 2 else text.replace("2", "7")))

    server = curate(folder, script)
    (again,) = [body["messages"] for body in server.requests if len(body["messages"]) > 2]
    assert again[-2]["content"].count("[[") == 2
    assert "2" in again[-1]["content"]
    assert check(folder / "out")["curation"]["asked_again"] == 1
    assert {split for split, _ in rows_of(folder / "out").values()} == {"train", "test"}


def test_a_draft_that_fails_twice_goes_to_review_and_is_left_out_by_the_reader(folder):
    def script(messages, number):
        return Answer(translated(messages, lambda text: text.replace("2", "7")))

    curate(folder, script, checks=["numbers"])
    rows = rows_of(folder / "out")
    assert rows["messages-one-ar"][0] == "review"
    lines = {line["id"]: line for line in lines_of(folder / "out/curation.jsonl")}
    assert [*lines] == [row_id for name in ("review", "test", "train") for row_id in rows if rows[row_id][0] == name]
    line = lines["messages-one-ar"]
    assert line["split"] == "train" and line["findings"][0]["check"] == "numbers"
    assert line["parent"] == "messages-one" and line["original_language"] == "en"
    assert line["original"][1]["content"][0]["text"] == "A chest radiograph of 2 lungs."
    mixture = folder / "mixed.yml"
    mixture.write_text(json.dumps({"name": "mixed", "sources": [{"reader": "dataset", "path": str(folder / "out")}]}))
    build(mixture_file.load(mixture), folder / "mixed", "test")
    assert "messages-one-ar" not in rows_of(folder / "mixed")


def test_a_step_may_send_failing_drafts_to_the_ledger(folder):
    def script(messages, number):
        return Answer(translated(messages, lambda text: text.replace("2", "7")))

    curate(folder, script, checks=["numbers"], on_failure="ledger")
    (entry,) = lines_of(folder / "out/ledger.jsonl")
    assert (entry["id"], entry["reason"]) == ("messages-one", "numbers")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer("[[1]]\nنص", "length"), "cut_reply"),
        (Answer("  "), "empty_reply"),
        (Answer(None), "empty_reply"),
        (Answer("[[1]]\nنص"), "turns"),
        (Answer("Here it is:\n[[1]]\nنص\n[[2]]\nنص"), "bad_reply"),
        (Answer("x" * 10_000_000), "bad_reply"),
        (Answer(status=400, error="this prompt is refused"), "no_reply"),
    ],
)
def test_replies_that_cannot_be_used_are_asked_for_twice_and_then_in_the_ledger(folder, answer, reason):
    def script(messages, number):
        return answer if "Is it normal?" in str(messages) else Answer(translated(messages))

    server = curate(folder, script)
    (entry,) = lines_of(folder / "out/ledger.jsonl")
    assert (entry["id"], entry["reason"]) == ("messages-two", reason)
    assert len(server.requests) == (3 if reason == "no_reply" else 4)
    assert (folder / "out.replies.jsonl").stat().st_size < 100_000
    assert check(folder / "out")["written"] == 2


def test_a_server_that_is_busy_or_fails_is_asked_again(folder):
    def script(messages, number):
        busy = Answer(status=429, headers={"Retry-After": "0.01"})
        return {1: busy, 2: busy, 3: busy, 4: Answer(status=500)}.get(number) or Answer(translated(messages))

    curate(folder, script, model={"concurrency": 1})
    assert check(folder / "out")["written"] == 3


def test_options_keep_their_letters(folder, tmp_path_factory):
    place = tmp_path_factory.mktemp("options")
    rows = [{"id": "c", "conversations": [{"from": "human", "value": "Which?\nA. CT\nB. MRI"},
                                          {"from": "gpt", "value": "B. MRI"}]}]  # fmt: skip
    english_set(place, rows, splits={})
    server = curate(place, good)
    asked = server.requests[0]["messages"][-1]["content"]
    assert asked == "[[1]]\nWhich?\n[[2]]\nCT\n[[3]]\nMRI\n[[4]]\nMRI"
    _, row = rows_of(place / "out")["messages-c-ar"]
    assert [message["content"][0]["text"] for message in row["messages"]] == ["نص\nA. نص\nB. نص", "B. نص"]


def test_limit_and_images(folder):
    server = curate(folder, good, "--limit", "1", model={"images": True})
    assert len(server.requests) == 1
    image, text = server.requests[0]["messages"][-1]["content"]
    assert image["image_url"]["url"].startswith("data:image/png;base64,")
    assert text["text"].startswith("[[1]]")


def test_an_estimate_makes_no_call(folder, capsys):
    server = curate(folder, good, "--estimate", model={"price_in": 2, "price_out": 8})
    said = capsys.readouterr().out
    assert not server.requests
    assert "3 rows" in said and "3 calls" in said and "at the step's prices" in said
    assert not (folder / "out").exists()


def test_arabic_is_translated_back(folder):
    curate(folder, good)

    def script(messages, number):
        return Answer("[[1]]\nWhat is shown, 2?\n[[2]]\nThe lungs, 2.")

    curate(folder, script, "--input", str(folder / "out"), out="back", language="en")
    assert {row["parent"] for _, row in rows_of(folder / "back").values()} == {f"messages-{n}-ar" for n in
                                                                              ("one", "two", "held")}  # fmt: skip
