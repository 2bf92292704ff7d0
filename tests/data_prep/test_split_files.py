"""The files of a split in each form: what is complete, what is wrong with the rest, and which form is read."""

import json
import shutil

import datasets
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.sources import hub
from data_prep.sources.split_files import CONVERTED, SAVED, Files, choose, incomplete, on_the_hub, said
from tests.helpers.layouts import hub_forms

ROWS = datasets.Dataset.from_dict({"text": [f"row {number}" for number in range(6)]})
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"
ANNEX = "/annex/objects/SHA256E-s31390--f50d7ac4c6b9031379986bc362fcefb65f1e52621ce1708d537e740fefc59cc0.parquet\n"


def found(root, split="train", configuration=""):
    return on_the_hub(hub.locate(root), (split,), configuration)


def one(root, form, shards=2, split="train"):
    """The one form in which the split is there."""
    hub_forms.write(form, root, {"train": ROWS, "test": ROWS}, shards)
    (files,) = found(root / "train" if form == "saved_split" else root, split)
    return files


@pytest.mark.parametrize("form", hub_forms.FORMS)
def test_each_form_is_complete_with_its_files_in_order(tmp_path, form):
    files = one(tmp_path / "there", form, shards=3)
    assert files.wrong == "" and len(files.paths) == 3 and [*files.paths] == sorted(files.paths)


@pytest.mark.parametrize("form", hub_forms.FORMS)
@pytest.mark.parametrize("content", [LFS, ANNEX, "", "<!DOCTYPE html><html>404</html>"])
def test_a_file_that_is_not_the_file_is_named(tmp_path, form, content):
    path = one(tmp_path / "there", form).paths[1]
    path.unlink()
    path.write_text(content)
    (files,) = found(path.parent if form == "saved_split" else tmp_path / "there")
    says = {LFS: "git lfs pull", ANNEX: "git annex get"}.get(content, "download it again")
    assert str(path) in files.wrong and says in files.wrong


def test_a_cache_without_its_blobs_names_the_link_and_the_number_of_others(tmp_path):
    one(tmp_path / "there", "cache", shards=3)
    shutil.rmtree(tmp_path / "there/blobs")
    (files,) = found(tmp_path / "there")
    assert "train-00000-of-00003.parquet: a link to ../../../blobs/" in files.wrong
    assert files.wrong.endswith("which is not there; download the dataset again (and 2 more such files)")


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("../../.git/annex/objects/Xk/SHA256E-s3.parquet", "fetch it with: git annex get"),
        ("/mnt/disk/cache/files/md5/a2/b3", "fetch it (git annex get, dvc pull) or copy the file"),
    ],
)
def test_a_link_whose_target_is_not_there_says_how_to_get_it(tmp_path, target, says):
    path = one(tmp_path, "snapshot").paths[0]
    path.unlink()
    path.symlink_to(target)
    assert found(tmp_path)[0].wrong == f"{path}: a link to {target}, which is not there; {says}"


def test_links_to_files_elsewhere_are_files(tmp_path):
    paths = one(tmp_path / "there", "snapshot").paths
    for number, path in enumerate(paths):
        path.rename(tmp_path / f"object-{number}")
        path.symlink_to(tmp_path / f"object-{number}")
    assert found(tmp_path / "there") == [Files("the Hub's Parquet files", paths)]


@given(st.sets(st.integers(0, 4), min_size=1), st.booleans())
def test_shards_are_complete_only_if_each_is_there_once(tmp_path_factory, numbers, twice):
    root = tmp_path_factory.mktemp("shards")
    names = [f"train-{number:05d}-of-00005.parquet" for number in numbers]
    names += [names[0].replace(".parquet", "-9f3a.parquet")] if twice else []
    for name in names:
        (root / name).write_bytes(b"PAR1")
    wrong = incomplete(tuple(sorted(root.iterdir())))
    assert (wrong == "") == (len(numbers) == 5 and not twice)
    if wrong and not twice:
        assert f"has {len(numbers)} of 5 files" in wrong and "download the others" in wrong


