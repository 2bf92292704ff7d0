"""Sources whose files lie in a cache of the Hub, beside one in which they lie in a plain folder."""

import shutil
from pathlib import Path

import pytest
import yaml

from data_prep.__main__ import main
from data_prep.mixture_file import MixtureError, load
from data_prep.rows import Reject
from data_prep.sources import reader
from data_prep.sources.dicom import Dicom
from tests.helpers.layouts import (
    bimed_v,
    dicom,
    hub_forms,
    llava_med,
    medmcqa,
    mmlu,
    pmc_oa,
    pmc_vqa,
    pubmedqa,
    slake,
)
from tests.helpers.readers import read_all

MAKES = {
    "slake": slake.make,
    "pmc_oa": pmc_oa.make,
    "pmc_vqa": pmc_vqa.make_second,
    "medmcqa": medmcqa.make,
    "mmlu": mmlu.make_hub,
    "pubmedqa": pubmedqa.make_hub,
}


@pytest.fixture(params=["snapshot", "dataset", "cache"])
def cached(request, tmp_path):
    """A function that makes a layout, once as plain files and once as a cache; returns the two folders."""

    def make(layout):
        layout(tmp_path / "plain")
        dataset = hub_forms.cache(tmp_path / "cache", tmp_path / "plain")
        inside = {"snapshot": dataset / "snapshots" / hub_forms.MAIN, "dataset": dataset, "cache": tmp_path / "cache"}
        return tmp_path / "plain", inside[request.param]

    return make


@pytest.mark.parametrize("name", MAKES)
def test_a_source_in_a_cache_gives_the_samples_and_images_of_its_files(cached, name):
    plain, cache = (reader(name)(path=str(path)) for path in cached(MAKES[name]))
    expected, found = read_all(plain), read_all(cache)
    assert found[0] == expected[0] and len(found[1]) == len(expected[1])
    for sample in expected[0]:
        for image in sample.images:
            assert _bytes(cache, image) == _bytes(plain, image)


def _bytes(source, name):
    try:
        return source.load(name).data
    except Reject as reject:
        return reject.reason


@pytest.mark.parametrize(
    ("name", "layout", "file"),
    [
        ("bimed_v", bimed_v.make, "BiMed-V_stage2.json"),
        ("llava_med", llava_med.make, "instruct/llava_med_instruct_60k_inline_mention.json"),
    ],
)
def test_a_mixture_names_a_file_in_a_cache_without_its_revision(cached, name, layout, file):
    plain, cache = (_mixture(path, name, file) for path in cached(layout))
    (expected,), (found,) = load(plain).sources, load(cache).sources
    assert read_all(found)[0] == read_all(expected)[0] and Path(found.path).is_file()


def _mixture(root, name, file):
    entry = {"reader": name, "path": str(root / file), "images": str(root / "images")}
    path = root.parent / f"{root.name}.yml"
    path.write_text(yaml.safe_dump({"name": "x", "sources": [entry]}))
    return path


def test_a_cache_that_is_ambiguous_is_one_line(tmp_path):
    slake.make(tmp_path / "plain")
    dataset = hub_forms.cache(tmp_path / "cache", tmp_path / "plain")
    shutil.copytree(dataset / "snapshots" / hub_forms.MAIN, dataset / "snapshots/older", symlinks=True)
    (dataset / "refs/main").unlink()
    path = tmp_path / "x.yml"
    path.write_text(yaml.safe_dump({"name": "x", "sources": [{"reader": "slake", "path": str(dataset)}]}))
    with pytest.raises(MixtureError) as caught:
        load(path)
    assert str(caught.value).count("\n") == 0
    assert f"sources[0].path: {dataset} holds several revisions and no refs/main" in str(caught.value)


def test_a_build_from_a_cache_is_a_dataset_that_passes_its_check(tmp_path, capsys):
    slake.make(tmp_path / "plain")
    hub_forms.cache(tmp_path / "raw/SLAKE", tmp_path / "plain")
    path = tmp_path / "x.yml"
    path.write_text(yaml.safe_dump({"name": "x", "sources": [{"reader": "slake", "path": "SLAKE"}]}))
    out = tmp_path / "out"
    assert main(["build", str(path), "--root", str(tmp_path / "raw"), "--out", str(out)]) == 0
    assert main(["check", str(out)]) == 0
    shutil.rmtree(tmp_path / "raw/SLAKE/datasets--flaviagiammarino--vqa-rad/blobs")
    assert main(["build", str(path), "--root", str(tmp_path / "raw"), "--out", str(tmp_path / "other")]) == 1
    assert "a link to ../../blobs/" in capsys.readouterr().err


def test_a_dicom_file_that_is_a_link_is_read_and_one_behind_a_link_to_a_folder_is_not(tmp_path):
    dicom.make(tmp_path)
    series, objects = tmp_path / "study/series", tmp_path / "objects"
    source = Dicom(folder=str(tmp_path / "study"), table=str(tmp_path / "table.jsonl"), licence="MIT", name="ct")
    expected = source.load("series/1.dcm").data
    shutil.move(series / "1.dcm", objects)
    (series / "1.dcm").symlink_to(objects)
    assert source.load("series/1.dcm").data == expected
    shutil.move(series, tmp_path / "elsewhere")
    series.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Reject, match=r"missing_image.*leads out of"):
        source.load("series/1.dcm")
