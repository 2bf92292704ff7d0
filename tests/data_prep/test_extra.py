"""Files that stand beside the shards of a dataset: written before card and manifest, and part of what is built."""

import json

import pytest

from data_prep import manifest, mixture_file
from data_prep.assemble import Extra
from data_prep.build import build
from data_prep.check import CheckError, check
from data_prep.shards import shard_rows
from tests.helpers.data_fixtures import llava_mixture, llava_row

ROWS = [llava_row("one"), llava_row("two", image="b.png")]


def write(folder):
    assert not (folder / manifest.FILE_NAME).exists()
    ids = [row["id"] for _, row in shard_rows(folder, sorted(path.name for path in folder.glob("*.parquet")))]
    (folder / "ids.json").write_text(json.dumps(ids))
    return {"files": ["ids.json"], "manifest": {"curation": {"kind": "translate", "calls": 7}}}


@pytest.fixture
def made(tmp_path):
    mixture = mixture_file.load(llava_mixture(tmp_path, ROWS))
    out = tmp_path / "out"
    return mixture, out, build(mixture, out, "test", extra=Extra("1", write))


def test_extra_files_are_made_from_the_shards_and_listed_in_manifest_and_card(made):
    _, out, listed = made
    assert len(json.loads((out / "ids.json").read_text())) == 2
    assert check(out) == listed
    assert listed["curation"]["calls"] == 7
    assert "ids.json" in listed["files"]
    assert "## Curation" in (out / "README.md").read_text()


def test_a_changed_extra_file_is_found(made):
    _, out, _ = made
    (out / "ids.json").write_text("[]")
    with pytest.raises(CheckError, match=r"ids\.json is not the file"):
        check(out)


def test_another_digest_builds_again_and_the_same_one_does_not(made):
    mixture, out, _ = made
    assert build(mixture, out, "test", extra=Extra("1", write)) is None
    assert build(mixture, out, "test", extra=Extra("2", write)) is not None
    assert build(mixture, out, "test") is not None
    assert not (out / "ids.json").exists()
