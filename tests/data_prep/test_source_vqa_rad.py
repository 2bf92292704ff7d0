import json
import shutil

import pytest

from data_prep.rows import text_of
from data_prep.sources.vqa_rad import TABLE, VqaRad
from tests.helpers.downloads import vqa as download
from tests.helpers.layouts import vqa_rad as layout
from tests.helpers.layouts.jpeg import jpeg
from tests.helpers.readers import read_all


def said(sample):
    return [text_of([message]).strip() for message in sample.messages]


def by_id(samples):
    return {sample.id: sample for sample in samples}


@pytest.fixture
def original(tmp_path):
    layout.make(tmp_path)
    return tmp_path


@pytest.fixture
def hub(tmp_path):
    layout.make_hub(tmp_path)
    return tmp_path


def edit(folder, change):
    rows = json.loads((folder / TABLE).read_text())
    change(rows)
    (folder / TABLE).write_text(json.dumps(rows))


def test_the_original_is_split_by_phrase_type(original):
    train, rejected, others = read_all(VqaRad(path=str(original)))
    test, _, _ = read_all(VqaRad(path=str(original), split="test"))
    assert [sample.id for sample in train] == [f"vqa_rad-{qid}" for qid in range(4)]
    assert [sample.id for sample in test] == ["vqa_rad-4", "vqa_rad-5"]
    assert (others, rejected) == (2, [])


def test_an_original_row(original):
    found = by_id(read_all(VqaRad(path=str(original)))[0])
    assert said(found["vqa_rad-0"]) == ["Are regions of the brain infarcted?", "Yes"]
    assert said(found["vqa_rad-2"]) == ["How many lesions are in the spleen?", "2"]
    assert said(found["vqa_rad-3"]) == ["Is the heart left or right?", "left"]
    assert [found[key].task for key in sorted(found)] == ["vqa_closed", "vqa_closed", "vqa_short", "vqa_closed"]
    assert [found[key].modality for key in sorted(found)] == ["unknown", "unknown", "ct", "x_ray"]
    assert found["vqa_rad-0"].licence == "CC0-1.0" and found["vqa_rad-0"].language == "en"


def test_a_paraphrase_names_the_question_that_it_rephrases(original):
    found = by_id(read_all(VqaRad(path=str(original)))[0])
    assert found["vqa_rad-1"].parent == "vqa_rad-0"
    assert {sample.parent for key, sample in found.items() if key != "vqa_rad-1"} == {None}


def test_rows_of_one_case_are_one_group(original):
    found = by_id(read_all(VqaRad(path=str(original)))[0])
    assert found["vqa_rad-0"].group == found["vqa_rad-1"].group != found["vqa_rad-2"].group
    edit(original, lambda rows: rows[2].update(image_case_url=rows[0]["image_case_url"]))
    found = by_id(read_all(VqaRad(path=str(original)))[0])
    assert found["vqa_rad-0"].group == found["vqa_rad-2"].group
    edit(original, lambda rows: [row.pop("image_case_url") for row in rows])
    found = by_id(read_all(VqaRad(path=str(original)))[0])
    assert found["vqa_rad-0"].group == "vqa_rad-synpic54610.jpg"


def test_the_images_of_the_original(original):
    source = VqaRad(path=str(original))
    samples = read_all(source)[0]
    assert {name: source.load(name).data for sample in samples for name in sample.images} == {
        path.name: path.read_bytes()
        for path in (original / "VQA_RAD Image Folder").iterdir()
        if path.name != "synpic42951.jpg"
    }
    assert f"0 {TABLE}" in source.inputs()


def test_the_images_of_the_original_in_their_archive(original):
    folder = original / "VQA_RAD Image Folder"
    expected = (folder / "synpic54610.jpg").read_bytes()
    shutil.make_archive(str(folder), "zip", original, folder.name)
    shutil.rmtree(folder)
    assert VqaRad(path=str(original)).load("synpic54610.jpg").data == expected


