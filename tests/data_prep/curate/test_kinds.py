"""The other kinds of steps: what each makes of a row, and in which form."""

import json
from pathlib import Path

import pytest
import yaml

from data_prep.__main__ import main
from data_prep.check import check
from data_prep.sources.bimed_mbench import BimedMbench
from eval.benchmarks.bimed_mbench import BimedMbenchArabic, BimedMbenchEnglish
from tests.helpers.curation import english_set, lines_of, rows_of
from tests.helpers.data_fixtures import llava_row
from tests.helpers.scripted_server import Answer, ScriptedServer, last_text

PROMPTS = Path(__file__).parents[3] / "recipes/curation/prompts"
PIECES = ["Is it a scan?", "Yes, it is.", "هل هو مسح؟", "نعم، هو كذلك."]


def curate(folder, kind, script=None, rows=None, *, code=0, splits=None, **changes):
    """Run a step of this kind with the shipped prompt over a dataset of these rows; give the server."""
    if rows is not None:
        english_set(folder, rows, splits=splits or {}, **changes.pop("mixture", {}))
    given = {"name": kind, "kind": kind, "input": {"dataset": str(folder / "english")}, **changes}
    with ScriptedServer(script) as server:
        if script:
            given |= {"prompt": str(PROMPTS / f"{kind}.yml"), "model": {"name": "m", "base_url": server.url}}
        (folder / "step.yml").write_text(yaml.safe_dump(given))
        assert main(["curate", str(folder / "step.yml"), "--out", str(folder / "out")]) == code
    return server


def texts(row):
    return [message["content"][-1]["text"] for message in row["messages"]]


def test_rewrite_keeps_the_question_and_replaces_the_answer(tmp_path):
    def script(messages, number):
        return Answer("Yes, it is normal." if "normal" in last_text(messages) else "The image shows a lung.")

    rows = [llava_row("a", question="<image>\nIs it normal?", answer="yes"), llava_row("b", "b.png", answer="lung")]
    server = curate(tmp_path, "rewrite", script, rows)
    made = rows_of(tmp_path / "out")
    assert texts(made["messages-a-detailed"][1]) == ["Is it normal?", "Yes, it is normal."]
    assert texts(made["messages-b-detailed"][1])[1] == "The image shows a lung."
    asked = server.requests[0]["messages"]
    assert [turn["role"] for turn in asked] == ["system", *("user", "assistant") * 2, "user"]
    assert check(tmp_path / "out")["curation"]["calls"] == 2


def test_rewrite_names_the_lost_answer_and_then_sends_the_row_to_review(tmp_path):
    def script(messages, number):
        return Answer("It is a picture of something.")

    server = curate(tmp_path, "rewrite", script, [llava_row("a", answer="spleen")])
    assert "spleen" in last_text(server.requests[1]["messages"])
    assert rows_of(tmp_path / "out")["messages-a-detailed"][0] == "review"


def test_converse_makes_a_conversation_of_a_caption(tmp_path):
    def script(messages, number):
        assert "A lung." in last_text(messages) and "- It is large." in last_text(messages)
        return Answer("\n".join(f"[[{n}]] {text}" for n, text in enumerate(["Q?", "A.", "R?", "B."], start=1)))

    captions = tmp_path / "captions.jsonl"
    key = "messages-a"
    captions.write_text(
        json.dumps({"id": key, "fig_caption": "A lung.", "in_text_mention": [{"tokens": "It is large."}]})
    )
    curate(tmp_path, "converse", script, [llava_row("a"), llava_row("b", "b.png")], captions="captions.jsonl")
    ((split, row),) = rows_of(tmp_path / "out").values()
    assert texts(row) == ["Q?", "A.", "R?", "B."] and row["task"] == "conversation" and split == "train"
    assert row["messages"][0]["content"][0]["type"] == "image"
    assert check(tmp_path / "out")["curation"]["skipped"] == 1
    (line,) = lines_of(tmp_path / "out/curation.jsonl")
    assert line["context"] == {"caption": "A lung.", "mentions": ["It is large."]}


def test_split_makes_one_row_of_each_exchange_without_a_model(tmp_path):
    turns = ["<image>\nWhat?", "A scan of the chest.", "Normal?", "Yes", "Sure?", "I am."]
    speakers = ["human", "gpt"] * 3
    listed = [{"from": who, "value": text} for who, text in zip(speakers, turns, strict=True)]
    curate(tmp_path, "split", rows=[{"id": "d", "image": "a.png", "conversations": listed}])
    made = {row_id: row for row_id, (_, row) in rows_of(tmp_path / "out").items()}
    assert [*made] == ["messages-d_0", "messages-d_1", "messages-d_2"]
    assert texts(made["messages-d_1"]) == ["Normal?", "Yes"]
    assert made["messages-d_1"]["task"] == "vqa_closed" and made["messages-d_1"]["parent"] == "messages-d"
    assert all(row["messages"][0]["content"][0]["type"] == "image" for row in made.values())
    assert not (tmp_path / "out.replies.jsonl").exists()


def eight(messages, number):
    pieces = [*PIECES, "Describe it.", "A chest scan.", "صفه.", "مسح للصدر."]
    return Answer("\n".join(f"[[{n}]] {text}" for n, text in enumerate(pieces, start=1)))


def captions(split):
    rows = [llava_row(name, f"{name}.png", answer="A chest scan.", domain={"chest_xray": True}) for name in "ab"]
    return {"rows": rows, "splits": {split: {"ids": ["a", "b"]}} if split != "train" else {}}


