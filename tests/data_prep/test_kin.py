"""What links rows, through whole builds: splits that follow parents and images, and parents that lead nowhere."""

import json

import pytest
import yaml

from data_prep import build as build_module
from data_prep import mixture_file
from data_prep.build import build
from data_prep.pipeline import load_images, slices
from data_prep.shards import shard_rows, split_of
from tests.helpers.data_fixtures import encoded, llava_row, random_image


def entry(folder, name, rows, **keys):
    """A source over its own table and folder of images; an image's name ends in the number of its content."""
    images = folder / name
    images.mkdir(exist_ok=True)
    for row in rows:
        if row["image"]:
            number = int(row["image"].rpartition("-")[2].removesuffix(".png"))
            (images / row["image"]).write_bytes(encoded(random_image(number)))
    (folder / f"{name}.json").write_text(json.dumps(rows))
    table = {"path": str(folder / f"{name}.json"), "images": str(images)}
    return {"reader": "messages", "name": name, "licence": "MIT", "id_prefix": f"{name}-", **table, **keys}


def split_of_each(folder, sources, workers=1, **keys):
    """Build, and give the split of each row and the manifest."""
    given = {"name": "tiny", "sources": sources, "duplicates": {"near": False}, "seed": 3, **keys}
    (folder / "tiny.yml").write_text(yaml.safe_dump(given))
    out = folder / f"out-{len(list(folder.glob('out-*')))}"
    made = build(mixture_file.load(folder / "tiny.yml"), out, "test", workers)
    return {row["id"]: split_of(shard) for shard, row in shard_rows(out, list(made["shards"]))}, made, out


def english(number, **more):
    return llava_row(str(number), f"fig-{number}.png", f"<image>\nWhat is {number}?", **more)


def arabic(number, parent, image=None):
    question = f"ما هذا {number}؟"
    return llava_row(str(number), image, f"<image>\n{question}" if image else question, "إنها الرئة", parent=parent)


def test_arabic_rows_are_in_the_split_of_their_english_parents_in_another_source(tmp_path):
    rows = [english(number) for number in range(20)]
    twins = [arabic(number, f"en-{number}", f"copy-{number}.png" if number % 2 else None) for number in range(20)]
    grandchildren = [arabic(number, f"ar-{number}#2") for number in range(20, 30)]
    for number, row in enumerate(grandchildren):
        row["parent"] = f"ar-{number}#2"
    sources = [
        entry(tmp_path, "ar", twins, weight=2),
        entry(tmp_path, "en", rows),
        entry(tmp_path, "more", grandchildren),
    ]
    found, made, _ = split_of_each(tmp_path, sources, splits={"test": {"share": 0.4}})
    for number in range(20):
        assert found[f"en-{number}"] == found[f"ar-{number}"] == found[f"ar-{number}#2"]
    for number in range(10):
        assert found[f"more-{number + 20}"] == found[f"en-{number}"]
    assert set(found.values()) == {"train", "test"}
    assert made["parents"] == {"absent": [], "elsewhere": [], "cycles": {"number": 0, "ids": 0, "first": []}}


def test_one_image_under_two_names_in_two_sources_is_in_one_split(tmp_path):
    rows = [english(number) for number in range(20)]
    others = [llava_row(str(number), f"other-{number}.png", f"<image>\nWhere is {number}?") for number in range(20)]
    sources = [entry(tmp_path, "one", rows), entry(tmp_path, "two", others)]
    found = split_of_each(tmp_path, sources, splits={"test": {"share": 0.4}})[0]
    assert all(found[f"one-{number}"] == found[f"two-{number}"] for number in range(20))
    assert set(found.values()) == {"train", "test"}


def test_rows_made_from_a_published_split_follow_it(tmp_path):
    sources = [
        entry(tmp_path, "en", [english(number) for number in range(4)], into="test"),
        entry(tmp_path, "ar", [arabic(number, f"en-{number}") for number in range(4)]),
        entry(tmp_path, "own", [llava_row("same", "again-2.png", "<image>\nAnd this?"), english(77)]),
    ]
    found = split_of_each(tmp_path, sources, splits={"validation": {"share": 0.0001}})[0]
    assert {name for name, split in found.items() if split == "test"} == {name for name in found if name != "own-77"}


