import hashlib
import io
import json
import pickle

import pytest
from PIL import Image

from data_prep.images.dicom_pixels import decode
from data_prep.rows import Reject
from data_prep.sources.dicom import Dicom
from tests.helpers.layouts import dicom as layout
from tests.helpers.readers import read_all


def source(root, *lines, **keys):
    table = root / "table.jsonl"
    table.write_text("".join(json.dumps({"question": "What?", "answer": "a scan"} | line) + "\n" for line in lines))
    return Dicom(**{"folder": str(root / "study"), "table": str(table), "licence": "MIT", "name": "ct"} | keys)


@pytest.fixture
def study(tmp_path):
    layout.make(tmp_path)
    return tmp_path


def test_an_image_s_name_tells_file_frame_and_window(study):
    lines = [
        {"id": "plain", "file": "series/1.dcm"},
        {"id": "window", "file": "series/1.dcm", "window": [100, 50], "frame": 0},
        {"id": "صورة", "file": "{x}.dcm", "frame": None},
        {"file": "series/1.dcm", "frame": 1},
    ]
    samples, rejected, _ = read_all(source(study, *lines))
    assert rejected == [] and [sample.id for sample in samples] == ["ct-plain", "ct-window", "ct-صورة", "ct-line-4"]
    assert [sample.images[0] for sample in samples] == [
        "series/1.dcm",
        '{"file": "series/1.dcm", "frame": 0, "window": [100, 50]}',
        '{"file": "{x}.dcm"}',
        '{"file": "series/1.dcm", "frame": 1}',
    ]
    reader = pickle.loads(pickle.dumps(source(study, *lines)))
    notes = [reader.load(samples[number].images[0]).note for number in (0, 1)]
    assert notes[0].startswith("frame 1 of 2, percentiles") and notes[1] == "frame 0 of 2, window 100 50"
    with pytest.raises(Reject, match="missing_image"):
        reader.load(samples[2].images[0])
    loaded = reader.load(samples[1].images[0]).data
    wanted = decode(study / "study/series/1.dcm", 0, window=(100, 50)).image
    assert Image.open(io.BytesIO(loaded)).tobytes() == wanted.tobytes()


def test_a_row_may_say_what_the_mixture_says_for_all(study):
    own = {
        "id": "own",
        "file": "series/1.dcm",
        "language": "ar",
        "answer": "صورة",
        "task": "vqa_short",
        "modality": "mri",
    }
    samples, _, _ = read_all(source(study, {"id": "all", "file": "series/1.dcm"}, own, modality="ct", id_prefix="a/"))
    assert [(one.id, one.language, one.task, one.modality) for one in samples] == [
        ("a/all", "en", "vqa_open", "ct"),
        ("a/own", "ar", "vqa_short", "mri"),
    ]


def test_0_is_an_id_and_null_is_none(study):
    samples, _, _ = read_all(source(study, *({"id": value, "file": "series/1.dcm"} for value in (0, None, ""))))
    assert [sample.id for sample in samples] == ["ct-0", "ct-line-2", "ct-line-3"]


@pytest.mark.parametrize(
    "line",
    [
        {"window": [100]},
        {"window": [100, 0]},
        {"window": "100"},
        {"frame": "1"},
        {"frame": True},
        {"file": None},
        {"file": ""},
        {"question": None},
        {"answer": {}},
    ],
)
def test_a_row_that_names_no_image_or_question_is_rejected(study, line):
    samples, (rejected,), _ = read_all(source(study, {"id": "x", "file": "series/1.dcm"} | line))
    assert samples == [] and (rejected.id, rejected.reason) == ("ct-x", "bad_row")
    assert repr(next(iter(line))) in rejected.detail


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"file": "sr.dcm"}, "no_pixels"),
        ({"file": "series/1.dcm", "frame": 2}, "undecodable_image"),
        ({"file": "../table.jsonl"}, "missing_image"),
        ({"file": "/etc/hostname", "frame": 0}, "missing_image"),
        ({"file": "series"}, "undecodable_image"),
    ],
)
def test_an_image_that_cannot_be_had_has_its_reason(study, line, reason):
    reader = source(study, line)
    ((sample,), _, _) = read_all(reader)
    with pytest.raises(Reject) as caught:
        reader.load(sample.images[0])
    assert caught.value.reason == reason


def test_the_header_s_patient_is_not_in_the_image(study):
    loaded = source(study).load("series/1.dcm")
    assert b"4711" in (study / "study/series/1.dcm").read_bytes()
    assert b"4711" not in loaded.data and "4711" not in loaded.note


def test_the_hash_of_the_file_as_it_came_is_the_dicom_file_s(study):
    loaded = source(study).load("series/1.dcm")
    assert loaded.file_sha256 == hashlib.sha256((study / "study/series/1.dcm").read_bytes()).hexdigest()


def test_the_source_s_own_keys_are_checked(study):
    assert source(study).problems() == []
    assert {"series/1.dcm", "sr.dcm"} < source(study).inputs().keys()
    assert source(study, language="fr").problems() == ["language: 'fr'; known: en, ar"]
    assert source(study, licence="").problems() == ["licence: this key is required: the terms of your own files"]
    assert source(study, folder=f"{study}/no", table=f"{study}/no.json").problems() == [
        f"folder: {study}/no: there is no such folder",
        f"table: {study}/no.json: there is no such file",
    ]
