"""METEOR by hand, with a WordNet of two words and with the real one where it is installed."""

import os

import pytest

from eval.errors import EvalError
from eval.metrics import meteor as module
from eval.metrics.meteor import DEBIAN, NO_PUNKT, meteor
from tests.helpers import wordnet_layout


@pytest.fixture(scope="module")
def without_nltk_data():
    """nltk's own copies of WordNet and punkt_tab cannot be found."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module.nltk.data, "path", [])
        yield


@pytest.fixture(scope="module")
def measure(without_nltk_data, tmp_path_factory):
    return meteor([wordnet_layout.make(tmp_path_factory.mktemp("wordnet") / "dict")])


BY_HAND = [
    # 3 of 3 words in one chunk: F 1, penalty 0.5 (1/3)^3.
    ("the heart is", "the heart is", 1 - 0.5 / 27),
    # 2 of 3 words match, one chunk. P 2/3, R 1: F = PR / (0.9 P + 0.1 R) = 0.6667 / 0.7; penalty 0.5 (1/2)^3.
    ("heart is normal", "heart is", (2 / 3 / 0.7) * (1 - 0.5 / 8)),
    # Two chunks of two words: penalty 0.5 (2/2)^3.
    ("is heart", "heart is", 0.5),
    # A stem: "hearts" and "heart". One word, one chunk: penalty 0.5.
    ("hearts", "heart", 0.5),
    # A synonym.
    ("auto", "car", 0.5),
    ("lung", "car", 0.0),
    ("", "car", 0.0),
    # Arabic words match as they are: 2 of 2, one chunk.
    ("لا ارتشاح", "لا ارتشاح", 1 - 0.5 / 8),
    # The full stop of an inner sentence is a word of its own: 4 of 4.
    ("Clear. Normal.", "clear . normal .", 1 - 0.5 / 64),
]


@pytest.mark.parametrize(("prediction", "reference", "expected"), BY_HAND)
def test_by_hand(measure, prediction, reference, expected):
    assert measure(prediction, reference) == pytest.approx(expected)


PUNKT_FILES = ("abbrev_types.txt", "collocations.tab", "ortho_context.tab", "sent_starters.txt")


@pytest.fixture
def punkt(tmp_path, monkeypatch):
    """A punkt_tab of empty files, which nltk can read."""
    folder = tmp_path / "tokenizers" / "punkt_tab" / "english"
    folder.mkdir(parents=True)
    for name in PUNKT_FILES:
        (folder / name).write_text("")
    monkeypatch.setattr(module.nltk.data, "path", [str(tmp_path)])
    return folder


def test_an_intact_punkt_is_used(punkt, tmp_path):
    assert meteor([wordnet_layout.make(tmp_path / "dict")]).note == ""


def test_a_hard_linked_punkt_is_one_plain_error(punkt, tmp_path):
    os.link(punkt / "ortho_context.tab", tmp_path / "second_name")
    with pytest.raises(EvalError, match=r"^METEOR: nltk's punkt_tab cannot be read .*nltk\.downloader punkt_tab"):
        meteor([wordnet_layout.make(tmp_path / "dict")])


@pytest.mark.parametrize("content", [b"word\tnot a number\n", b"\xff\xfe\x00", b"one\n"])
def test_a_damaged_punkt_is_one_plain_error(punkt, tmp_path, content):
    (punkt / "ortho_context.tab").write_bytes(content)
    with pytest.raises(EvalError, match=r"^METEOR: nltk's punkt_tab cannot be read .*Its files must be intact"):
        meteor([wordnet_layout.make(tmp_path / "dict")])


def test_it_says_when_sentences_are_split_without_punkt(measure):
    assert measure.note == NO_PUNKT


def test_no_wordnet_is_no_metric(without_nltk_data, tmp_path):
    assert meteor([tmp_path]) is None


@pytest.mark.skipif(not (DEBIAN / "data.noun").is_file(), reason="Debian's wordnet-base is not installed")
def test_synonyms_of_the_real_wordnet():
    measure = meteor()
    assert measure("auto", "car") == 0.5
    # nltk looks up stems, and "automobil" and "larg" are in no dictionary.
    assert measure("automobile", "car") == measure("large", "big") == 0
