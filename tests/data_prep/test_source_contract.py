import pickle

import pytest

from data_prep.rows import LANGUAGES, REASONS, check
from data_prep.sources import reader
from data_prep.sources.labels import TASKS
from data_prep.tables.table import Mark
from tests.helpers.layouts import bimed_mbench, medmcqa, medqa, mimic_cxr, mimic_iii, mmlu, pubmedqa, uphill
from tests.helpers.readers import read_all

LAYOUTS = {
    "medmcqa": (medmcqa.make, {}),
    "medmcqa original": (medmcqa.make_original, {}),
    "medqa": (medqa.make, {}),
    "medqa hub": (medqa.make_hub, {}),
    "pubmedqa": (pubmedqa.make, {}),
    "pubmedqa hub": (pubmedqa.make_hub, {"part": "unlabeled"}),
    "mimic_cxr": (mimic_cxr.make, {}),
    "mimic_cxr multimedeval": (mimic_cxr.make_multimedeval, {}),
    "mimic_cxr apart": (mimic_cxr.make_apart, {}),
    "mimic_iii": (mimic_iii.make, {}),
    "bimed_mbench": (bimed_mbench.make, {"language": "ar"}),
    "mmlu": (mmlu.make, {}),
    "mmlu hub": (mmlu.make_hub, {}),
    "uphill": (uphill.make, {}),
}


@pytest.fixture(params=LAYOUTS)
def source(request, tmp_path):
    make, keys = LAYOUTS[request.param]
    make(tmp_path)
    return reader(request.param.split()[0])(path=str(tmp_path), name=request.param, **keys)


def test_every_sample_keeps_the_row_contract(source):
    samples, rejected, _ = read_all(source)
    assert len({sample.id for sample in samples}) == len(samples) > 0
    prefix = type(source).__module__.rpartition(".")[2]
    for sample in samples:
        assert sample.id.startswith(f"{prefix}-") and sample.task in TASKS and sample.language in LANGUAGES
        assert sample.licence == source.terms == source.ABOUT.licence
        assert (sample.modality == "text") == (not sample.images)
        check(sample.messages, len(sample.images))
        assert all(source.load(name).data for name in sample.images)
    assert {row.reason for row in rejected} <= REASONS.keys()


def test_a_source_works_in_another_process(source):
    samples, _, _ = read_all(source)
    copy = pickle.loads(pickle.dumps(source))
    assert read_all(copy)[0] == samples and copy.inputs() == source.inputs()
    assert all(copy.load(name) == source.load(name) for sample in samples for name in sample.images)


def test_a_slice_is_read_by_itself(source):
    for table in source.tables():
        marks = list(table.marks(1))
        pieces = [piece for mark in marks[:-1] for piece in table.rows(mark, 1)]
        assert pieces == list(table.rows(Mark(0, marks[0].offset), marks[-1].row))


def test_an_empty_folder_is_one_problem(source, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    keys = {"path": str(empty), "split": source.split}
    (problem,) = type(source)(**keys).problems()
    assert problem.startswith(f"path: {empty} has none of ")
    (problem,) = type(source)(**keys | {"path": f"{empty}/gone"}).problems()
    assert problem == f"path: {empty}/gone: there is no such folder"


def test_an_unknown_split_is_one_problem(source):
    keys = {"path": source.path, "split": "training"}
    (problem,) = type(source)(**keys).problems()
    assert problem.startswith("split: 'training'; known: ")


def test_a_table_that_changes_changes_the_inputs(source, tmp_path):
    before = source.inputs()
    assert not any(str(tmp_path) in name for name in before), "the same files elsewhere are the same inputs"
    for table in source.tables():
        changed = source.inputs()
        table.path.write_bytes(table.path.read_bytes() + b"\n")
        assert source.inputs() != changed and source.inputs().keys() == before.keys()
