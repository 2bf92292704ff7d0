"""Each distinct image is decoded once, however many entries of a mixture name it; each entry has its own answer."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep import manifest, mixture_file
from data_prep.check import check
from data_prep.images.store import stored_images
from data_prep.pipeline import load_images
from data_prep.sources import READERS, reader
from data_prep.sources.source import Source
from tests.helpers.data_fixtures import built, encoded, llava_row, random_image
from tests.helpers.layouts import path_vqa

NAMES = ["a.png", "b.png", "c.png", "gone.png", "broken.png"]


@pytest.fixture
def decoded(monkeypatch):
    """The bytes of each file that is decoded, in order."""
    found: list[bytes] = []
    stored_image = load_images.stored_image
    monkeypatch.setattr(
        load_images, "stored_image", lambda data, *more: found.append(data) or stored_image(data, *more)
    )
    return found


def folder_of_images(folder: Path) -> Path:
    (folder / "images").mkdir()
    for number, name in enumerate(NAMES[:3]):
        (folder / "images" / name).write_bytes(encoded(random_image(number)))
    (folder / "images/broken.png").write_bytes(b"not an image")
    (folder / "link").symlink_to("images")
    return folder


def entry(folder: Path, name: str, images: list[str], place: str = "images") -> dict:
    rows = [
        llava_row(image, image, f"<image>\nWhat does {name} say of {image}?", f"{name} {image}") for image in images
    ]
    (folder / f"{name}.json").write_text(json.dumps(rows))
    paths = {"path": str(folder / f"{name}.json"), "images": str(folder / place)}
    return {"reader": "messages", "name": name, "id_prefix": f"{name}-", "licence": "CC0-1.0", **paths}


def mixture(folder: Path, sources: list[dict], benchmarks: list[dict] | None = None) -> Path:
    path = folder / "mixture.yml"
    given = {"name": "shared", "sources": sources} | ({"benchmarks": benchmarks} if benchmarks else {})
    path.write_text(yaml.safe_dump(given))
    return path


def listed(out: Path) -> list[tuple[str, str]]:
    lines = [json.loads(line) for line in (out / "images.jsonl").read_text().splitlines()]
    return [(line["source"], line["name"]) for line in lines]


def test_a_file_that_four_entries_name_is_decoded_once(tmp_path, decoded):
    folder_of_images(tmp_path)
    sources = [entry(tmp_path, name, NAMES, place) for name, place in zip("wxyz", ["images", "link"] * 2, strict=True)]
    made, _, ledger = built(mixture(tmp_path, sources), tmp_path / "out")
    assert len(decoded) == 4
    assert sum(part["images"] for part in made["images"].values()) == 3
    assert listed(tmp_path / "out") == [(name, image) for name in "wxyz" for image in NAMES[:3]]
    assert made["ledger"] == {"missing_image": 4, "undecodable_image": 4}
    assert ledger["z-gone.png"]["source"] == "z" and ledger["z-gone.png"]["reason"] == "missing_image"
    check(tmp_path / "out")


def test_a_training_image_that_a_benchmark_names_is_decoded_once_and_compared_flipped(tmp_path, decoded):
    folder_of_images(tmp_path)
    (tmp_path / "others").mkdir()
    (tmp_path / "others/turned.png").write_bytes(encoded(random_image(0, (64, 48)).transpose(0)))
    (tmp_path / "images/a.png").write_bytes(encoded(random_image(0, (64, 48))))
    sources = [entry(tmp_path, "own", ["a.png", "b.png"]), entry(tmp_path, "other", ["turned.png"], "others")]
    made, _, _ = built(mixture(tmp_path, sources, [entry(tmp_path, "test", ["c.png", "a.png"])]), tmp_path / "out")
    assert len(decoded) == 4
    shared = {(found["benchmark"], found["source"], found["kind"]): found["rows"] for found in made["overlaps"]}
    assert shared == {("test", "own", "image"): 1, ("test", "other", "image"): 1}


def test_the_same_name_in_two_folders_is_two_images(tmp_path, decoded):
    folder_of_images(tmp_path)
    (tmp_path / "others").mkdir()
    (tmp_path / "others/a.png").write_bytes(encoded(random_image(9)))
    sources = [entry(tmp_path, "one", ["a.png"]), entry(tmp_path, "two", ["a.png"], "others")]
    _, rows, _ = built(mixture(tmp_path, sources), tmp_path / "out")
    assert len(decoded) == 2 and rows["one-a.png"]["images"] != rows["two-a.png"]["images"]


def test_images_embedded_in_parquet_files_are_decoded_once(tmp_path, decoded):
    path_vqa.make_hub(tmp_path)
    given = {"reader": "path_vqa", "path": str(tmp_path)}
    sources = [given | {"name": "first"}, given | {"name": "second"}]
    assert main_is_built(mixture(tmp_path, sources), tmp_path / "out") == "first"
    assert len(decoded) == len(set(decoded)) == 2 < len(listed(tmp_path / "out"))


def main_is_built(path: Path, out: Path) -> str:
    """Build, and give the source of the rows: the second entry's have the first one's ids."""
    made, rows, _ = built(path, out)
    assert made["ledger"]["duplicate_id"] == made["written"]
    (source,) = {row["source"] for row in rows.values()}
    return source


@settings(max_examples=10)
@given(st.lists(st.lists(st.sampled_from(NAMES[:4]), min_size=1, max_size=6, unique=True), min_size=1, max_size=4))
def test_sharing_changes_no_byte_of_shards_ledger_and_list(tmp_path_factory, entries):
    folder = folder_of_images(tmp_path_factory.mktemp("shared"))
    path = mixture(folder, [entry(folder, f"e{number}", images) for number, images in enumerate([["a.png"], *entries])])
    content = []
    for name in ("shared", "apart"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(load_images, "_IMAGES_PER_TASK", 2)
            if name == "apart":
                patch.setattr(Source, "image_place", lambda _: None)
            made, _, _ = built(path, folder / name)
        stored = sorted(stored_images(folder / name / "images", list(made["images"])), key=lambda one: one["key"])
        files = [*made["shards"], "ledger.jsonl", "images.jsonl"]
        content.append((stored, [(folder / name / file).read_bytes() for file in files]))
    assert content[0] == content[1]


@pytest.mark.parametrize("name", READERS)
def test_a_source_with_its_own_load_says_what_it_reads_from(name):
    """Otherwise the images of one entry would stand for those of another."""
    kind = reader(name)
    assert ("load" in vars(kind)) <= ("image_place" in vars(kind))


def test_the_hash_in_the_manifest_is_that_of_the_file(tmp_path, monkeypatch):
    """Linked files of the store and copied ones, and shards; one is written before the build is interrupted."""
    monkeypatch.setattr(load_images, "_IMAGES_PER_TASK", 2)
    folder_of_images(tmp_path)
    path = mixture(tmp_path, [entry(tmp_path, "one", NAMES)])
    with monkeypatch.context() as patch:
        patch.setattr("data_prep.build.assemble.assemble", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            built(path, tmp_path / "out")
    made, _, _ = built(path, tmp_path / "out")
    files = made["shards"] | {f"images/{name}": about for name, about in made["images"].items()}
    assert len(made["images"]) == 2
    for name, about in files.items():
        assert about["sha256"] == manifest.sha256(tmp_path / "out" / name)
    assert mixture_file.load(path)
