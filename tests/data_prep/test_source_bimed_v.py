"""The reader of BiMed-V as released."""

import pytest

from data_prep.rows import Reject, check
from data_prep.sources.bimed_v import ORIGINS, BimedV, origin_of
from tests.helpers.layouts import bimed_v
from tests.helpers.layouts.bimed_v import PAIR
from tests.helpers.readers import read_all


@pytest.fixture
def root(tmp_path):
    bimed_v.make(tmp_path)
    return tmp_path


def source(root, table="BiMed-V_stage2.json", **keys):
    return BimedV(**{"path": str(root / table), "images": str(root / "images"), **keys})


def read(root, **keys):
    samples, rejected, others = read_all(source(root, **keys))
    assert others == 0
    return {sample.id.removeprefix("bimed_v-instruct-"): sample for sample in samples}, rejected


def test_stage_2_by_origin_language_and_task(root):
    samples, rejected = read(root)
    assert len(samples) == 15 and len(samples) + len(rejected) == len(bimed_v.stage2())
    assert {key: (sample.language, sample.task, sample.modality) for key, sample in samples.items()} == {
        f"{PAIR}_0": ("en", "vqa_open", "unknown"),
        f"{PAIR}_0-ar": ("ar", "vqa_open", "unknown"),
        f"{PAIR}_1": ("en", "conversation", "unknown"),
        "slake_1": ("en", "vqa_closed", "unknown"),
        "rad_1": ("en", "vqa_short", "unknown"),
        "path_1": ("en", "vqa_open", "pathology"),
        "pmc_1": ("en", "vqa_choice", "unknown"),
        "pmc_2-ar": ("ar", "vqa_choice", "unknown"),
        "own_1": ("en", "vqa_open", "unknown"),
        "text_1": ("en", "text_qa", "text"),
        "text_2-ar": ("ar", "text_qa", "text"),
        "text_3": ("en", "text_choice", "text"),
        "text_4": ("en", "conversation", "text"),
        "gone_1": ("en", "vqa_open", "unknown"),
        "bad_2": ("en", "text_qa", "text"),
    }
    assert [(entry.id, entry.reason) for entry in rejected] == [("bimed_v-instruct-bad_1", "bad_row")]


def test_images_are_read_by_their_released_names(root):
    reader = source(root)
    found = {name for sample in read_all(reader)[0] for name in sample.images}
    assert found == {*bimed_v.IMAGES, "18063892_F3.jpg"}
    assert all(reader.load(name).data.startswith(b"\xff\xd8") for name in bimed_v.IMAGES)
    with pytest.raises(Reject, match="18063892_F3"):
        reader.load("18063892_F3.jpg")


def test_a_text_row_may_leave_its_image_empty_but_not_ask_for_one(root):
    samples, _ = read(root, origins=["text"])
    assert samples.keys() == {"text_1", "text_2-ar", "text_3", "text_4", "bad_2"}
    for key in ("text_1", "text_2-ar", "text_3"):
        check(samples[key].messages, images=0)
    with pytest.raises(Reject, match="1 image placeholders for 0 images"):
        check(samples["bad_2"].messages, len(samples["bad_2"].images))


def test_parent_and_group_are_of_llava_med_and_pmc_only(root):
    samples, _ = read(root)
    questions, conversations = f"llava_med-instruct_60k_inline_mention-{PAIR}", f"llava_med-alignment_500k-{PAIR}"
    parents = {key: sample.parent for key, sample in samples.items() if sample.parent}
    assert parents == {f"{PAIR}_0": questions, f"{PAIR}_0-ar": questions, f"{PAIR}_1": conversations}
    assert samples[f"{PAIR}_0"].group == "PMID29145864" and samples["pmc_1"].group == "PMC212319"
    assert samples["slake_1"].group == samples["text_1"].group == ""


def test_stage_1_as_lines_gives_captions(root):
    (sample,), rejected, _ = read_all(source(root, "BiMed-V_stage1.json"))
    assert not rejected and sample.id == f"bimed_v-align-{PAIR}_0" and sample.task == "caption"
    assert sample.parent == f"llava_med-alignment_500k-{PAIR}" and sample.licence == "CC-BY-NC-SA-4.0"
    assert read_all(source(root, "BiMed-V_stage1.json", stage="instruct"))[0][0].task == "vqa_open"


@pytest.mark.parametrize(
    "keys, kept",
    [
        ({"languages": ["ar"]}, {f"{PAIR}_0-ar", "pmc_2-ar", "text_2-ar"}),
        ({"origins": ["llava_med"], "languages": ["en"]}, {f"{PAIR}_0", f"{PAIR}_1", "gone_1"}),
        ({"origins": ["rad_vqa", "slake_vqa", "path_vqa"]}, {"rad_1", "slake_1", "path_1"}),
        ({"origins": ["other"]}, {"own_1"}),
        ({"turns": "multi"}, {f"{PAIR}_1", "text_4"}),
        ({"origins": ["text"], "turns": "multi"}, {"text_4"}),
        ({"origins": ["pmc"], "turns": "single", "languages": ["en"]}, {"pmc_1"}),
    ],
)
def test_what_is_not_selected_is_in_the_ledger(root, keys, kept):
    samples, rejected = read(root, **keys)
    assert samples.keys() == kept
    assert len(samples) + len(rejected) == len(bimed_v.stage2())
    assert {entry.reason for entry in rejected} <= {"not_selected", "bad_row"}


@pytest.mark.parametrize(
    "name, origin",
    [
        ("synpic54610.jpg", "rad_vqa"),
        ("images/xmlab102_source.jpg", "slake_vqa"),
        ("path-vqa_3.jpg", "path_vqa"),
        ("PMC1064097_F1.jpg", "pmc"),
        ("32867401_materials-13-03795-f015.jpg", "llava_med"),
        ("scan.jpg", "other"),
        ("synpic.jpg", "other"),
    ],
)
def test_the_name_of_an_image_tells_the_origin(name, origin):
    assert origin_of([name]) == origin and origin in ORIGINS


def test_all_problems_are_found_at_once(tmp_path):
    found = source(tmp_path, languages=["zh"], origins=[], turns="two", stage="2").problems()
    keys = ["path", "images", "languages", "origins", "turns", "stage"]
    assert [problem.split(":")[0] for problem in found] == keys


def test_only_a_text_selection_can_do_without_images(root):
    assert source(root, images="", origins=["text"]).problems() == []
    assert "images: this key is required" in source(root, images="").problems()[0]
