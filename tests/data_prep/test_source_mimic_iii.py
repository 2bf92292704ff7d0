import pytest

from data_prep.rows import text_of
from data_prep.sources.mimic_iii import MimicIii, parts
from tests.helpers.layouts import mimic_iii as layout
from tests.helpers.readers import read_all


@pytest.fixture
def root(tmp_path):
    layout.make(tmp_path)
    return tmp_path


def test_findings_become_an_impression(root):
    samples, rejected, others = read_all(MimicIii(path=str(root)))
    assert [sample.id for sample in samples] == ["mimic_iii-174", "mimic_iii-175", "mimic_iii-176"]
    assert others == 2, "a plain film and a discharge summary are of another kind"
    assert text_of(samples[0].messages) == (
        "No bleed in ___'s head or neck.\nSummarize the findings.\n1. No bleed. 2. No mass."
    )
    assert text_of(samples[1].messages) == "Liver fine. Bladder fine.\nSummarize the findings.\nNormal."
    assert text_of(samples[2].messages) == "Straight.\nSummarize the findings.\nNormal."
    assert (samples[0].group, samples[0].task, samples[0].images) == ("mimic_iii-22532", "summary", ())
    assert {row.id: (row.reason, row.detail) for row in rejected} == {
        "mimic_iii-177": ("bad_row", "2 impressions instead of one"),
        "mimic_iii-178": ("empty_answer", "0 impressions instead of one"),
        "mimic_iii-179": ("empty_question", "the report has no findings"),
        "mimic_iii-180": ("bad_row", "no FINAL REPORT"),
        "mimic_iii-183": ("bad_row", "ISERROR is 1: a physician found the note to be an error"),
    }


@pytest.mark.parametrize(
    "listed", ["175\n176\n", "\ufeff175\r\n176", "ids,split\n175,test\n176,test\n", '"ROW_ID"\n"175"\n176\n']
)
def test_ids_part_the_splits(root, listed):
    (root / "ids.csv").write_text(listed)
    keys = {"path": str(root), "test_ids": str(root / "ids.csv")}
    tested, _, others = read_all(MimicIii(split="test", **keys))
    assert [sample.id for sample in tested] == ["mimic_iii-175", "mimic_iii-176"] and others == 8
    assert [sample.id for sample in read_all(MimicIii(**keys))[0]] == ["mimic_iii-174"]
    assert "ids.csv" in MimicIii(**keys).inputs()


@pytest.mark.parametrize(("listed", "what"), [("", "it has no ids"), ("17a\n", "'17a' is no ROW_ID")])
def test_a_list_of_ids_that_is_none(root, listed, what):
    (root / "ids.csv").write_text(listed)
    (problem,) = MimicIii(path=str(root), test_ids=str(root / "ids.csv")).problems()
    assert what in problem


def test_keys_that_do_not_fit(root):
    (problem,) = MimicIii(path=str(root), split="test").problems()
    assert problem.startswith("test_ids: this key is required for split: test")
    (problem,) = MimicIii(path=str(root), test_ids="gone").problems()
    assert problem == "test_ids: gone: there is no such file"


def test_a_packed_table_names_the_command(root):
    table = root / "physionet.org/files/mimiciii/1.4/NOTEEVENTS.csv"
    table.rename(f"{table}.gz")
    (problem,) = MimicIii(path=str(root)).problems()
    assert problem == f"path: {table}.gz is packed; unpack it with: gunzip -k {table}.gz"


@pytest.mark.parametrize(
    "description",
    ["CT BRAIN PERFUSION", "CTA NECK W&W/OC & RECONS", "CT SINUS CORONAL ONLY", "MR C-SPINE W& W/O CONTRAST",
     "P CTA CHEST W&W/O C&RECONS, NON-CORONARY PORT", "CT ABD&PELVIS W/C COLON TECHNIQUE", "MRV PELVIS W/O CONTRAST",
     "MR-ANGIO HEAD", "MRI SOFT TISUUE NECK, W/O CONTRAST", "PORTABLE HEAD CT W/O CONTRAST", "MRA LUMBAR SPINE"],
)  # fmt: skip
def test_descriptions_of_multimedeval_s_groups_are_taken(root, description):
    row = {"ROW_ID": "1", "DESCRIPTION": description, "TEXT": layout.NOTES["174"][1]}
    assert MimicIii(path=str(root)).sample("x", row).task == "summary"


@pytest.mark.parametrize(
    "description", ["CHEST (PA & LAT)", "CT GUIDED NEEDLE PLACTMENT", "US ABD LIMIT, SINGLE ORGAN", "Nursing"]
)
def test_other_descriptions_are_not(root, description):
    row = {"ROW_ID": "1", "DESCRIPTION": description, "TEXT": layout.NOTES["174"][1]}
    assert MimicIii(path=str(root)).sample("x", row) is None


def test_what_stands_before_the_final_report_is_not_read():
    text = " FINDINGS:  Wet.\n IMPRESSION:  Wet.\n FINAL REPORT\n FINDINGS:  Dry.\n\n IMPRESSION:  Dry.\n"
    assert parts(text) == ("Dry.", "Dry.")