def test_benchmark_writes_files_that_eval_reads(tmp_path):
    (tmp_path / "captions.jsonl").write_text("\n".join(json.dumps(
        {"id": f"messages-{name}", "caption": "A chest scan.", "mentions": ["See it."]}) for name in "ab"))  # fmt: skip
    curate(tmp_path, "benchmark", eight, **captions("test"), captions="captions.jsonl")
    made = rows_of(tmp_path / "out")
    assert len(made) == 8 and {split for split, _ in made.values()} == {"review"}
    assert made["messages-a-conversation-ar"][1]["parent"] == "messages-a-conversation-en"
    lines = {line["id"]: line for line in lines_of(tmp_path / "out/curation.jsonl")}
    assert lines["messages-a-conversation-ar"]["split"] == "test"
    assert lines["messages-a-conversation-ar"]["original"] == made["messages-a-conversation-en"][1]["messages"]
    for kind, language, question in ((BimedMbenchEnglish, "en", PIECES[0]), (BimedMbenchArabic, "ar", PIECES[2])):
        benchmark = kind("mine", tmp_path / "out")
        assert benchmark.problems() == []
        items = benchmark.items()
        assert len(items) == 4 and items[0].language == language
        assert question in {item.question for item in items}
        assert benchmark.image(items[0].images[0])
    reader = BimedMbench(path=str(tmp_path / "out/BiMed-MBench"), language="ar")
    assert reader.problems() == []
    check(tmp_path / "out")


def test_a_benchmark_of_rows_for_training_is_refused(tmp_path, capsys):
    (tmp_path / "captions.jsonl").write_text(json.dumps({"id": "messages-a", "caption": "A scan."}))
    server = curate(tmp_path, "benchmark", eight, **captions("train"), captions="captions.jsonl", code=1)
    assert "a benchmark is made from held-out rows" in capsys.readouterr().err
    assert not server.requests


@pytest.mark.parametrize("name", sorted(path.stem for path in PROMPTS.parent.glob("*.yml")))
def test_a_shipped_step_lacks_nothing_but_its_data(name, tmp_path, capsys):
    assert main(["curate", str(PROMPTS.parent / f"{name}.yml"), "--root", str(tmp_path), "--estimate"]) == 1
    for line in capsys.readouterr().err.splitlines():
        assert ": input" in line, line


def test_a_row_whose_image_is_missing_is_not_asked_about(tmp_path):
    def script(messages, number):
        return Answer("\n".join(f"[[{n}]] {text}" for n, text in enumerate(["Q?", "A.", "R?", "B."], start=1)))

    english_set(tmp_path, [llava_row("a")], splits={})  # for its images
    rows = [llava_row("a", answer="A lung."), llava_row("b", "gone.png", answer="A liver.")]
    (tmp_path / "table.json").write_text(json.dumps(rows))
    source = {"reader": "messages", "path": str(tmp_path / "table.json"), "images": str(tmp_path / "images")}
    source |= {"licence": "MIT", "task": "caption"}
    server = curate(tmp_path, "converse", script, input=source)
    assert len(server.requests) == 1
    (entry,) = lines_of(tmp_path / "out/ledger.jsonl")
    assert (entry["id"], entry["reason"]) == ("messages-b", "missing_image")


@pytest.mark.parametrize(("limit", "split"), [(0, "review"), (1, "review"), (2, "train")])
def test_new_terms_above_the_steps_limit_go_to_review_and_are_counted(tmp_path, limit, split):
    def script(messages, number):
        return Answer("The scan shows a lung with a fracture and pneumothorax.")

    row = llava_row("a", question="<image>\nWhat is shown in the scan?", answer="lung")
    curate(tmp_path, "rewrite", script, [row], limits={"new_terms": limit}, checks=["new_terms"])
    assert rows_of(tmp_path / "out")["messages-a-detailed"][0] == split
    about = check(tmp_path / "out")["curation"]
    assert about.get("new_terms") == (2 if limit else None)
    assert about["failed_checks"] == ({"new_terms": 1} if split == "review" else {})


def test_a_benchmark_without_a_row_says_which_rows_it_takes(tmp_path, capsys):
    rows = [llava_row("a", answer="A chest scan.")]
    english_set(tmp_path, rows, splits={"test": {"ids": ["a"]}})
    server = curate(tmp_path, "benchmark", eight, code=1)
    assert "of the modality x_ray, mri, histology, gross, ct" in capsys.readouterr().err
    assert not server.requests


def test_of_two_rows_with_one_id_the_first_alone_is_asked_about_and_counted(tmp_path):
    def script(messages, number):
        return Answer("no")

    english_set(tmp_path, [llava_row("a")], splits={})  # for its images
    (tmp_path / "table.json").write_text(json.dumps([llava_row("a"), llava_row("a", answer="another scan")]))
    source = {"reader": "messages", "path": str(tmp_path / "table.json"), "images": str(tmp_path / "images")}
    server = curate(tmp_path, "rewrite", script, input={**source, "licence": "MIT"})
    assert len(server.requests) == 2  # both attempts
    (entry,) = lines_of(tmp_path / "out/ledger.jsonl")
    assert (entry["id"], entry["reason"]) == ("messages-a", "duplicate_id")
    assert check(tmp_path / "out")["curation"]["review_waiting"] == len(rows_of(tmp_path / "out")) == 1
