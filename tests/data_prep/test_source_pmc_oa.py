import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.rows import Reject, text_of
from data_prep.sources.pmc_oa import INSTRUCTIONS, PmcOa, instruction
from tests.helpers.downloads import pmc as download
from tests.helpers.layouts import pmc_oa as layout
from tests.helpers.layouts.jpeg import jpeg, save
from tests.helpers.readers import read_all


@pytest.fixture
def root(tmp_path):
    layout.make(tmp_path)
    return tmp_path


def test_a_caption_answers_a_short_instruction(root):
    samples, rejected, others = read_all(PmcOa(path=str(root)))
    assert [sample.id for sample in samples[:2]] == ["pmc_oa-PMC212319_Fig3_4", "pmc_oa-PMC212319_Fig3_5"]
    asked, caption = (text_of([message]).strip() for message in samples[1].messages)
    assert asked in INSTRUCTIONS and caption == "CT of the chest."
    assert {(sample.task, sample.language, sample.modality) for sample in samples} == {("caption", "en", "unknown")}
    assert {row.id: row.reason for row in rejected} == {
        "pmc_oa-PMC2_Fig1_0": "empty_answer",
        "pmc_oa-PMC3_Fig1_0": "bad_row",
    }
    assert others == 0


def test_a_row_without_an_image_is_named_by_its_place(root):
    assert PmcOa(path=str(root)).row_id("line 3", {"image": None}).endswith("-line-3")


def test_figures_of_one_article_are_one_group(root):
    samples = read_all(PmcOa(path=str(root)))[0]
    assert [sample.group for sample in samples] == ["PMC212319", "PMC212319", "PMC99", "PMC1"]


@given(st.text())
def test_the_instruction_of_a_row_never_changes(row_id):
    assert instruction(row_id) == instruction(row_id) in INSTRUCTIONS


def test_every_instruction_is_used():
    assert {instruction(f"pmc_oa-{number}") for number in range(200)} == set(INSTRUCTIONS)


@pytest.mark.parametrize("folder", ["", f"images/{layout.MEMBERS}", layout.MEMBERS, "images"])
def test_the_images_in_the_archive_and_unpacked(root, folder):
    if folder:
        (root / "images.zip").unlink()
        for seed, name in enumerate(layout.FIGURES):
            save(root / folder / name, seed)
    source = PmcOa(path=str(root))
    assert source.image_folder().paths == (root / (folder or "images.zip"),)
    samples = read_all(source)[0]
    assert [source.load(*sample.images).data for sample in samples[:3]] == [jpeg(seed) for seed in range(3)]
    with pytest.raises(Reject, match="missing_image"):
        source.load(*samples[3].images)


def test_the_beta_table_has_ids_of_its_own(root, tmp_path):
    layout.make(tmp_path, "pmc_oa_beta.jsonl")
    assert "choose one: pmc_oa.jsonl or pmc_oa_beta.jsonl" in PmcOa(path=str(root)).problems()[0]
    samples = read_all(PmcOa(path=str(root), file="pmc_oa_beta.jsonl"))[0]
    assert samples[0].id == "pmc_oa_beta-PMC212319_Fig3_4"
    (root / "pmc_oa.jsonl").unlink()
    assert read_all(PmcOa(path=str(root)))[0] == samples


def test_problems(tmp_path):
    found = PmcOa(path=str(tmp_path)).problems()
    assert ["pmc_oa_beta.jsonl" in found[0], "images.zip" in found[1], len(found)] == [True, True, 2]
    assert "file: 'a.jsonl'; known: pmc_oa.jsonl" in PmcOa(path=str(tmp_path), file="a.jsonl").problems()[0]


@pytest.mark.parametrize("file", ["pmc_oa.jsonl", "pmc_oa_beta.jsonl"])
def test_either_table_of_the_complete_repository(tmp_path, file):
    download.pmc_oa(tmp_path)
    source = PmcOa(path=str(tmp_path), file=file)
    samples, rejected, _ = read_all(source)
    assert len(samples) == 4 and rejected == []
    assert source.load(*samples[3].images).data == jpeg(1323)
    assert source.form().startswith(file) and source.form().endswith("images.zip")
    assert "choose one" in PmcOa(path=str(tmp_path)).problems()[0]


@pytest.mark.parametrize(("split", "first"), [("", 0), ("train", 0), ("validation", 4), ("test", 8)])
def test_the_first_revision_has_splits(tmp_path, split, first):
    download.pmc_oa(tmp_path, first=True)
    source = PmcOa(path=str(tmp_path), split=split)
    samples, rejected, _ = read_all(source)
    assert [sample.images[0] for sample in samples] == [f"PMC{first + n}_Fig1_0.jpg" for n in range(4)]
    name = {"": "train", "validation": "valid"}.get(split, split)
    assert samples[0].id == f"pmc_oa-{name}-PMC{first}_Fig1_0" and rejected == []
    assert source.load(*samples[0].images).data == jpeg(1320 + first)
    assert source.form().startswith(f"{name}.jsonl")


def test_where_both_revisions_are_there_the_newer_is_read_and_that_is_said(tmp_path):
    download.pmc_oa(tmp_path, first=True)
    layout.make(tmp_path)
    source = PmcOa(path=str(tmp_path))
    assert read_all(source)[0][0].id == "pmc_oa-PMC212319_Fig3_4"
    (note,) = source.notes()
    assert note.endswith("holds pmc_oa.jsonl, train.jsonl, valid.jsonl, test.jsonl; pmc_oa.jsonl is read")
    assert read_all(PmcOa(path=str(tmp_path), split="test"))[0][0].id == "pmc_oa-test-PMC8_Fig1_0"


def test_a_wrong_split(root):
    assert PmcOa(path=str(root), split="val").problems() == ["split: 'val'; known: train, validation, test"]
    (problem,) = PmcOa(path=str(root), split="test").problems()
    assert problem == f"path: {root} has none of test.jsonl"
    (problem,) = PmcOa(path=str(root), split="test", file="pmc_oa.jsonl").problems()
    assert problem == "split: pmc_oa.jsonl has no splits; leave out `split` or `file`"


def test_a_half_unpacked_folder_of_figures(root):
    save(root / "images" / layout.MEMBERS / layout.FIGURES[0], 9)
    source = PmcOa(path=str(root))
    samples = read_all(source)[0]
    assert [source.load(*sample.images).data for sample in samples[:3]] == [jpeg(9), jpeg(1), jpeg(2)]
    assert source.image_folder().paths == (root / "images" / layout.MEMBERS, root / "images.zip")
