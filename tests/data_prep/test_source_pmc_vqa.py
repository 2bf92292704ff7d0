import pytest

from data_prep.rows import Reject, text_of
from data_prep.sources.pmc_vqa import PmcVqa
from tests.helpers.downloads import pmc as download
from tests.helpers.layouts import pmc_vqa as layout
from tests.helpers.layouts.jpeg import jpeg, save
from tests.helpers.readers import read_all

OPTIONS = "A. Diffuse uptake pattern\nB. Focal uptake pattern\nC. DNA: none\nD. Cannot be told"


def said(sample):
    return [text_of([message]).strip() for message in sample.messages]


@pytest.fixture
def root(tmp_path):
    layout.make(tmp_path)
    return tmp_path


def test_the_first_release_with_choices(root):
    samples, rejected, others = read_all(PmcVqa(path=str(root)))
    assert said(samples[0]) == [f"What is the uptake\npattern, in the breast?\n{OPTIONS}", "B. Focal uptake pattern"]
    assert [said(sample)[1] for sample in samples] == [
        "B. Focal uptake pattern",
        "A. Yes",
        "C. DNA: none",
        "B. Focal uptake pattern",
    ]
    assert {(sample.task, sample.language, sample.group) for sample in samples[:3]} == {
        ("vqa_choice", "en", "PMC1064097")
    }
    assert [row.reason for row in rejected] == ["bad_row", "bad_row"] and others == 0
    assert "'E' is neither a choice nor its letter" in rejected[0].detail
    assert "'Choice D' has no text" in rejected[1].detail


def test_the_first_release_without_choices(root):
    samples, rejected, _ = read_all(PmcVqa(path=str(root), style="open"))
    assert said(samples[0]) == ["What is the uptake\npattern, in the breast?", "Focal uptake pattern"]
    assert [sample.task for sample in samples] == ["vqa_short", "vqa_closed", "vqa_short", "vqa_closed", "vqa_short"]
    assert len(rejected) == 1


def test_no_two_rows_of_all_entries_have_one_id(root):
    layout.make_second(root)
    ids = [
        sample.id
        for release, splits in ((1, ("train", "test", "test_clean")), (2, ("train", "test")))
        for split in splits
        for style in ("choice", "open")
        for sample in read_all(PmcVqa(path=str(root), release=release, split=split, style=style))[0]
    ]
    assert len(set(ids)) == len(ids) and all(row_id.startswith("pmc_vqa-") for row_id in ids)


def test_a_row_without_an_index_is_not_taken_for_another(root):
    source = PmcVqa(path=str(root), release=2)
    assert source.row_id("row 7", {"index": ""}) == "pmc_vqa-2-train-choice-row-7"
    assert source.row_id("row 8", {"index": "7"}) == "pmc_vqa-2-train-choice-7"


def test_the_misspelt_column_of_answers(root, tmp_path):
    expected = read_all(PmcVqa(path=str(root)))[0]
    layout.make(tmp_path, answer="Anwser")
    assert "Anwser" in (tmp_path / "train.csv").read_text().splitlines()[0]
    assert read_all(PmcVqa(path=str(tmp_path)))[0] == expected


def test_the_second_release(tmp_path):
    layout.make_second(tmp_path)
    source = PmcVqa(path=str(tmp_path))
    samples, rejected, others = read_all(source)
    assert [sample.id for sample in samples] == ["pmc_vqa-2-train-choice-7", "pmc_vqa-2-train-choice-9"]
    assert [said(sample)[1] for sample in samples] == ["C. DNA: none", "D. Cannot be told"]
    assert (rejected, others, source.version()) == ([], 1, "2")
    assert source.load(*samples[0].images).data == jpeg(1)
    (test,) = read_all(PmcVqa(path=str(tmp_path), split="test"))[0]
    assert test.id == "pmc_vqa-2-test-choice-11"


def test_the_images_of_the_first_release(root):
    source = PmcVqa(path=str(root))
    samples = read_all(source)[0]
    assert source.load(*samples[0].images).data == jpeg(0)
    with pytest.raises(Reject, match="missing_image"):
        source.load(*samples[-1].images)


def test_problems(root):
    assert PmcVqa(path=str(root), split="validation").problems() == [
        "split: 'validation'; known: train, test, test_clean",
    ]
    found = PmcVqa(path=str(root), split="val", style="mcq").problems()
    assert ["split" in found[0], "style: 'mcq'; known: choice, open" in found[1]] == [True, True]
    assert PmcVqa(path=str(root), release=3).problems() == ["release: 3; known: 1, 2"]
    assert "test_clean_2.csv" in PmcVqa(path=str(root), release=2, split="test_clean").problems()[0]
    layout.make_second(root)
    assert "choose one: 1 or 2" in PmcVqa(path=str(root)).problems()[0]
    (root / "images.zip").unlink()
    (problem,) = PmcVqa(path=str(root), release=1).problems()
    assert "images.zip" in problem


@pytest.mark.parametrize(("release", "figure", "seed"), [(1, "PMC{}_F1.jpg", 1300), (2, "PMC{}_Fig1_2.jpg", 1310)])
def test_each_release_of_the_complete_repository(tmp_path, release, figure, seed):
    download.pmc_vqa(tmp_path)
    assert "choose one: 1 or 2" in PmcVqa(path=str(tmp_path)).problems()[0]
    source = PmcVqa(path=str(tmp_path), release=release)
    samples, rejected, others = read_all(source)
    assert [sample.images for sample in samples] == [(figure.format(number),) for number in range(4)]
    assert [source.load(*sample.images).data for sample in samples] == [jpeg(seed + number) for number in range(4)]
    assert (rejected, others, source.notes()) == ([], 0, [])
    suffix = "" if release == 1 else "_2"
    assert source.form() == f"release {release}: train{suffix}.csv, images{suffix}.zip"


@pytest.mark.parametrize(
    ("release", "folder"), [(1, "images"), (1, "images/images"), (2, "images_2/figures"), (2, "figures")]
)
def test_a_half_unpacked_folder_of_figures(tmp_path, release, folder):
    download.pmc_vqa(tmp_path)
    source = PmcVqa(path=str(tmp_path), release=release)
    names = [sample.images[0] for sample in read_all(source)[0]]
    before = [source.load(name).data for name in names]
    save(tmp_path / folder / names[0], 7)
    source = PmcVqa(path=str(tmp_path), release=release)
    assert [source.load(name).data for name in names] == [jpeg(7), *before[1:]]
    assert len(source.image_folder().paths) == 2 and folder in source.notes()[0]


def test_the_other_release_is_said_where_only_that_is_there(tmp_path):
    layout.make_second(tmp_path)
    source = PmcVqa(path=str(tmp_path), release=1)
    assert source.form() == "release 2: train_2.csv, images_2.zip" and "train.csv" in source.problems()[0]
