"""What rows share with benchmarks by name: translated and rewritten items, figures and articles in common."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from data_prep import mixture_file
from data_prep.__main__ import main
from data_prep.build import build
from data_prep.pipeline.benchmark_names import descendants
from tests.helpers.families import Link, kin_of
from tests.helpers.layouts import bimed_mbench, llava_med, pubmedqa, slake, vqa_rad
from tests.helpers.layouts.llava import row as llava

NUMBER = st.integers(0, 11).map(str)


def own(folder, rows, name="own", **keys):
    """A source of the user's own rows."""
    (folder / f"{name}.json").write_text(json.dumps(rows))
    return {"reader": "messages", "name": name, "path": str(folder / f"{name}.json"), "licence": "MIT", **keys}


def mixture(folder, sources, benchmarks, **keys):
    path = folder / "tiny.yml"
    path.write_text(yaml.safe_dump({"name": "tiny", "sources": sources, "benchmarks": benchmarks, **keys}))
    return path


def overlaps(made):
    return {(entry["benchmark"], entry["source"], entry["kind"]): entry["rows"] for entry in made["overlaps"]}


def text(row_id, question, parent=None, answer="نعم، يوجد ذلك."):
    return llava(row_id, None, question, answer, parent=parent)


@given(st.dictionaries(NUMBER, st.none() | NUMBER | st.just("gone"), min_size=1), st.sets(NUMBER))
def test_a_row_has_the_items_that_a_walk_over_its_ancestors_finds(parents, items):
    rows = [Link(name, parent) for name, parent in parents.items() if name not in items]
    others = [Link(name, parents.get(name), source=1) for name in sorted(items)]
    found = dict(descendants(kin_of(rows, others), 1, ["bench"]))
    for place, row in enumerate(rows):
        seen, here = [], row.id
        while here is not None and here not in seen:
            seen.append(here)
            here = parents.get(here)
        assert found.get(place, []) == [f"bench\x1f{name}" for name in seen if name in items]


def test_a_row_has_the_items_of_all_benchmarks_on_its_way():
    rows = [Link("ar#2", "ar"), Link("x", "ar#2"), Link("en", None), Link("none", "gone")]
    others = [Link("ar", "en", source=1), Link("en", source=2), Link("ar", source=2)]
    found = dict(descendants(kin_of(rows, others), 1, ["one", "two"]))
    both = ["one\x1far", "two\x1far", "two\x1fen"]
    assert found == {0: both, 1: both, 2: ["two\x1fen"]}


@pytest.mark.parametrize("action", [None, "drop", "accept"])
def test_a_translation_of_a_benchmarks_item_is_its_item(tmp_path, action, capsys):
    """Through a row that is rejected, one that is another's duplicate, and a copy."""
    vqa_rad.make(tmp_path / "rad")
    rows = [
        text("ar", "ما الخطأ؟", "vqa_rad-4"),
        text("new", "ما المشكلة؟", "own-ar"),
        text("empty", "ما الخطأ هنا؟", "own-new", answer=""),
        text("far", "صف ما تراه بالتفصيل", "own-empty#2"),
        text("twin", "ما المشكلة؟", "own-far"),
        text("low", "هل من تغير؟", "own-twin"),
        text("free", "ما العلاج؟", "vqa_rad-0"),
    ]
    same = [text("5", "سؤال بمعرّف البند نفسه")]
    sources = [own(tmp_path, rows), own(tmp_path, same, "same", id_prefix="vqa_rad-")]
    benchmark = {"reader": "vqa_rad", "path": str(tmp_path / "rad"), "split": "test"}
    rules = [
        {"benchmark": "vqa_rad", "source": name, "action": action, "why": "asked"} for name in ("own", "same") if action
    ]
    sources.append({"reader": "vqa_rad", "name": "rad", "path": str(tmp_path / "rad")})
    path = mixture(tmp_path, sources, [benchmark], overlaps=rules)
    if action is None:
        assert main(["build", str(path), "--out", str(tmp_path / "out")]) == 1
        error = capsys.readouterr().err
        assert "own: 5 rows contain a question of the benchmark vqa_rad, or were made from one, such as own-ar" in error
        assert "same: 1 rows" in error
        return
    made = build(mixture_file.load(path), tmp_path / "out", "test")
    assert overlaps(made)["vqa_rad", "own", "question"] == 5
    assert made["ledger"].get("benchmark", 0) == (6 if action == "drop" else 0)
    ledger = [json.loads(line) for line in (tmp_path / "out/ledger.jsonl").read_text().splitlines()]
    if action == "drop":
        detail = {entry["id"]: entry["detail"] for entry in ledger if entry["reason"] == "benchmark"}
        assert detail == dict.fromkeys(["own-ar", "own-new", "own-far", "own-twin", "own-low"], "vqa_rad vqa_rad-4") | {
            "vqa_rad-5": "vqa_rad vqa_rad-5, vqa_rad vqa_rad-4"
        }


