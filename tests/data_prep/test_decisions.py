"""Quotas, weights, shuffle and shards: on many rows, and always the same whatever the number of processes."""

import json
from collections import Counter

import pytest
import yaml

from data_prep import build as build_module
from data_prep import mixture_file
from data_prep.build import build
from data_prep.mixture import Mixture
from data_prep.pipeline import load_images, slices
from tests.helpers.data_fixtures import built, encoded, llava_mixture, llava_row, random_image


def many(number):
    return [
        llava_row(
            str(n), image=("a.png", "b.png", None)[n % 3], question=f"{'<image>' if n % 3 < 2 else ''} What is {n}?"
        )
        for n in range(number)
    ]


def with_entry(path, **keys):
    given = yaml.safe_load(path.read_text())
    given["sources"][0] |= keys
    path.write_text(yaml.safe_dump(given))
    return path


def test_a_quota_cuts_what_is_above_and_a_shortfall_is_named(tmp_path):
    path = with_entry(llava_mixture(tmp_path, many(30)), rows=20)
    made, rows, left_out = built(path, tmp_path / "out")
    assert len(rows) == 20 and Counter(entry["reason"] for entry in left_out.values()) == {"over_quota": 10}
    made = built(with_entry(path, rows=50), tmp_path / "out")[0]
    assert made["short"] == ["messages: 30 of 50 rows"]
    assert "30 of 50 rows" in (tmp_path / "out/README.md").read_text()


@pytest.mark.parametrize("weight, written", [(0.5, 15), (1.0, 30), (2.0, 60), (2.5, 75)])
def test_a_weight_thins_or_repeats_a_source(tmp_path, weight, written):
    made, rows, _ = built(with_entry(llava_mixture(tmp_path, many(30)), weight=weight), tmp_path / "out")
    assert made["written"] == len(rows) == written
    assert made["repeated"] == max(0, written - 30)
    assert ("1#2" in rows) == (weight >= 2)


def test_a_quota_by_language_and_task(tmp_path):
    rows = [*many(6), *(llava_row(f"ar-{n}", None, f"ما هذا {n}؟", "إنها الرئة") for n in range(6))]
    made = built(llava_mixture(tmp_path, rows, quotas=[{"language": "ar", "rows": 2}]), tmp_path / "out")[0]
    assert made["counts"]["language"] == {"ar": 2, "en": 6}


def test_the_shuffle_follows_the_seed_and_moves_every_split(tmp_path):
    def order(name, **keys):
        path = llava_mixture(tmp_path, many(40), **keys)
        return list(built(path, tmp_path / name)[1])

    first = order("1", shuffle=True, seed=1)
    assert first == order("2", shuffle=True, seed=1) != order("3", shuffle=True, seed=2)
    assert sorted(first, key=int) == order("4") != first


def test_the_same_bytes_with_one_process_and_with_two(tmp_path, monkeypatch):
    """Small slices and image tasks, so that two processes really share the work."""
    monkeypatch.setattr(build_module, "_SMALL", 0)
    monkeypatch.setattr(slices, "ROWS", 7)
    monkeypatch.setattr(load_images, "_IMAGES_PER_TASK", 1)
    rows = [*many(30), llava_row("bad", answer=""), llava_row("gone", "gone.png"), llava_row("3", question="Again 3?")]
    keys = {
        "shuffle": True,
        "rows_per_shard": 9,
        "duplicates": {"near": True},
        "splits": {"test": {"ids": ["5", "1?"]}},
    }
    path = llava_mixture(tmp_path, rows, **keys)
    for name, workers in (("1", 1), ("2", 2)):
        build(mixture_file.load(path), tmp_path / name, "test", workers)
    one, two = (
        {
            str(file.relative_to(tmp_path / name)): file.read_bytes()
            for file in (tmp_path / name).rglob("*")
            if file.is_file()
        }
        for name in ("1", "2")
    )
    assert one == two and len([name for name in one if name.endswith(".parquet")]) == 5


def test_images_that_no_written_row_names_are_not_stored(tmp_path):
    rows = [llava_row("kept"), llava_row("empty", image="b.png", answer="")]
    made = built(llava_mixture(tmp_path, rows), tmp_path / "out")[0]
    assert [entry["images"] for entry in made["images"].values()] == [1]
    assert [json.loads(line)["name"] for line in (tmp_path / "out/images.jsonl").read_text().splitlines()] == ["a.png"]


def test_an_image_in_two_sources_is_stored_once_and_kept_under_both_names(tmp_path):
    path = llava_mixture(tmp_path, [llava_row("one")])
    given = yaml.safe_load(path.read_text())
    (tmp_path / "more").mkdir()
    (tmp_path / "more/x.png").write_bytes(encoded(random_image(0)))
    (tmp_path / "more.json").write_text(json.dumps([llava_row("two", "x.png", "<image>\nWhere is it?")]))
    second = {
        "reader": "messages",
        "name": "more",
        "path": str(tmp_path / "more.json"),
        "images": str(tmp_path / "more"),
    }
    given["sources"].append(second | {"licence": "MIT"})
    path.write_text(yaml.safe_dump(given))
    made, rows, _ = built(path, tmp_path / "out")
    assert rows["one"]["images"] == rows["more-two"]["images"]
    assert sum(entry["images"] for entry in made["images"].values()) == 1
    names = [json.loads(line)["name"] for line in (tmp_path / "out/images.jsonl").read_text().splitlines()]
    assert names == ["a.png", "x.png"]


def test_entries_of_one_mixture_keep_their_own_splits(tmp_path):
    path = with_entry(llava_mixture(tmp_path, many(3)), into="held_out")
    assert built(path, tmp_path / "out")[0]["counts"]["split"] == {"held_out": 3}
    assert isinstance(mixture_file.load(path), Mixture)
