import pickle

import pytest

from data_prep.rows import LANGUAGES, Reject, check
from data_prep.sources import quickstart
from data_prep.sources.labels import TASKS
from data_prep.sources.quickstart import FOLDER, Quickstart, image_path, listed_images
from tests.helpers.readers import read_all

QUESTIONS = sorted(path.name for path in FOLDER.glob("*.jsonl"))
ENTRIES = {entry["name"]: entry for entry in listed_images()}


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_row_is_a_sample_of_the_row_contract(name):
    samples, rejected, others = read_all(Quickstart(questions=[name]))
    assert rejected == [] and others == 0 and len({sample.id for sample in samples}) == len(samples) > 0
    for sample in samples:
        check(sample.messages, len(sample.images))
        assert sample.language in LANGUAGES and sample.task in TASKS and ENTRIES.keys() >= {*sample.images}
        assert "Apache-2.0" in sample.licence.split(" AND ")
        assert all(ENTRIES[image]["licence"] in sample.licence for image in sample.images)


def test_only_listed_images_are_read_and_none_of_the_unfit(monkeypatch):
    opened = set()

    def recorded(entry):
        opened.add(entry["name"])
        return image_path(entry)

    monkeypatch.setattr(quickstart, "image_path", recorded)
    source = Quickstart(questions=QUESTIONS)
    for image in {image for sample in read_all(source)[0] for image in sample.images}:
        assert source.load(image).data and source.has_image(image)
    source.inputs()
    assert opened == ENTRIES.keys()
    for entry in ENTRIES.values():
        assert not any(word in entry["file"] for word in ("RG3", "MR2", "explicit_VR-UN", "bad_sequence")), entry


def test_dicom_is_cropped_and_anything_else_is_the_file_itself():
    source = pickle.loads(pickle.dumps(Quickstart(questions=["vqa.jsonl"])))
    for name, entry in ENTRIES.items():
        loaded = source.load(name)
        if entry["file"].endswith(".dcm"):
            assert loaded.note.startswith("frame ") and ("crop" in loaded.note) == ("crop" in entry)
        else:
            assert loaded.data == image_path(entry).read_bytes() and loaded.note == ""


def test_the_inputs_are_the_questions_the_list_and_the_images():
    source = Quickstart(questions=["vqa.jsonl"])
    assert {"vqa.jsonl", "images.yml"} | {
        image_path(entry).name for entry in ENTRIES.values()
    } == source.inputs().keys()
    assert "pydicom-data " in source.version()


def test_a_missing_package_is_named(monkeypatch):
    entry = {"name": "x", "package": "no-such-package", "file": "x.png", "licence": "MIT", "modality": "ct"}
    monkeypatch.setattr(quickstart, "listed_images", lambda: [entry])
    (problem,) = Quickstart(questions=["vqa.jsonl"]).problems()
    assert problem == "image x: install no-such-package: pip install 'bimedix2[quickstart]'"
    entry |= {"package": "scikit-image", "file": "gone.png"}
    source = Quickstart(questions=["vqa.json"])
    assert "no 'vqa.json'; known: captions.jsonl" in source.problems()[0]
    assert "scikit-image has no gone.png; reinstall it" in source.problems()[1]
    with pytest.raises(Reject, match=r"missing_image: .*reinstall scikit-image"):
        source.load("x")
