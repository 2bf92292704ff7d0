"""The names of figures, articles and records that a row comes from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.rows import Sample
from data_prep.sources import reader
from data_prep.text.documents import documents
from tests.helpers.layouts import bimed_mbench, llava_med, pmc_oa, pmc_vqa, pubmedqa, slake, vqa_rad
from tests.helpers.readers import read_all


def names(row_id="r", *images, group="", parent=None):
    return documents(Sample(row_id, "en", "vqa", "ct", [], "MIT", images, group, parent))


@pytest.mark.parametrize(
    ("image", "found"),
    [
        ("PMC123_Fig2.jpg", ["figure:PMC123_Fig2", "pmc:PMC123"]),
        ("figures/PMC123_Fig2_1.jpg", ["figure:PMC123_Fig2", "pmc:PMC123"]),
        ("PMC1064097_F1.jpg", ["figure:PMC1064097_F1", "pmc:PMC1064097"]),
        ("29145864_F4.jpg", ["figure:29145864_F4", "pmid:29145864"]),
        ("32867401_materials-13-03795-f015.jpg", ["figure:32867401_materials-13-03795-f015", "pmid:32867401"]),
        ("synpic54610.jpg", ["figure:synpic54610"]),
        ("xmlab1/source.jpg", ["figure:xmlab1"]),
        ("xmlab1_source.jpg", ["figure:xmlab1"]),
        ("1_2.png", []),
        ("train-00000-of-00001.parquet#7", []),
        ("", []),
        ("scan.PMC1.dcm", []),
    ],
)
def test_an_image_names_its_figure_and_article(image, found):
    assert names("r", image) == found


@pytest.mark.parametrize(
    ("row_id", "found"),
    [
        ("pubmedqa-21645374", ["pmid:21645374"]),
        ("pubmedqa-21645374-ar", ["pmid:21645374"]),
        ("pubmedqa-unlabeled-item-3", []),
        ("vqa_rad-12", ["vqa_rad:12"]),
        ("vqa_rad-test-0-3", []),
        ("slake-11934", ["slake:11934"]),
        ("my_slake-1", []),
    ],
)
def test_an_id_names_its_record_and_so_does_a_parent(row_id, found):
    assert names(row_id) == names("r", parent=row_id) == found


def test_a_row_of_several_names_has_each_once():
    found = names("pubmedqa-5", "PMC7_Fig1_2.jpg", "PMC7_Fig1_3.jpg", group="PMC7", parent="pubmedqa-5")
    assert found == ["figure:PMC7_Fig1", "pmc:PMC7", "pmid:5"]


@given(st.text(), st.lists(st.text(), max_size=2), st.text(), st.none() | st.text())
def test_any_text_is_read(row_id, images, group, parent):
    assert all(":" in name for name in names(row_id, *images, group=group, parent=parent))


@pytest.mark.parametrize(
    ("layout", "source", "keys", "wanted"),
    [
        (pmc_oa, "pmc_oa", {}, "figure:PMC212319_Fig3"),
        (pmc_vqa, "pmc_vqa", {}, "pmc:PMC1064097"),
        (llava_med, "llava_med", {"path": "instruct/llava_med_instruct_10k.json"}, "figure:29145864_F4"),
        (bimed_mbench, "bimed_mbench", {}, "figure:18063892_F3"),
        (pubmedqa, "pubmedqa", {}, "pmid:25571931"),
        (vqa_rad, "vqa_rad", {}, "figure:synpic54610"),
        (slake, "slake", {}, "slake:0"),
    ],
)
def test_the_readers_rows_have_names(tmp_path, layout, source, keys, wanted):
    layout.make(tmp_path)
    images = {"images": str(tmp_path / "images")} if source == "llava_med" else {}
    made = reader(source)(path=str(tmp_path / keys.get("path", "")), **images)
    assert wanted in {name for sample in read_all(made)[0] for name in documents(sample)}
