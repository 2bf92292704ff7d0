import pickle

import pytest

from data_prep.rows import LANGUAGES, REASONS, check
from data_prep.sources import reader
from data_prep.tables.table import Mark
from tests.helpers.layouts import path_vqa, pmc_oa, pmc_vqa, slake, vqa_rad
from tests.helpers.readers import read_all

LAYOUTS = {
    "vqa_rad": vqa_rad.make,
    "vqa_rad on the Hub": vqa_rad.make_hub,
    "path_vqa": path_vqa.make,
    "path_vqa on the Hub": path_vqa.make_hub,
    "slake": slake.make,
    "pmc_oa": pmc_oa.make,
    "pmc_vqa": pmc_vqa.make,
    "pmc_vqa, second release": pmc_vqa.make_second,
}


@pytest.fixture(params=LAYOUTS)
def source(request, tmp_path):
    name = request.param
    LAYOUTS[name](tmp_path)
    return reader(name.split()[0].strip(","))(path=str(tmp_path), name=name)


def test_every_sample_keeps_the_row_contract(source):
    samples, rejected, _ = read_all(source)
    assert len({sample.id for sample in samples}) == len(samples) > 0
    prefix = type(source).__module__.rpartition(".")[2]
    for sample in samples:
        assert sample.id.startswith(f"{prefix}-") and len(sample.images) == 1 and sample.licence
        check(sample.messages, len(sample.images))
        assert sample.language in LANGUAGES
    assert {row.reason for row in rejected} <= REASONS.keys()


def test_a_source_works_in_another_process(source):
    samples, _, _ = read_all(source)
    first = source.load(*samples[0].images)
    copy = pickle.loads(pickle.dumps(source))
    assert copy.load(*samples[0].images) == first
    assert read_all(copy)[0] == samples and copy.inputs() == source.inputs()


def test_a_slice_is_read_by_itself(source):
    for table in source.tables():
        marks = list(table.marks(1))
        pieces = [piece for mark in marks[:-1] for piece in table.rows(mark, 1)]
        assert pieces == list(table.rows(Mark(0, marks[0].offset), marks[-1].row))


def test_what_is_said_of_a_source(source):
    about = source.ABOUT
    assert about.title and "https://" in about.get and source.terms == about.licence and len(about.layout) >= 1
