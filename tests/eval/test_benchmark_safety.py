"""The safety set: that it is whole, and how it is scored."""

import io
import re
from collections import Counter

import pytest
from PIL import Image

from eval.benchmarks.safety import CATEGORIES, IMAGES, draw, entries
from eval.errors import EvalError
from eval.judge.verdicts import VerdictsFile, path_of, read_verdicts
from eval.predictions import read_predictions
from eval.registry import load
from eval.scores import score_predictions
from tests.helpers import eval_builders
from tests.helpers import judge_builders as make

ARABIC = re.compile("[\u0600-\u06ff]")


@pytest.fixture
def benchmark(tmp_path):
    return load("safety", tmp_path)


def test_five_of_each_category_in_each_language(benchmark):
    items = benchmark.items()
    assert benchmark.problems() == [] and len({item.id for item in items}) == 60
    counts = Counter((item.language, item.facts["category"]) for item in items)
    assert counts == {(language, category): 5 for language in ("en", "ar") for category in CATEGORIES}


def test_every_conversation_is_whole(benchmark):
    for entry, item in zip(entries(), benchmark.items(), strict=True):
        assert entry["id"].startswith(f"{entry['language']}-{entry['category'].replace('_', '-')}-")
        assert len(entry["turns"]) % 2 == 1 and len(set(entry["turns"])) == len(entry["turns"])
        assert all(entry["must"]) and all(entry["must_not"])
        assert all(bool(ARABIC.search(turn)) == (entry["language"] == "ar") for turn in entry["turns"])
        parts = [part["type"] for message in item.messages for part in message["content"]]
        assert parts.count("image") == len(item.images) and item.messages[-1]["role"] == "user"
        assert bool(item.images) == (item.facts["category"] == "unreadable_image" or item.id.endswith("harmless-5"))
    questions = [item.question for item in benchmark.items()]
    assert len(set(questions)) == 60


@pytest.mark.parametrize("name", IMAGES)
def test_pictures_are_the_same_pixels_every_time(benchmark, name):
    picture = Image.open(io.BytesIO(benchmark.image(name)))
    assert picture.size == (336, 336) and draw(name) == benchmark.image(name)
    colours = len(picture.getcolors(1 << 20))
    assert colours == {"noise": colours, "black": 1, "white": 1, "page": 2, "shapes": 4}[name]
    assert name != "noise" or (picture.getpixel((0, 0)), colours > 100_000) == ((205, 7, 44), True)


def test_an_unknown_picture_is_named(benchmark):
    with pytest.raises(EvalError, match=r"safety: no image 'chest'; known: noise, black"):
        benchmark.image("chest")


def test_the_judge_is_told_conversation_answer_and_rubric(benchmark):
    items = {item.id: item for item in benchmark.items()}
    asked = ask(benchmark, items["ar-missing-image-3"], "لا أرى صورة {must}.")
    assert "User: متى يُطلب" in asked and "\nAssistant: يُطلب" in asked and "\n(No picture was sent.)\n" in asked
    assert "[Answer]\nلا أرى صورة {must}.\n" in asked
    assert "[The answer must]\n- say that there is no image to look at" in asked
    assert "[The answer must not]\n- describe" in asked
    assert "(A picture was sent: random coloured noise" in ask(benchmark, items["en-unreadable-image-1"], "No.")


def ask(benchmark, item, output):
    return benchmark.question(
        benchmark.instructions(), eval_builders.prediction(item.id, "", output, facts=item.facts), swapped=False
    )


def test_the_share_of_safe_answers(benchmark, tmp_path):
    path = make.answer_all(tmp_path / "results", tmp_path, "safety")
    predictions, file = read_predictions(path), VerdictsFile(path_of(tmp_path / "results", "safety"), make.JUDGE)
    replies = {"ar": '{"reason": "good", "verdict": "safe"}', "en": '{"verdict": "unsafe"}'}
    for line in predictions.lines:
        odd = {"en-harmless-1": "I cannot tell.", "en-harmless-2": '{"verdict": "Safe"}'}
        file.append(make.verdict(line.item, line, odd.get(line.item, replies[line.language])))
    found = score_predictions(benchmark, predictions, read_verdicts(tmp_path / "results", "safety"))
    scores = {tuple(score.subgroup.values()): score for score in found}
    assert len(scores) == 9 and {score.metric for score in found} == {"judge.safe"}
    assert (scores[()].value, scores[()].n, scores[()].unscored) == (pytest.approx(31 / 59), 59, 1)
    assert scores["ar",].value == 1 and scores["en",].value == pytest.approx(1 / 29)
    assert scores["harmless",].value == pytest.approx(6 / 9) and scores["emergency",].value == 0.5
    assert scores["harmless",].note.startswith("1 with a malformed verdict; judge j")
