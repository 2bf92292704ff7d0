"""The quickstart's own data: its numbers, its balance, its languages and its images."""

import hashlib
import io
import json
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread

from data_prep import mixture_file
from data_prep.build import build
from data_prep.check import check
from data_prep.images.store import stored_images
from data_prep.shards import shard_rows, split_of
from data_prep.sources.quickstart import image_path, listed_images
from data_prep.text.language import arabic_share

RECIPES = Path(__file__).parents[2] / "recipes/data"
KINDS = ("vqa_closed", "vqa_short")
ENTRIES = {entry["name"]: entry for entry in listed_images()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("quickstart") / "quickstart"
    build(mixture_file.load(RECIPES / "quickstart.yml"), out, "test")
    return out


@pytest.fixture(scope="module")
def rows(folder):
    made = check(folder)
    assert made["ledger"] == {} and made["read"] == made["written"]
    return [{**row, "split": split_of(shard)} for shard, row in shard_rows(folder, list(made["shards"]))]


@pytest.fixture(scope="module")
def names(folder):
    """The name of each stored image, by key."""
    described = [json.loads(line) for line in (folder / "images.jsonl").read_text().splitlines()]
    return {entry["key"]: entry["name"] for entry in described}


def split(rows, name):
    return [row for row in rows if row["split"] == name]


def said(row, role):
    return [p["text"] for m in row["messages"] if m["role"] == role for p in m["content"] if p["type"] == "text"]


def test_the_numbers_of_the_training_split(rows):
    train = split(rows, "train")
    assert 95 <= len(train) <= 115
    assert abs(Counter(row["language"] for row in train)["ar"] - len(train) / 2) <= 2
    tasks = Counter(row["task"] for row in train)
    assert 75 <= tasks["vqa_closed"] + tasks["vqa_short"] <= 90
    assert tasks["vqa_closed"] <= 0.25 * (tasks["vqa_closed"] + tasks["vqa_short"])
    assert 6 <= tasks["conversation"] <= 10 and 8 <= tasks["text_qa"] <= 12
    assert all(len(said(row, "assistant")) > 1 for row in train if row["task"] == "conversation")
    assert 1 <= sum(len(row["images"]) == 2 for row in train) <= 2
    assert all(not row["images"] and row["modality"] == "text" for row in train if row["task"] == "text_qa")
    assert len({key for row in train for key in row["images"]}) >= 12


def test_no_answer_can_be_known_without_the_image(rows):
    answers = defaultdict(Counter)
    for row in split(rows, "train"):
        if row["task"] in KINDS:
            answers[row["task"], said(row, "user")[0]][said(row, "assistant")[0]] += 1
    for (task, question), counts in answers.items():
        if task == "vqa_closed":
            assert sorted(counts) in (["no", "yes"], ["لا", "نعم"]), question
            assert len(set(counts.values())) == 1, f"{question}: {counts}"
        else:
            assert max(counts.values()) <= 0.34 * counts.total(), f"{question}: {counts}"


def test_questions_and_answers_are_short_and_in_their_language(rows):
    for row in rows:
        longest_question, longest_answer = max(map(len, said(row, "user"))), max(map(len, said(row, "assistant")))
        if row["language"] == "ar":
            assert longest_question <= 45 and longest_answer <= 25, row["id"]
            assert all(arabic_share(text) == 1 for text in said(row, "assistant")), row["id"]
            assert all(arabic_share(text) > 0.8 and text[-1] in "؟." for text in said(row, "user")), row["id"]
        else:
            assert all(len(text.split()) <= 12 for text in said(row, "user")), row["id"]
            assert all(len(text.split()) <= 4 for text in said(row, "assistant")), row["id"]
            assert all(arabic_share(text) == 0 for text in said(row, "user") + said(row, "assistant"))


def test_ids_say_what_a_row_is(rows):
    for row in rows:
        assert row["id"].startswith("qs-") and row["id"].endswith("-" + row["language"])
    assert len({row["id"] for row in rows}) == len(rows)


def test_each_split_holds_out_what_it_says(rows):
    def images(name):
        return {key for row in split(rows, name) for key in row["images"]}

    train = split(rows, "train")
    asked = {said(row, "user")[0] for row in train}
    assert len(images("heldout_image")) == 2 and not images("heldout_image") & images("train")
    assert {row["modality"] for row in split(rows, "heldout_image")} & {row["modality"] for row in train}
    assert images("heldout_question") <= images("train")
    assert not {said(row, "user")[0] for row in split(rows, "heldout_question")} & asked
    assert 10 <= len(split(rows, "heldout_question")) <= 20
    for name in ("heldout_image", "heldout_question"):
        held_out = split(rows, name)
        assert {row["task"] for row in held_out} == set(KINDS)
        assert Counter(row["language"] for row in held_out)["ar"] * 2 == len(held_out)
        closed = Counter(said(row, "assistant")[0] for row in held_out if row["task"] == "vqa_closed")
        assert len(set(closed.values())) == 1, closed


def test_each_english_row_has_its_arabic_twin_on_the_same_images(rows):
    by_id = {row["id"]: row for row in rows}
    for row in (row for row in rows if row["language"] == "en" and len(row["images"]) < 2):
        twin = by_id[row["id"].removesuffix("en") + "ar"]
        assert (twin["images"], twin["task"], twin["split"]) == (row["images"], row["task"], row["split"])


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_the_header_says_what_the_list_says(entry):
    if "header" not in entry:
        assert entry["known"]
        return
    header = dcmread(image_path(entry), stop_before_pixels=True)
    assert {name: str(header[name].value) for name in entry["header"]} == entry["header"]
    codes = {"CR": "x-ray", "CT": "ct", "MR": "mri", "US": "ultrasound", "NM": "scintigraphy", "SEG": "segmentation"}
    assert codes[header.Modality] == entry["modality"]


def test_the_gold_of_the_chest_and_its_like_is_that_of_the_header(rows):
    answers = {row["id"]: said(row, "assistant")[0] for row in rows}
    for name, entry in ENTRIES.items():
        part = entry.get("header", {}).get("BodyPartExamined")
        if part:
            assert answers[f"qs-{name}-part-en"] == part.lower()


def test_burned_in_names_are_cropped():
    for name in ("node-us", "pelvis-us", "heart-us", "aorta-us"):
        assert ENTRIES[name]["crop"][1] >= 46, "what the machine wrote is at the top"


def test_every_image_is_small_and_different(folder, names):
    images = {names[row["key"]]: row for row in stored_images(folder / "images", ["images-00000.arrow"])}
    assert images.keys() == ENTRIES.keys() and len(images) >= 12
    hashes = [int(row["phash"], 16) for row in images.values()]
    assert min((a ^ b).bit_count() for i, a in enumerate(hashes) for b in hashes[:i]) > 10
    for row in images.values():
        assert hashlib.sha256(row["bytes"]).hexdigest() == row["key"]
        assert Image.open(io.BytesIO(row["bytes"])).size == (row["width"], row["height"])
        assert max(row["width"], row["height"]) <= 512
    for name in ("node-us", "pelvis-us", "heart-us", "aorta-us"):
        left, top, right, bottom = ENTRIES[name]["crop"]
        shape = images[name]["width"] / images[name]["height"]
        assert shape == pytest.approx((right - left) / (bottom - top), rel=0.01), f"{name} is not cropped"


def test_the_chest_is_inverted(folder, names):
    stored = {names[row["key"]]: row["bytes"] for row in stored_images(folder / "images", ["images-00000.arrow"])}
    chest = np.asarray(Image.open(io.BytesIO(stored["chest"]))).astype(float)
    height, width = chest.shape
    upper = slice(int(0.2 * height), int(0.3 * height))
    right, middle, left = (
        chest[upper, int(a * width) : int(b * width)].mean() for a, b in ((0.2, 0.35), (0.47, 0.53), (0.68, 0.8))
    )
    assert max(right, left) < middle - 30, "lungs are darker than the mediastinum"


def test_captions_for_every_training_image_in_both_languages(rows, tmp_path):
    made = build(mixture_file.load(RECIPES / "quickstart_align.yml"), tmp_path / "align", "test")
    captions = list(shard_rows(tmp_path / "align", list(made["shards"])))
    assert made["ledger"] == {} and made["counts"]["split"] == {"train": len(captions)}
    trained = {key for row in split(rows, "train") for key in row["images"]}
    pairs = [(row["images"][0], row["language"]) for _, row in captions]
    assert sorted(pairs) == sorted((key, language) for key in trained for language in ("ar", "en"))
    for _, row in captions:
        user, assistant = row["messages"]
        assert row["task"] == "caption" and [part["type"] for part in user["content"]] == ["image"]
        (part,) = assistant["content"]
        assert part["text"].endswith(".") and len(part["text"]) < 60 and part["text"].count(".") == 1
        assert arabic_share(part["text"]) == (1 if row["language"] == "ar" else 0)
