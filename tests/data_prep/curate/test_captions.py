"""A caption is that of the row's own image, or there is none."""

import json

import pytest

from data_prep.curate.captions import Captions
from data_prep.curate.items import Item
from data_prep.rows import Sample
from data_prep.sources.source import vqa
from data_prep.tables.table import TableError


def captions(tmp_path, *rows, start=""):
    path = tmp_path / "captions.jsonl"
    path.write_text(start + "\n".join(map(json.dumps, rows)), encoding="utf-8")
    return Captions(path)


def caption_of(read, image="", row_id="r", task="vqa_open"):
    sample = Sample(row_id, "en", task, "ct", vqa("What?", "A scan."), "MIT", (image,) if image else ())
    return read.context(Item(0, "s", "train", sample)).get("caption")


def test_a_caption_is_found_by_the_images_path_its_name_or_the_rows_id(tmp_path):
    rows = [{"image": "train/ROCO_1.jpg", "caption": "One."}, {"pair_id": "3_F1", "fig_caption": "Two."}]
    read = captions(tmp_path, *rows, {"id": 7, "caption": "Seven."}, start="\ufeff")
    assert caption_of(read, "train/ROCO_1.jpg") == caption_of(read, "ROCO_1.png") == "One."
    assert caption_of(read, "0f3a", "llava_med-alignment-500k-3_F1") == "Two."
    assert caption_of(read, "0f3a", "messages-7") == "Seven."
    assert caption_of(read, "other.jpg") is None


def test_images_of_one_name_in_several_folders_have_their_own_captions(tmp_path):
    read = captions(tmp_path, *({"image": f"xmlab{n}/source.jpg", "caption": f"Number {n}."} for n in (1, 2)))
    assert caption_of(read, "xmlab1/source.jpg") == "Number 1." and caption_of(read, "xmlab2/source.jpg") == "Number 2."
    assert caption_of(read, "source.jpg") is None


def test_a_dot_in_a_name_is_no_suffix(tmp_path):
    read = captions(tmp_path, *({"id": f"10.{n}_fig1", "caption": f"Number {n}."} for n in (1007, 1016)))
    assert caption_of(read, row_id="messages-10.1007_fig1") == "Number 1007."


def test_two_captions_of_one_image_are_an_error_and_the_same_twice_is_not(tmp_path):
    row = {"id": "a", "caption": "One."}
    assert caption_of(captions(tmp_path, row, row), "a.png") == "One."
    with pytest.raises(TableError, match="line 2: line 1 has another caption of a; keep one"):
        captions(tmp_path, row, row | {"caption": "Two."})


def test_a_file_without_a_caption_is_an_error(tmp_path):
    with pytest.raises(TableError, match="no row has one of pair_id, image, id and one of fig_caption, caption"):
        captions(tmp_path, {"name": "a", "text": "One."})


def test_without_a_file_a_caption_row_is_its_own_caption():
    assert caption_of(Captions(), "a.png", task="caption") == "A scan." and caption_of(Captions(), "a.png") is None