def test_a_figure_of_a_benchmark_is_found_by_its_name_where_no_image_tells(tmp_path):
    """The benchmark's image is missing or its item rejected, and the row shows it in other pixels."""
    bimed_mbench.make(tmp_path)
    llava_med.make(tmp_path / "llava")
    tests = tmp_path / "BiMed-MBench/data/test_sets"
    for image in tests.glob("images/*"):
        image.unlink()
    items = [json.loads(line) for line in (tests / bimed_mbench.ENGLISH).read_text().splitlines()]
    (tests / bimed_mbench.ENGLISH).write_text(json.dumps(items[0]) + "\n" + json.dumps(items[1] | {"gpt4_answer": ""}))
    table = tmp_path / "llava/instruct/llava_med_instruct_10k.json"
    rows = [
        llava("18063892_F3", "18063892_F3.jpg", "<image>\nWhere was it taken?", "In the eye."),
        llava("18063892_F1", "18063892_F1.jpg", "<image>\nWhat was stained?", "A cell."),
        llava("18652673_F3", "18652673_F3.jpg", "<image>\nOf which item, rejected, is it?", "The second."),
        llava("29145864_F4", "29145864_F4.jpg", "<image>\nWhat is it?", "A scan."),
    ]
    table.write_text(json.dumps(rows))
    images = tmp_path / "llava/images"
    data = sorted(images.iterdir())[1].read_bytes()
    for name in ("18063892_F3", "18063892_F1", "18652673_F3"):
        (images / f"{name}.jpg").write_bytes(data)
    source = {"reader": "llava_med", "path": str(table), "images": str(images)}
    benchmark = {"reader": "bimed_mbench", "path": str(tests)}
    made = build(mixture_file.load(mixture(tmp_path, [source], [benchmark])), tmp_path / "out", "test")
    found = {entry["kind"]: entry["examples"] for entry in made["overlaps"]}
    own_id = "llava_med-instruct_10k-{}".format
    assert found == {"image": [own_id("18063892_F3"), own_id("18652673_F3")], "document": [own_id("18063892_F1")]}
    card = (tmp_path / "out/README.md").read_text()
    assert "| image in common, another question | 2 |" in card
    assert "| document in common, another question | 1 |" in card


def test_an_article_of_a_text_benchmark_and_records_of_two_releases_are_documents_in_common(tmp_path):
    pubmedqa.make(tmp_path / "pqa")
    slake.make(tmp_path / "slake")
    rows = [
        text("1", "What was found?", "pubmedqa-9488747-rewritten", "It was found."),
        text("2", "What else?", "slake-30-ar", "Nothing else."),
        text("3", "What was not found?", "pubmedqa-21645374", "It was not."),
    ]
    benchmarks = [
        {"reader": "pubmedqa", "path": str(tmp_path / "pqa"), "part": "labeled", "split": "test"},
        {"reader": "slake", "path": str(tmp_path / "slake"), "split": "test"},
    ]
    path = mixture(tmp_path, [own(tmp_path, rows)], benchmarks)
    made = build(mixture_file.load(path), tmp_path / "out", "test")
    assert overlaps(made) == {("pubmedqa", "own", "document"): 1, ("slake", "own", "document"): 1}
