"""The reader of LLaVA-Med's training sets."""

import pickle
import zipfile

import pytest

from data_prep.rows import Reject, check
from data_prep.sources.llava_med import LlavaMed, article
from tests.helpers.layouts import llava_med
from tests.helpers.layouts.llava_med import GONE, PAIRS
from tests.helpers.readers import read_all

INSTRUCT = "instruct/llava_med_instruct_60k_inline_mention.json"
ALIGNMENT = "alignment/llava_med_alignment_500k.json"


@pytest.fixture
def root(tmp_path):
    llava_med.make(tmp_path)
    return tmp_path


def source(root, table=INSTRUCT, urls="llava_med_image_urls.jsonl", **keys):
    listed = str(root / urls) if urls else ""
    return LlavaMed(**{"path": str(root / table), "images": str(root / "images"), "urls": listed, **keys})


def test_instruct(root):
    reader = source(root)
    samples, rejected, others = read_all(reader)
    assert (rejected, others, len(samples)) == ([], 0, 5)
    first, second, third = samples[:3]
    assert first.id == f"llava_med-instruct_60k_inline_mention-{PAIRS[0]}"
    assert [message["role"] for message in first.messages] == ["user", "assistant"] * 2
    assert [part["type"] for part in second.messages[0]["content"]] == ["text", "image"]
    assert [sample.modality for sample in samples] == ["ct", "x_ray", "unknown", "gross", "unknown"]
    assert {(sample.task, sample.language, sample.licence) for sample in samples} == {
        ("conversation", "en", "CC-BY-NC-4.0")
    }
    assert (first.group, second.group, third.group) == ("PMID29145864", "PMID32867401", "PMID18063892")
    check(first.messages, len(first.images))
    assert reader.load(first.images[0]).data.startswith(b"\xff\xd8")


def test_alignment_with_the_misspelt_key_gives_captions(root):
    samples, rejected, _ = read_all(source(root, ALIGNMENT))
    assert not rejected and [sample.id for sample in samples] == [
        f"llava_med-alignment_500k-{pair}" for pair in (*PAIRS, GONE)
    ]
    assert {sample.task for sample in samples} == {"caption"}
    assert [part["text"] for part in samples[0].messages[0]["content"]] == ["Describe the image.", None]
    assert read_all(source(root, ALIGNMENT, stage="instruct"))[0][0].task == "conversation"


def test_the_parts_have_pairs_in_common_and_no_id(root):
    tables = (INSTRUCT, ALIGNMENT, "instruct/llava_med_instruct_10k.json")
    ids = [{sample.id for sample in read_all(source(root, table))[0]} for table in tables]
    assert len(set.union(*ids)) == sum(map(len, ids))


@pytest.mark.parametrize("urls", ["", "llava_med_image_urls.jsonl"])
def test_a_missing_image_is_named_with_the_archive_that_it_is_in(root, urls):
    reader = pickle.loads(pickle.dumps(source(root, urls=urls)))
    with pytest.raises(Reject) as caught:
        reader.load(f"{GONE}.jpg")
    assert caught.value.reason == "missing_image" and GONE in caught.value.detail
    archive = f"it is PMC180638/{GONE}.jpg in https://ftp.example.org/pub/pmc/oa_package/PMC180638.tar.gz"
    assert (archive in caught.value.detail) == bool(urls)


def test_other_faults_do_not_name_an_archive(root):
    with zipfile.ZipFile(root / "images.zip", "w") as archive:
        archive.writestr(f"{PAIRS[0]}.jpg", "pixels")
    broken = (root / "images.zip").read_bytes().replace(b"pixels", b"piXels")
    (root / "images.zip").write_bytes(broken)
    reader = source(root, images=str(root / "images.zip"))
    for name, reason in (("never_listed.jpg", "missing_image"), (f"{PAIRS[0]}.jpg", "undecodable_image")):
        with pytest.raises(Reject) as caught:
            reader.load(name)
        assert caught.value.reason == reason and "tar.gz" not in caught.value.detail


def test_a_bad_line_among_the_archives_is_passed_over(root):
    with (root / "llava_med_image_urls.jsonl").open("a") as file:
        file.write("{cut off\n[]\n{}\n")
    with pytest.raises(Reject, match=r"tar\.gz"):
        source(root).load(f"{GONE}.jpg")


def test_inputs_change_with_the_table_the_archives_and_the_images(root):
    before = source(root).inputs()
    assert len(before) == 4
    for name in (INSTRUCT, "llava_med_image_urls.jsonl", f"images/{PAIRS[0]}.jpg"):
        with (root / name).open("ab") as file:
            file.write(b"\n")
        after = source(root).inputs()
        assert sum(before[key] != after[key] for key in before) == 1
        before = after


def test_all_problems_are_found_at_once(tmp_path):
    found = source(tmp_path, stage="align500k").problems()
    assert [problem.split(":")[0] for problem in found] == ["path", "images", "urls", "stage"]


@pytest.mark.parametrize("name, found", [("images/29145864_F4.jpg", "PMID29145864"), ("scan.jpg", ""), ("12.jpg", "")])
def test_figures_of_one_article_stay_together(name, found):
    assert article(name) == found
