"""Every source says in which form it is there, and nothing where it is not."""

import gzip
from pathlib import Path

import pytest

from data_prep.sources import reader
from tests.helpers.downloads import bimed_v, physionet, pmc, vqa
from tests.helpers.layouts import bimed13m, bimed_mbench, dicom, llava_med, messages, mimic_iii, uphill

NOTES = "physionet.org/files/mimiciii/1.4/NOTEEVENTS.csv"
QUESTIONS = "BiMed-MBench/data/test_sets/llava_med_eval_qa50_qa.jsonl"
FORMS = {
    "bimed13m": (bimed13m.make, {"path": "train.parquet"}, "train.parquet"),
    "bimed_mbench": (bimed_mbench.make, {"path": "."}, QUESTIONS),
    "bimed_v": (bimed_v.make, {"path": "BiMed-V_stage1.json", "images": "images"}, "BiMed-V_stage1.json, images"),
    "llava_med": (
        llava_med.make,
        {"path": "alignment/llava_med_alignment_500k.json", "images": "images"},
        "llava_med_alignment_500k.json, images",
    ),
    "messages": (messages.make, {"path": "llava.json", "images": "images", "licence": "MIT"}, "llava.json, images"),
    "dicom": (dicom.make, {"folder": "study", "table": "table.jsonl", "licence": "MIT"}, "study"),
    "mimic_cxr": (physionet.mimic_cxr, {"path": "."}, None),
    "mimic_iii": (mimic_iii.make, {"path": "."}, NOTES),
    "path_vqa": (vqa.path_vqa, {"path": "."}, None),
    "pmc_oa": (pmc.pmc_oa, {"path": "."}, "pmc_oa.jsonl, pmc_oa_beta.jsonl, images.zip"),
    "pmc_vqa": (pmc.pmc_vqa, {"path": "."}, "release 2: train_2.csv, images_2.zip"),
    "slake": (vqa.slake, {"path": "."}, "train.json, validation.json, test.json, imgs.zip"),
    "uphill": (uphill.make, {"path": "."}, "queries.csv"),
    "vqa_rad": (vqa.vqa_rad, {"path": "."}, "the original's JSON and images"),
}
_PATHS = ("path", "images", "folder", "table")


def placed(name: str, root: Path):
    """The source of this name with its paths below a folder."""
    keys = FORMS[name][1]
    return reader(name)(**{key: str(root / value) if key in _PATHS else value for key, value in keys.items()})


@pytest.mark.parametrize("name", FORMS)
def test_a_source_says_in_which_form_it_is_there(name, tmp_path):
    make, _, form = FORMS[name]
    (tmp_path / "there").mkdir()
    make(tmp_path / "there")
    said = placed(name, tmp_path / "there").form()
    assert said == form if form else said
    (tmp_path / "empty").mkdir()
    assert placed(name, tmp_path / "empty").form() == placed(name, tmp_path / "gone").form() == ""


def test_a_packed_table_is_a_form_with_a_problem(tmp_path):
    mimic_iii.make(tmp_path)
    table = tmp_path / NOTES
    (tmp_path / f"{NOTES}.gz").write_bytes(gzip.compress(table.read_bytes()))
    assert placed("mimic_iii", tmp_path).form() == NOTES
    table.unlink()
    source = placed("mimic_iii", tmp_path)
    assert source.form() == f"{NOTES}.gz" and "gunzip -k" in source.problems()[0]


def test_a_folder_of_dicom_files_is_searched_for_a_frame_s_file(tmp_path):
    dicom.make(tmp_path)
    source = placed("dicom", tmp_path)
    assert source.has_image("series/1.dcm") and source.has_image('{"file": "series/1.dcm", "frame": 1}')
    assert not source.has_image('{"file": "series/9.dcm", "frame": 1}')


def test_a_questions_file_of_the_quickstart_is_its_form():
    assert reader("quickstart")(questions=["vqa.jsonl"]).form() == "vqa.jsonl"
