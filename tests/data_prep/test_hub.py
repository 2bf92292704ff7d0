"""Which folder holds a dataset's files, in a cache of the Hub and outside it."""

import shutil
from pathlib import Path

import pytest
from huggingface_hub import snapshot_download

from data_prep.sources import hub
from tests.helpers.layouts import hub_forms


@pytest.fixture
def cache(tmp_path):
    """A cache with one revision of one dataset."""
    return tmp_path / "hub", add(tmp_path)


def add(tmp_path, **keys):
    files = tmp_path / "files"
    files.mkdir(exist_ok=True)
    (files / "train.json").write_text("[]")
    return hub_forms.cache(tmp_path / "hub", files, **keys)


def by_the_hub(cache, revision="main"):
    """The folder that huggingface_hub itself names."""
    found = snapshot_download(
        hub_forms.REPOSITORY, repo_type="dataset", revision=revision, cache_dir=cache, local_files_only=True
    )
    return Path(found)


def test_the_cache_of_one_dataset_is_its_main_revision(cache, tmp_path):
    root, dataset = cache
    add(tmp_path, revision="old", commit="0" * 40)
    assert hub.folder(dataset) == hub.folder(root) == by_the_hub(root)
    assert hub.folder(by_the_hub(root)) == by_the_hub(root), "a snapshot's own folder may be named"


def test_the_convert_branch_is_found_beside_the_main_one_and_alone(cache, tmp_path):
    root, dataset = cache
    add(tmp_path, revision="refs/convert/parquet", commit=hub_forms.CONVERTED)
    converted = by_the_hub(root, "refs/convert/parquet")
    assert hub.locate(dataset) == hub.Place(by_the_hub(root), converted)
    assert hub.locate(dataset).folders == (by_the_hub(root), converted)
    (dataset / "refs/main").unlink()
    assert hub.folder(dataset).name == hub_forms.MAIN, "the only revision of the repository's own files"
    alone = hub_forms.cache(tmp_path / "alone", tmp_path / "files", "refs/convert/parquet", hub_forms.CONVERTED)
    assert hub.locate(alone) == hub.Place(alone / "snapshots" / hub_forms.CONVERTED)


def test_several_revisions_without_main_are_named(cache, tmp_path):
    _, dataset = cache
    add(tmp_path, revision="old", commit="0" * 40)
    (dataset / "refs/main").unlink()
    place = hub.locate(dataset)
    assert place.folder == dataset
    assert f"name one of them: snapshots/{'0' * 40}, snapshots/{hub_forms.MAIN}" in place.wrong


def test_a_revision_that_is_not_there_is_not_replaced_by_an_old_one(cache):
    _, dataset = cache
    (dataset / "refs/main").write_text("f" * 40)
    assert "refs/main names ffff" in hub.locate(dataset).wrong and "download it again" in hub.locate(dataset).wrong


def test_a_cache_of_several_datasets_is_a_question(cache, tmp_path):
    root, dataset = cache
    other = add(tmp_path, repository="flaviagiammarino/path-vqa")
    (root / "models--gpt2/snapshots").mkdir(parents=True)
    assert "several datasets" in hub.locate(root).wrong and f"such as {other}" in hub.locate(root).wrong
    assert dataset.name in hub.locate(root).wrong


def test_a_cache_without_a_snapshot(cache):
    _, dataset = cache
    shutil.rmtree(dataset / "snapshots" / hub_forms.MAIN)
    assert "download the dataset again" in hub.locate(dataset).wrong


def test_other_folders_are_themselves(tmp_path):
    (tmp_path / "snapshots").mkdir()
    assert hub.locate(tmp_path) == hub.Place(tmp_path)
    assert hub.locate(tmp_path / "gone") == hub.Place(tmp_path / "gone")
    assert hub.locate(tmp_path).folders == (tmp_path,)


def test_a_file_in_a_folder_that_is_a_cache(cache):
    root, dataset = cache
    inside = by_the_hub(root) / "train.json"
    assert hub.file(dataset / "train.json") == hub.file(root / "train.json") == hub.file(inside) == inside
    for name in ("gone.json", "gone/train.json"):
        assert hub.file(dataset / name) == dataset / name
    (dataset / "blobs").rename(dataset / "moved")
    assert hub.file(dataset / "train.json") == inside, "a broken link is named as such later"