@pytest.mark.parametrize("change", [{"answer": ""}, {"image": "gone-5.png"}, {"answer": "A shadow.", "id": "twice"}])
def test_a_parent_that_is_left_out_holds_its_children_together(tmp_path, change):
    """Rejected as it is read, without its image, or a duplicate of another row."""
    parent = english(0, parent="top-0") | {"id": "lost"} | change
    if "answer" in change:
        parent["conversations"][1]["value"] = change["answer"]
    rows = [english(1, answer="A shadow.") | {"id": "same"}, parent]
    if change.get("id"):
        rows[0]["image"], rows[0]["conversations"] = parent["image"], parent["conversations"]
    children = [arabic(number, f"en-{parent['id']}") for number in range(6)]
    sources = [
        entry(tmp_path, "top", [llava_row("0", None, "What is above?")]),
        entry(tmp_path, "en", rows),
        entry(tmp_path, "ar", children),
    ]
    (tmp_path / "en/gone-5.png").unlink(missing_ok=True)
    for seed in range(5):
        found = split_of_each(tmp_path, sources, splits={"test": {"share": 0.5}}, seed=seed)[0]
        assert f"en-{parent['id']}" not in found
        assert len({found["top-0"], *(found[f"ar-{number}"] for number in range(6))}) == 1


def test_parents_that_are_nowhere_are_counted_by_source(tmp_path, capsys):
    rows = [english(0), english(1) | {"parent": "gone-1"}, english(2) | {"parent": "gone-1"}]
    sources = [entry(tmp_path, "en", rows), entry(tmp_path, "ar", [arabic(0, "en-0"), arabic(1, "missing")])]
    benchmark = entry(tmp_path, "bench", [english(50)])
    sources[1]["path"] = str(tmp_path / "ar.json")
    _, made, out = split_of_each(tmp_path, sources, benchmarks=[benchmark])
    assert made["parents"]["absent"] == [
        {"source": "ar", "rows": 1, "examples": ["missing"]},
        {"source": "en", "rows": 2, "examples": ["gone-1", "gone-1"]},
    ]
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("parents")]
    assert told == ["parents in no source and no benchmark: rows 1 of ar (missing), 2 of en (gone-1)"]
    assert "| en | in no source and no benchmark | 2 |" in (out / "README.md").read_text()


def test_a_cycle_of_parents_ends_and_is_told(tmp_path, capsys):
    rows = [english(0) | {"parent": "en-2"}, english(1) | {"parent": "en-0"}, english(2) | {"parent": "en-1"}]
    alone = [arabic(0, "ar-0"), arabic(1, "en-1")]
    sources = [entry(tmp_path, "en", rows), entry(tmp_path, "ar", alone)]
    found, made, out = split_of_each(tmp_path, sources, splits={"test": {"share": 0.5}})
    assert len(found) == 5 and len({found[f"en-{n}"] for n in range(3)} | {found["ar-1"]}) == 1
    assert made["parents"]["cycles"] == {"number": 2, "ids": 4, "first": ["ar-0"]}
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("parents")]
    assert told == ["parents in a cycle: 4 ids in 2 cycles, such as ar-0 -> ar-0; correct `parent` in the source"]
    assert "| all | in 2 cycles of parents | 4 |" in (out / "README.md").read_text()


def test_splits_are_the_same_with_one_process_and_with_two(tmp_path, monkeypatch):
    """Small slices and image tasks, so that two processes really share the work."""
    monkeypatch.setattr(build_module, "_SMALL", 0)
    monkeypatch.setattr(slices, "ROWS", 4)
    monkeypatch.setattr(load_images, "_IMAGES_PER_TASK", 3)
    sources = [
        entry(tmp_path, "en", [*map(english, range(12)), english(3) | {"id": "bad", "conversations": []}]),
        entry(tmp_path, "ar", [arabic(number, f"en-{number}", f"copy-{number}.png") for number in range(12)]),
    ]
    keys = {"splits": {"test": {"share": 0.4}}, "benchmarks": [entry(tmp_path, "bench", [english(50)])]}
    results = [split_of_each(tmp_path, sources, workers, **keys) for workers in (1, 2)]
    first, second = ((out / "manifest.json").read_bytes() for _, _, out in results)
    assert first == second and results[0][0] == results[1][0]
    swapped = split_of_each(tmp_path, sources[::-1], **keys)[0]
    assert swapped == results[0][0]