def test_files_of_two_releases_are_not_mixed(tmp_path):
    hub_forms.snapshot(tmp_path / "data", {"train": ROWS}, 2)
    hub_forms.snapshot(tmp_path / "data", {"train": ROWS}, 3)
    (files,) = found(tmp_path)
    assert "wanted: 2 files of one release, and there are 5" in files.wrong and "an empty folder" in files.wrong


@pytest.mark.parametrize("gone", ["data-00001-of-00002.arrow", "state.json", "data-00000-of-00002.arrow"])
def test_a_saved_dataset_that_lacks_a_file_is_named(tmp_path, gone):
    one(tmp_path, "saved")
    (tmp_path / "train" / gone).unlink()
    (files,) = found(tmp_path)
    assert files.form == SAVED and gone in files.wrong and str(tmp_path) in files.wrong
    assert not found(tmp_path, "test")[0].wrong


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"_indices_data_files": [{"filename": "indices.arrow"}]}, "flatten_indices"),
        ({"_data_files": []}, "lists no files"),
        ({"_data_files": [{"filename": "../test/data-00000-of-00002.arrow"}]}, "lists no files"),
        ({"_data_files": None}, "lists no files"),
    ],
)
def test_a_saved_dataset_whose_state_cannot_be_used_is_named(tmp_path, change, says):
    one(tmp_path, "saved")
    state = tmp_path / "train/state.json"
    state.write_text(json.dumps({**json.loads(state.read_text()), **change}))
    (files,) = found(tmp_path)
    assert says in files.wrong and str(tmp_path / "train") in files.wrong


def test_a_filtered_dataset_holds_the_rows_that_were_left(tmp_path):
    """`save_to_disk` writes only these, and no table of indices."""
    ROWS.filter(lambda row: row["text"] != "row 0").save_to_disk(tmp_path / "train")
    (files,) = found(tmp_path / "train")
    assert datasets.Dataset.from_file(str(files.paths[0]))["text"][0] == "row 1" and not files.wrong


def test_one_saved_split_is_no_other_split(tmp_path):
    named = datasets.Dataset.from_dict({"text": ["a"]}, split="train[:1%]")
    named.save_to_disk(tmp_path / "mine")
    assert found(tmp_path / "mine")[0].wrong == "" and found(tmp_path / "mine", "test") == []
    ROWS.save_to_disk(tmp_path / "unnamed")
    assert "names no split; move the folder into one, as train/" in found(tmp_path / "unnamed")[0].wrong


def test_the_convert_branch_knows_a_part_and_a_gap(tmp_path):
    hub_forms.convert_branch(tmp_path, {"train": ROWS, "test": ROWS}, 3)
    (tmp_path / "default/test").rename(tmp_path / "default/partial-test")
    (tmp_path / "default/train/0001.parquet").unlink()
    assert found(tmp_path)[0].form == found(tmp_path, "test")[0].form == CONVERTED
    assert "2 files up to 0002.parquet; download the others" in found(tmp_path)[0].wrong
    assert "partial-test holds the first part of the split" in found(tmp_path, "test")[0].wrong


def test_a_configuration_has_its_own_folder_in_every_form(tmp_path):
    splits = {"train": ROWS}
    hub_forms.snapshot(tmp_path / "one/anatomy", splits)
    hub_forms.convert_branch(tmp_path / "two", splits, configuration="anatomy")
    hub_forms.write("saved", tmp_path / "three/anatomy", splits)
    for root in ("one", "two", "three"):
        assert [files.wrong for files in found(tmp_path / root, configuration="anatomy")] == [""]
        assert found(tmp_path / root, configuration="virology") == []
    hub_forms.write("saved", tmp_path / "four", splits)
    assert found(tmp_path / "four", configuration="anatomy") == [], "nothing says that these rows are on anatomy"


def test_the_first_complete_form_is_read_and_the_others_are_said(tmp_path):
    broken, whole = Files("one", (), "lacks a file"), Files("two", ())
    third = Files("three", ())
    assert choose([broken, whole, third]) == choose([whole, broken, third]) == whole
    assert choose([broken]) == broken and choose([]) is None
    assert said([broken, whole, third]) == "two; there too, and not read: one (lacks a file), three"
    assert (said([broken]), said([whole]), said([])) == ("one", "two", "")
