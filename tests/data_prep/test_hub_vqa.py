"""Questions on embedded images, in every form of the Hub."""

import pickle

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_prep.rows import Reject
from data_prep.sources.path_vqa import PathVqa
from data_prep.sources.vqa_rad import VqaRad
from data_prep.tables.table import TableError, all_rows
from tests.helpers.layouts import hub_forms, parquet, vqa_rad
from tests.helpers.layouts.jpeg import jpeg
from tests.helpers.readers import read_all

ROWS = [(f"question {number}?", "yes", number) for number in range(5)]
WORDS = {
    "converted": "the Hub's Parquet files, convert branch",
    "converted_cache": "the Hub's Parquet files, convert branch",
    "saved": "saved by datasets (save_to_disk)",
    "saved_split": "saved by datasets (save_to_disk)",
}


def rows(values):
    features = {"image": datasets.Image(), "question": datasets.Value("string"), "answer": datasets.Value("string")}
    columns = {
        "image": [{"bytes": jpeg(seed), "path": None} for _, _, seed in values],
        "question": [question for question, _, _ in values],
        "answer": [answer for _, answer, _ in values],
    }
    return datasets.Dataset.from_dict(columns, datasets.Features(features))


def write(form, root, shards=2):
    hub_forms.write(form, root, {"train": rows(ROWS), "test": rows(ROWS[:2])}, shards)
    return root / "train" if form == "saved_split" else root


@pytest.fixture(params=hub_forms.FORMS)
def form(request):
    return request.param


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_the_same_rows_have_the_same_ids_and_images_in_every_form(tmp_path, form, shards):
    source = VqaRad(path=str(write(form, tmp_path / "there", shards)))
    samples, rejected, others = read_all(source)
    assert [sample.id for sample in samples] == [f"vqa_rad-train-{row}" for row in range(5)]
    assert [sample.images for sample in samples] == [(f"train#{row}",) for row in range(5)]
    assert (rejected, others, len(source.inputs())) == ([], 0, shards)
    shuffled = [3, 0, 4, 1, 2]
    assert [source.load(f"train#{row}").data for row in shuffled] == [jpeg(row) for row in shuffled]
    assert source.form() == WORDS.get(form, "the Hub's Parquet files")
    plain = tmp_path / "plain"
    assert samples == read_all(VqaRad(path=str(write("snapshot", plain, 1))))[0]


def test_the_other_split_in_every_form(tmp_path, form):
    path = write(form, tmp_path / "there")
    if form == "saved_split":
        (problem,) = VqaRad(path=str(path), split="test").problems()
        assert "test/" in problem or "neither" in problem
        return
    assert [sample.id for sample in read_all(PathVqa(path=str(path), split="test"))[0]] == [
        "path_vqa-test-0",
        "path_vqa-test-1",
    ]


def test_a_source_in_every_form_works_in_another_process(tmp_path, form):
    source = VqaRad(path=str(write(form, tmp_path / "there")))
    samples, first = read_all(source)[0], source.load("train#4")
    copy = pickle.loads(pickle.dumps(source))
    assert read_all(copy)[0] == samples and copy.load("train#4") == first


def test_a_slice_is_read_by_itself_in_every_form(tmp_path, form):
    for table in VqaRad(path=str(write(form, tmp_path / "there"))).tables():
        marks = list(table.marks(1))
        assert [piece for mark in marks[:-1] for piece in table.rows(mark, 1)] == list(all_rows(table))


@pytest.mark.parametrize("name", ["train#5", "train#-1"])
def test_a_row_that_the_split_has_not(tmp_path, name):
    with pytest.raises(Reject, match=r"missing_image.*the split has 5 rows"):
        VqaRad(path=str(write("saved", tmp_path))).load(name)


@pytest.mark.parametrize("columns", [{"question": ["q"], "answer": ["a"]}, {"question": ["q"], "image": [b"1"]}])
def test_a_file_without_a_column_that_is_needed(tmp_path, columns):
    pq.write_table(pa.table(columns), tmp_path / "train-00000-of-00001.parquet")
    (table,) = VqaRad(path=str(tmp_path)).tables()
    with pytest.raises(TableError, match=r"train-00000-of-00001\.parquet: no (column answer|images)"):
        list(all_rows(table))


def test_the_complete_form_is_read_and_the_others_are_named(tmp_path):
    vqa_rad.make(tmp_path)
    write("snapshot", tmp_path)
    source = VqaRad(path=str(tmp_path))
    assert source.problems() == [] and read_all(source)[0][0].id == "vqa_rad-0"
    assert source.form() == "the original's JSON and images; there too, and not read: the Hub's Parquet files"
    (tmp_path / "VQA_RAD Image Folder").rename(tmp_path / "moved")
    source = VqaRad(path=str(tmp_path))
    assert source.problems() == [] and len(read_all(source)[0]) == 5
    assert source.form().startswith(
        "the Hub's Parquet files; there too, and not read: the original's JSON and images ("
    )
    next(tmp_path.glob("data/train-00001-*")).unlink()
    (problem,) = VqaRad(path=str(tmp_path)).problems()
    assert problem.startswith("path: ") and "VQA_RAD Image Folder" in problem


def test_a_snapshot_without_a_shard_gives_way_to_a_complete_saved_dataset(tmp_path):
    write("snapshot", tmp_path)
    hub_forms.write("saved", tmp_path, {"train": rows(ROWS)})
    assert read_all(VqaRad(path=str(tmp_path)))[0] and VqaRad(path=str(tmp_path)).form().startswith("the Hub's Parquet")
    next(tmp_path.glob("data/train-00000-*")).unlink()
    source = VqaRad(path=str(tmp_path))
    assert len(read_all(source)[0]) == 5 and source.tables()[0].path.suffix == ".arrow"
    assert "saved by datasets (save_to_disk); there too, and not read: the Hub's Parquet files (" in source.form()
    assert "1 of 2 files" in source.form()


def test_images_of_two_splits_are_told_apart_by_their_split(tmp_path):
    parquet.write(tmp_path / "data/train-00000-of-00001.parquet", ROWS[:1])
    parquet.write(tmp_path / "data/test-00000-of-00001.parquet", ROWS[1:2])
    train, test = (VqaRad(path=str(tmp_path), split=split) for split in ("train", "test"))
    assert train.load("train#0").data == jpeg(0) != test.load("test#0").data == jpeg(1)


def test_a_cache_that_is_ambiguous_is_one_problem(tmp_path):
    write("hub_cache", tmp_path / "hub")
    (tmp_path / "hub/datasets--other--set/snapshots/1").mkdir(parents=True)
    (problem,) = VqaRad(path=str(tmp_path / "hub")).problems()
    assert problem.startswith("path: ") and "several datasets" in problem
    assert VqaRad(path=str(tmp_path / "hub")).form() == ""
