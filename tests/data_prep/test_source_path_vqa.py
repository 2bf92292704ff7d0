import pytest

from data_prep.rows import Reject, text_of
from data_prep.sources.path_vqa import PathVqa
from tests.helpers.downloads import vqa as download
from tests.helpers.layouts import path_vqa as layout
from tests.helpers.layouts.jpeg import jpeg
from tests.helpers.readers import read_all


@pytest.fixture
def original(tmp_path):
    layout.make(tmp_path)
    return tmp_path


@pytest.fixture
def hub(tmp_path):
    layout.make_hub(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("split", "short"), [("train", "train"), ("validation", "val"), ("test", "test")])
def test_the_original(original, split, short):
    samples, rejected, others = read_all(PathVqa(path=str(original), split=split))
    assert [sample.id for sample in samples] == [f"path_vqa-{split}-10042200{number}" for number in (1, 2, 3, 5)]
    assert [sample.task for sample in samples] == ["vqa_closed", "vqa_open", "vqa_short", "vqa_short"]
    assert text_of(samples[1].messages).strip() == (
        "Where are liver stem cells (oval cells) located?\nin the canals of hering"
    )
    assert samples[0].images == (f"{short}/{short}_0422.jpg",)
    assert {sample.group for sample in samples} == {f"path_vqa-{short}_0422", "path_vqa-val_9999"}
    assert {sample.modality for sample in samples} == {"pathology"}
    assert [(row.id[-1], row.reason) for row in rejected] == [("4", "empty_answer")] and others == 0


def test_the_answer_with_the_highest_score_is_the_answer(original):
    third = read_all(PathVqa(path=str(original)))[0][2]
    assert text_of(third.messages[1:]) == "3"


def test_pvqa_itself_may_be_the_path(original):
    assert read_all(PathVqa(path=str(original)))[0] == read_all(PathVqa(path=str(original / "pvqa")))[0]


def test_the_images_of_the_original(original):
    source = PathVqa(path=str(original))
    samples = read_all(source)[0]
    assert source.load(*samples[0].images).data == jpeg(len("train"))
    with pytest.raises(Reject, match="missing_image"):
        source.load(*samples[-1].images)


def test_the_hub_in_several_files(hub):
    source = PathVqa(path=str(hub))
    samples, rejected, _ = read_all(source)
    assert [sample.id for sample in samples] == ["path_vqa-train-0", "path_vqa-train-1", "path_vqa-train-2"]
    assert [source.load(*sample.images).data for sample in samples] == [jpeg(1), jpeg(2), jpeg(2)]
    assert len({sample.images for sample in samples}) == 3
    assert [sample.task for sample in samples] == ["vqa_closed", "vqa_short", "vqa_short"]
    assert {sample.group for sample in samples} == {""} and rejected == []
    assert len(source.inputs()) == 2


def test_a_file_of_the_split_is_missing_or_there_twice(hub):
    (hub / "data/train-00000-of-00002-1b4d.parquet").rename(hub / "moved")
    (problem,) = PathVqa(path=str(hub)).problems()
    assert "has 1 of 2 files like train-00001-of-00002-2c5e.parquet; download the others" in problem
    (hub / "data/test-00000-of-00001-ffff.parquet").write_bytes(
        (hub / "data/test-00000-of-00001-3d6f.parquet").read_bytes()
    )
    (problem,) = PathVqa(path=str(hub), split="test").problems()
    assert "there are 2" in problem


def test_problems(tmp_path):
    assert PathVqa(path=str(tmp_path), split="val").problems() == ["split: 'val'; known: train, validation, test"]
    (problem,) = PathVqa(path=str(tmp_path), split="validation").problems()
    assert (
        "neither qas/val_vqa.pkl nor qas/val/val_qa.pkl nor data/validation-*.parquet" in problem
        and "github.com" in problem
    )
    layout.make(tmp_path)
    (tmp_path / "pvqa/images").rename(tmp_path / "moved")
    (problem,) = PathVqa(path=str(tmp_path)).problems()
    assert "images" in problem


@pytest.mark.parametrize(("split", "short"), [("train", "train"), ("validation", "val"), ("test", "test")])
def test_the_pickle_of_plain_answers_alone(tmp_path, split, short):
    download.path_vqa(tmp_path, typed=False)
    source = PathVqa(path=str(tmp_path), split=split)
    samples, rejected, _ = read_all(source)
    assert [sample.id for sample in samples] == [f"path_vqa-{split}-item-{number}" for number in range(1, 5)]
    assert {(sample.task, text_of(sample.messages[1:])) for sample in samples} == {("vqa_closed", "yes")}
    assert [sample.group for sample in samples[::2]] == [f"path_vqa-{short}_0000", f"path_vqa-{short}_0001"]
    assert all(source.load(*sample.images).data for sample in samples) and rejected == []
    assert source.form() == f"qas/{short}/{short}_qa.pkl and images/" and not source.typed


def test_beside_the_pickle_with_types_the_plain_one_is_not_read(tmp_path):
    download.path_vqa(tmp_path)
    source = PathVqa(path=str(tmp_path))
    assert read_all(source)[0][0].id == "path_vqa-train-100422000" and source.typed
    assert source.form().endswith("; there too, and not read: qas/train/train_qa.pkl and images/")
    download.path_vqa(tmp_path / "alone", both=False)
    assert read_all(source)[0] == read_all(PathVqa(path=str(tmp_path / "alone")))[0]
