import pytest

from data_prep.rows import Reject, text_of
from data_prep.sources.slake import Slake
from tests.helpers.downloads import vqa as download
from tests.helpers.layouts import slake as layout
from tests.helpers.layouts.jpeg import jpeg
from tests.helpers.readers import read_all


@pytest.fixture
def root(tmp_path):
    layout.make(tmp_path)
    return tmp_path


def test_english_is_read_and_chinese_is_not(root):
    samples, rejected, others = read_all(Slake(path=str(root)))
    assert [sample.id for sample in samples] == ["slake-0", "slake-1", "slake-2", "slake-3", "slake-6"]
    assert {sample.language for sample in samples} == {"en"} and others == 0
    assert {row.id: row.reason for row in rejected} == {"slake-4": "not_selected", "slake-5": "wrong_language"}
    assert "q_lang is 'zh'; wanted: en" in rejected[0].detail


def test_a_language_that_no_row_has_gives_no_row(root):
    samples, rejected, _ = read_all(Slake(path=str(root), languages=["ar"]))
    assert samples == [] and {row.reason for row in rejected} == {"not_selected"} and len(rejected) == 7


def test_a_row(root):
    samples = read_all(Slake(path=str(root)))[0]
    assert [sample.task for sample in samples[:4]] == ["vqa_short", "vqa_closed", "vqa_closed", "vqa_open"]
    assert [sample.modality for sample in samples[:4]] == ["mri", "mri", "x_ray", "ct"]
    assert text_of(samples[0].messages).strip() == "What modality is used to take this image?\nMRI"
    assert samples[0].licence == "CC-BY-4.0"


@pytest.mark.parametrize("archive", [False, True])
def test_masks_are_no_images(tmp_path, archive):
    layout.make(tmp_path, archive)
    source = Slake(path=str(tmp_path))
    samples = read_all(source)[0]
    assert {sample.images for sample in samples} == {
        ("xmlab1/source.jpg",),
        ("xmlab102/source.jpg",),
        ("xmlab404/source.jpg",),
    }
    assert [sample.group for sample in samples[1:3]] == ["slake-xmlab1", "slake-xmlab102"]
    assert source.load("xmlab1/source.jpg").data == jpeg(len("xmlab1"))
    assert source.load("xmlab102/source.jpg").data == jpeg(len("xmlab102"))
    with pytest.raises(Reject, match="missing_image"):
        source.load("xmlab404/source.jpg")


@pytest.mark.parametrize(("split", "row_id"), [("validation", "slake-20"), ("test", "slake-30")])
def test_the_other_splits(root, split, row_id):
    (sample,) = read_all(Slake(path=str(root), split=split))[0]
    assert sample.id == row_id
    (root / "validation.json").rename(root / "validate.json")
    assert read_all(Slake(path=str(root), split=split))[0] == [sample]


def test_problems(root):
    assert Slake(path=str(root), languages=["en", "zh"]).problems() == ["languages: 'zh'; known: en, ar"]
    assert "languages: none" in Slake(path=str(root), languages=[]).problems()[0]
    assert "split: 'val'" in Slake(path=str(root), split="val").problems()[0]
    found = Slake(path=str(root / "nowhere")).problems()
    assert ["train.json" in found[0], "imgs.zip" in found[1], len(found)] == [True, True, 2]


def images_read(source):
    samples = read_all(source)[0]
    return {name: source.load(name).data for sample in samples for name in sample.images}


@pytest.mark.parametrize("folder", ["", "Slake1.0"])
@pytest.mark.parametrize("unpacked", [0, 2, 4])
def test_the_archive_fills_in_what_a_half_unpacked_folder_lacks(tmp_path, unpacked, folder):
    download.slake(tmp_path, unpacked=unpacked, folder=folder)
    source = Slake(path=str(tmp_path))
    assert images_read(source) == {
        f"{image}/source.jpg": jpeg(1100 + 10 * number) for number, image in enumerate(download.SLAKE_IMAGES)
    }
    said = f"train.json, validation.json, test.json, {'imgs, ' if unpacked else ''}imgs.zip"
    assert source.form() == said + (f" in {folder}" if folder else "")
    assert len(source.notes()) == bool(unpacked) and all("imgs.zip" in note for note in source.notes())


def test_half_of_the_images_and_no_archive(tmp_path):
    """The rows without an image go to the ledger."""
    download.slake(tmp_path, unpacked=2, archive=False)
    source = Slake(path=str(tmp_path))
    names = [name for sample in read_all(source)[0] for name in sample.images]
    assert {name: source.has_image(name) for name in names} == {
        f"{image}/source.jpg": number < 2 for number, image in enumerate(download.SLAKE_IMAGES)
    }
    with pytest.raises(Reject, match="missing_image"):
        source.load("xmlab500/source.jpg")


def test_images_without_tables_are_a_form_with_problems(tmp_path):
    download.slake(tmp_path, unpacked=1)
    for name in ("train.json", "validation.json", "test.json"):
        (tmp_path / name).unlink()
    source = Slake(path=str(tmp_path))
    assert source.form() == "imgs, imgs.zip" and "train.json" in source.problems()[0]
    assert Slake(path=str(tmp_path / "gone")).form() == ""
