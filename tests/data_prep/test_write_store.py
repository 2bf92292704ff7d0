"""The image store: each image of a written row once, from the files that the images stage left."""

import json

import pytest
import yaml

from data_prep.check import CheckError, check
from data_prep.images.store import stored_images
from data_prep.pipeline import load_images, write_store
from tests.helpers.data_fixtures import built, encoded, llava_mixture, llava_row, random_image

NAMES = [f"{letter}.png" for letter in "abcdefg"]


def mixture(folder, **keys):
    """Seven images, of which the last is the first once more, and a question on each."""
    path = llava_mixture(folder, [llava_row(name, name, f"<image>\nWhat is {name}?") for name in NAMES])
    for number, name in enumerate(NAMES):
        (folder / "images" / name).write_bytes(encoded(random_image(number % 6)))
    given = yaml.safe_load(path.read_text()) | keys
    path.write_text(yaml.safe_dump(given))
    return path


@pytest.mark.parametrize("asked", range(1, 8))
def test_the_store_has_the_images_of_written_rows_and_no_other(tmp_path, monkeypatch, asked):
    """Two images a task: of some tasks the store takes all images, of others one or none."""
    monkeypatch.setattr(load_images, "_IMAGES_PER_TASK", 2)
    path = mixture(tmp_path, quotas=[{"rows": asked}])
    made, rows, _ = built(path, tmp_path / "out")
    stored = [image["key"] for image in stored_images(tmp_path / "out" / "images", list(made["images"]))]
    assert len(rows) == asked and sorted(stored) == sorted({key for row in rows.values() for key in row["images"]})
    assert list(made["images"]) == [f"images-{number:05d}.arrow" for number in range(len(made["images"]))]
    assert check(tmp_path / "out") == made


@pytest.mark.parametrize("bound", [1, 2_000, 1 << 30])
def test_files_of_the_store_are_bounded_and_not_many(tmp_path, monkeypatch, bound):
    """Of two images a task every second one is used: without a bound one file gathers them all."""
    monkeypatch.setattr(load_images, "_IMAGES_PER_TASK", 2)
    monkeypatch.setattr(write_store, "FILE_BYTES", bound)
    path = mixture(tmp_path, quotas=[{"rows": 3}])
    made, rows, _ = built(path, tmp_path / "out")
    sizes = {}
    for name in made["images"]:
        sizes[name] = [len(image["bytes"]) for image in stored_images(tmp_path / "out" / "images", [name])]
    assert sum(map(len, sizes.values())) == len(rows) == 3
    assert all(sum(found[:-1]) < bound for found in sizes.values()), "a file begins no image above its bound"
    assert len(sizes) == {1: 3, 2_000: 2, 1 << 30: 1}[bound]
    assert check(tmp_path / "out") == made


def test_images_of_which_none_is_there_make_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(load_images, "_IMAGES_PER_TASK", 2)
    path = mixture(tmp_path)
    for name in NAMES[:4]:
        (tmp_path / "images" / name).unlink()
    made = built(path, tmp_path / "out")[0]
    assert [entry["images"] for entry in made["images"].values()] == [2, 1]
    assert check(tmp_path / "out") == made


def test_a_set_without_images_has_an_empty_store(tmp_path):
    path = llava_mixture(tmp_path, [llava_row("text", None, "Why?")])
    made = built(path, tmp_path / "out")[0]
    assert [entry["images"] for entry in made["images"].values()] == [0]
    assert check(tmp_path / "out") == made


def test_without_checks_images_stay_as_they_came_and_what_is_broken_is_found_later(tmp_path):
    path = mixture(tmp_path, checks=False)
    made = built(path, tmp_path / "out")[0]
    assert [image["phash"] for image in stored_images(tmp_path / "out" / "images", list(made["images"]))] == [None] * 6
    assert check(tmp_path / "out") == made
    broken = encoded(random_image(0, size=(200, 200)), "JPEG")
    (tmp_path / "images/b.png").write_bytes(broken[:900])
    assert built(path, tmp_path / "out")[2]["b.png"]["reason"] == "undecodable_image", "it has no end"
    whole = encoded(random_image(1, size=(200, 200)))
    (tmp_path / "images/b.png").write_bytes(whole[:500] + bytes(50) + whole[550:])
    assert len(built(path, tmp_path / "out")[1]) == 7
    with pytest.raises(CheckError, match="made without `checks`"):
        check(tmp_path / "out")
    given = yaml.safe_load(path.read_text()) | {"checks": True}
    path.write_text(yaml.safe_dump(given))
    assert built(path, tmp_path / "out")[2]["b.png"]["reason"] == "undecodable_image"


def test_a_near_duplicate_is_found_by_the_image_with_the_checks_off(tmp_path):
    """Near duplicates are told apart by the perceptual hash, so that it is made whatever `checks` says."""
    said = "The scan shows a large mass in the left upper lobe of the lung with smooth margins"
    rows = [llava_row("one", "a.png", answer=said), llava_row("two", "a.png", answer=f"{said} again")]
    path = llava_mixture(tmp_path, rows, checks=False, duplicates={"near": True})
    made, _, left_out = built(path, tmp_path / "out")
    assert left_out["two"]["reason"] == "near_duplicate"
    assert all(image["phash"] for image in stored_images(tmp_path / "out" / "images", list(made["images"])))
    assert json.loads((tmp_path / "out/images.jsonl").read_text())["name"] == "a.png"
