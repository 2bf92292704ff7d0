import pytest

from data_prep.rows import text_of
from data_prep.sources.pubmedqa import Pubmedqa
from data_prep.tables.table import TableError
from tests.helpers.layouts import hub_forms, nested
from tests.helpers.layouts import pubmedqa as layout
from tests.helpers.readers import read_all

ABSTRACT = "Programmed cell death is regulated.\nThe roles were investigated in vitro: p < 0.001."
LONG = "Results depicted mitochondrial dynamics — in vivo."


@pytest.mark.parametrize("hub", [False, True])
@pytest.mark.parametrize(("split", "pmids"), [("train", ["21645374", "16418930"]), ("test", ["9488747"])])
def test_the_labelled_part_is_split_by_the_list_of_the_benchmark(tmp_path, hub, split, pmids):
    layout.make(tmp_path / "repository")
    layout.make_hub(tmp_path / "hub")
    keys = {"part": "labeled", "split": split, "path": str(tmp_path / "repository")}
    if hub:
        keys |= {"test_ids": f"{keys['path']}/data/test_ground_truth.json", "path": str(tmp_path / "hub")}
    source = Pubmedqa(**keys)
    samples, rejected, others = read_all(source)
    assert [sample.id for sample in samples] == [f"pubmedqa-{pmid}" for pmid in pmids]
    assert others == 3 - len(pmids) and rejected == []
    decision = layout.LABELED[pmids[0]]
    question = f"Do mitochondria play a role in {pmids[0]}?"
    assert text_of(samples[0].messages) == f"{ABSTRACT}\n\n{question}\n{decision}\n\n{LONG}"
    assert "test_ground_truth.json" in source.inputs()


def test_the_other_parts(tmp_path):
    layout.make(tmp_path)
    samples, (lost,), _ = read_all(Pubmedqa(path=str(tmp_path)))
    assert [sample.id for sample in samples] == ["pubmedqa-25571931"] and samples[0].task == "text_qa"
    assert lost.reason == "bad_json" and "1: str instead of an object" in lost.detail
    ((sample,), _, _) = read_all(Pubmedqa(path=str(tmp_path), part="unlabeled"))
    assert text_of(sample.messages[1:]) == LONG


def test_an_artificial_row_without_its_decision_is_rejected(tmp_path):
    layout.make(tmp_path)
    (tmp_path / "ori_pqau.json").rename(tmp_path / "ori_pqaa.json")
    _, (row,), _ = read_all(Pubmedqa(path=str(tmp_path)))
    assert row.reason == "bad_row" and "final_decision" in row.detail


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"part": "labelled"}, "part: 'labelled'; known: artificial, labeled, unlabeled"),
        ({"split": "test"}, "split: part artificial has no test split; wanted: part: labeled"),
        ({"part": "labeled", "test_ids": "gone.json"}, "test_ids: gone.json: there is no such file"),
        ({"part": "labeled"}, "test_ids: {path} has none of"),
    ],
)
def test_keys_that_do_not_fit(tmp_path, keys, problem):
    layout.make_hub(tmp_path)
    (found,) = Pubmedqa(path=str(tmp_path), **keys).problems()
    assert found.startswith(problem.format(path=tmp_path))


def test_a_file_that_is_cut_off_is_named(tmp_path):
    layout.make(tmp_path)
    file = tmp_path / "ori_pqaa.json"
    file.write_text(file.read_text()[:-20])
    (table,) = Pubmedqa(path=str(tmp_path)).tables()
    with pytest.raises(TableError, match=r"ori_pqaa.json: not a complete JSON object .*; download it again"):
        list(table.marks(10))


@pytest.mark.parametrize(("split", "names"), [("train", ["train", "validation"]), ("test", ["test"])])
@pytest.mark.parametrize("form", ["snapshot", "converted_cache", "saved"])
def test_nested_rows_are_split_by_their_files(tmp_path, form, split, names):
    nested.make_pubmedqa(tmp_path / "plain")
    files = {name: f"data/{name}-*.parquet" for name in ("train", "validation", "test")}
    splits = hub_forms.loaded(tmp_path / "plain", tmp_path / "cache", **files)
    hub_forms.write(form, tmp_path / "there", splits, shards=1)
    samples, rejected, others = read_all(Pubmedqa(path=str(tmp_path / "there"), part="labeled", split=split))
    assert [text_of(sample.messages).splitlines()[-1] for sample in samples] == [f"They do so in {n}." for n in names]
    assert text_of(samples[0].messages).startswith("Cells die.\nWe looked.\n\nDo cells die in ")
    assert (rejected, others) == ([], 0)


def test_a_saved_part_is_still_split_by_the_list_of_the_benchmark(tmp_path):
    layout.make_hub(tmp_path / "plain")
    splits = hub_forms.loaded(tmp_path / "plain", tmp_path / "cache", "pqa_labeled", train="pqa_labeled/*.parquet")
    hub_forms.write("saved", tmp_path / "there", splits, shards=1)
    (problem,) = Pubmedqa(path=str(tmp_path / "there"), part="labeled").problems()
    assert problem.startswith("test_ids: ")
    layout.make(tmp_path / "repository")
    listed = str(tmp_path / "repository/data/test_ground_truth.json")
    for split, count in (("train", 2), ("test", 1)):
        source = Pubmedqa(path=str(tmp_path / "there"), part="labeled", split=split, test_ids=listed)
        assert len(read_all(source)[0]) == count
    assert "has none of" in Pubmedqa(path=str(tmp_path / "there"), part="artificial").problems()[0]
