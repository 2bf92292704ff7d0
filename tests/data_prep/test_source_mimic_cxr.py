import gzip

import pytest

from data_prep.rows import text_of
from data_prep.sources.mimic_cxr import INSTRUCTION, MimicCxr, findings
from tests.helpers.downloads import physionet as download
from tests.helpers.layouts import mimic_cxr as layout
from tests.helpers.layouts.jpeg import jpeg
from tests.helpers.readers import read_all

MAKES = [layout.make, layout.make_multimedeval, layout.make_apart]


@pytest.mark.parametrize("make", MAKES)
def test_a_study_is_one_sample_of_all_its_images(tmp_path, make):
    make(tmp_path)
    source = MimicCxr(path=str(tmp_path))
    samples, rejected, others = read_all(source)
    assert [sample.id for sample in samples] == ["mimic_cxr-50414267", "mimic_cxr-57375967"] and others == 2
    first = samples[0]
    folder = "p10/p10000032/s50414267"
    assert first.images == tuple(f"{folder}/{dicom_id}.jpg" for dicom_id in layout.IMAGES["50414267"])
    assert [part["type"] for part in first.messages[0]["content"]] == ["image", "image", "text"]
    assert text_of(first.messages).strip() == f"{INSTRUCTION}\nThere is no focal consolidation. COPD: ___."
    assert (first.group, first.task, first.modality) == ("mimic_cxr-10000032", "report", "x_ray")
    assert source.load(first.images[1]).data == jpeg(0)
    (lost,) = rejected
    assert lost.id == "mimic_cxr-50578979" and "s50578979.txt: no report of this study" in lost.detail


@pytest.mark.parametrize("make", MAKES)
def test_the_other_splits(tmp_path, make):
    make(tmp_path)
    ((sample,), _, _) = read_all(MimicCxr(path=str(tmp_path), split="test", instruction="Report."))
    assert text_of(sample.messages).strip() == "Report.\nThe tube ends above the carina."
    samples, (row,), others = read_all(MimicCxr(path=str(tmp_path), split="validation"))
    assert samples == [] and others == 4
    assert (row.id, row.reason) == ("mimic_cxr-53189527", "empty_answer")


def test_reports_may_be_in_a_folder_of_their_own(tmp_path):
    layout.make_apart(tmp_path)
    release = tmp_path / "physionet.org/files"
    keys = {"path": str(release / "mimic-cxr-jpg/2.1.0"), "reports": str(release / "mimic-cxr/2.1.0")}
    source = MimicCxr(**keys)
    assert read_all(source)[0] == read_all(MimicCxr(path=str(tmp_path)))[0]
    assert source.version() == "2.1.0" and "p10/p10000032/s50414267.txt" in source.inputs()
    (problem,) = MimicCxr(path=keys["path"]).problems()
    assert problem.startswith("reports: no report of the first 5 studies") and "mimic-cxr-reports.zip" in problem


def test_a_table_of_other_columns_is_a_problem(tmp_path):
    layout.make(tmp_path)
    (tmp_path / "mimic-cxr-2.0.0-split.csv.gz").write_bytes(gzip.compress(b"dicom_id,split\nx,train\n"))
    (problem,) = MimicCxr(path=str(tmp_path)).problems()
    assert "not a complete table of dicom_id, study_id, subject_id, split" in problem


def test_a_table_that_is_cut_off_is_a_problem(tmp_path):
    layout.make(tmp_path)
    table = tmp_path / "mimic-cxr-2.0.0-split.csv.gz"
    table.write_bytes(table.read_bytes()[:-12])
    (problem,) = MimicCxr(path=str(tmp_path)).problems()
    assert problem.startswith("path: ") and "download it again" in problem


@pytest.mark.parametrize(
    ("report", "found"),
    [
        (" FINDINGS:\n \n FRONTAL VIEW:  Clear.\n", "Clear."),
        (" CHEST, PA AND LATERAL:\n\n INDICATION:  Cough.\n\n PA VIEW:  Clear.\n IMPRESSION:  Fine.\n", "Clear."),
        (" FINDINGS:  Clear,\n as before: no change.\n NOTIFICATION:  Phoned.\n", "Clear, as before: no change."),
        (" COMPARISON CHEST:  None.\n FINDINGS:  Clear.\n", "Clear."),
        (" FINDINGS AND IMPRESSION:  Clear.\n", None),
        (" IMPRESSION:  Clear.\n", None),
        (" Findings: Clear.\n", None),
        ("", None),
    ],
)
def test_what_counts_as_findings(report, found):
    if found is None:
        with pytest.raises(ValueError, match="empty_answer"):
            findings(report)
    else:
        assert findings(report) == found


TREE = "physionet.org/files"


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(
    ("images", "reports"),
    [
        (f"{TREE}/mimic-cxr-jpg/2.1.0", f"{TREE}/mimic-cxr/2.1.0"),
        (f"{TREE}/mimic-cxr-jpg/2.1.0", f"{TREE}/mimic-cxr/2.1.0/mimic-cxr-reports"),
        (f"{TREE}/mimic-cxr-jpg/2.1.0", f"{TREE}/mimic-cxr/2.1.0/mimic-cxr-reports.zip"),
        (f"{TREE}/mimic-cxr-jpg/2.0.0", "mimic-cxr-reports"),
        ("mimic-cxr-jpg/2.1.0", "mimic-cxr-reports.zip"),
        ("mimic-cxr-jpg/2.0.0", "mimic-cxr/2.0.0/mimic-cxr-reports"),
        ("mimic-cxr-jpg", "mimic-cxr-reports"),
        ("", "mimic-cxr-reports"),
        ("mimic-cxr-jpg/2.1.0", "mimic-cxr-jpg/2.1.0/mimic-cxr-reports"),
    ],
)
def test_images_and_reports_are_found_in_the_trees_of_downloads(tmp_path, images, reports, packed):
    download.mimic_cxr(tmp_path, images, reports, packed)
    layout.make(tmp_path / "plain")
    source = MimicCxr(path=str(tmp_path))
    assert read_all(source)[0] == read_all(MimicCxr(path=str(tmp_path / "plain")))[0]
    assert all(source.load(name).data for sample in read_all(source)[0] for name in sample.images)
    assert f"{tmp_path}/{reports}" in source.form() and "split.csv" in source.form()
    assert source.version() == (images.rpartition("/")[2] if "/2." in images else "")


def test_a_tree_of_dicom_files_is_not_taken_for_the_reports(tmp_path):
    download.mimic_cxr(tmp_path)
    dicom = tmp_path / TREE / "mimic-cxr/2.1.0/files/p10/p10000032/s50414267/02aa804e.dcm"
    dicom.parent.mkdir(parents=True)
    dicom.touch()
    assert "mimic-cxr-reports/files" in MimicCxr(path=str(tmp_path)).form()


def test_a_table_of_another_name_and_images_without_reports(tmp_path):
    layout.write_images(tmp_path)
    (tmp_path / "mimic-cxr-2.0.0-split.csv.gz").rename(tmp_path / "mimic-cxr-2.1.0-split.csv.gz")
    source = MimicCxr(path=str(tmp_path))
    (problem,) = source.problems()
    assert problem.startswith("reports: no report of the first 5 studies")
    assert source.form() == f"{tmp_path}/mimic-cxr-2.1.0-split.csv.gz, images in files/ beside it"
    assert MimicCxr(path=str(tmp_path / "files")).form() == ""