def test_a_row_that_cannot_be_used_is_rejected_and_the_others_are_read(original):
    def change(rows):
        rows[0]["phrase_type"] = "joke"
        rows[2]["answer"] = None
        rows[3]["question"] = " "

    edit(original, change)
    samples, rejected, _ = read_all(VqaRad(path=str(original)))
    assert [sample.id for sample in samples] == ["vqa_rad-1"]
    assert {row.id: row.reason for row in rejected} == {
        "vqa_rad-0": "bad_row",
        "vqa_rad-2": "bad_row",
        "vqa_rad-3": "empty_question",
    }
    assert "'joke'; known: freeform" in rejected[0].detail


def test_rows_without_a_qid_are_all_read(original):
    edit(original, lambda rows: [row.update(qid=None) for row in rows])
    found = by_id(read_all(VqaRad(path=str(original)))[0])
    assert [*found] == [f"vqa_rad-item-{number}" for number in range(1, 5)]
    assert found["vqa_rad-item-2"].parent == "vqa_rad-item-1"


def test_the_hub(hub):
    source = VqaRad(path=str(hub), licence="my own")
    samples, rejected, others = read_all(source)
    assert [said(sample) for sample in samples] == [list(row[:2]) for row in layout.HUB["train"]]
    assert [sample.id for sample in samples] == [f"vqa_rad-train-{row}" for row in range(3)]
    assert [sample.task for sample in samples] == ["vqa_closed", "vqa_short", "vqa_open"]
    assert {(sample.group, sample.modality, sample.licence) for sample in samples} == {("", "unknown", "my own")}
    assert (rejected, others) == ([], 0)
    (test,) = read_all(VqaRad(path=str(hub), split="test"))[0]
    assert (test.id, said(test)[1]) == ("vqa_rad-test-0", "no")


def test_the_images_of_the_hub(hub):
    source = VqaRad(path=str(hub))
    samples = read_all(source)[0]
    assert [source.load(*sample.images).data for sample in samples] == [jpeg(row[2]) for row in layout.HUB["train"]]
    assert source.has_image(*samples[-1].images) and not source.has_image(f"train#{len(samples)}")


def test_the_original_is_read_where_both_are_there(hub):
    layout.make(hub)
    assert read_all(VqaRad(path=str(hub)))[0][0].id == "vqa_rad-0"


def test_problems(tmp_path, original):
    assert VqaRad(path=str(original), split="validation").problems() == ["split: 'validation'; known: train, test"]
    (problem,) = VqaRad(path=str(tmp_path / "nowhere")).problems()
    assert "neither 'VQA_RAD Dataset Public.json' nor data/train-*.parquet" in problem and "osf.io" in problem
    (original / "VQA_RAD Image Folder").rename(original / "moved")
    (problem,) = VqaRad(path=str(original)).problems()
    assert problem.startswith("path: ") and "VQA_RAD Image Folder" in problem


@pytest.mark.parametrize("folder", ["", "osfstorage-archive", "osfstorage"])
def test_the_archive_of_the_open_science_framework(tmp_path, folder):
    download.vqa_rad(tmp_path, folder)
    source = VqaRad(path=str(tmp_path))
    train, rejected, others = read_all(source)
    assert [sample.id for sample in train] == [f"vqa_rad-{qid}" for qid in (0, 1, 4, 5)]
    assert (rejected, others) == ([], 4)
    assert all(source.load(*sample.images).data for sample in train)


def test_the_archive_of_images_fills_in(tmp_path):
    download.vqa_rad(tmp_path)
    folder = tmp_path / "osfstorage-archive/VQA_RAD Image Folder"
    shutil.make_archive(str(folder), "zip", folder.parent, folder.name)
    expected = (folder / "synpic20001.jpg").read_bytes()
    (folder / "synpic20001.jpg").unlink()
    source = VqaRad(path=str(tmp_path))
    assert source.problems() == [] and source.load("synpic20001.jpg").data == expected
    assert "what it lacks is read from" in source.notes()[0]
