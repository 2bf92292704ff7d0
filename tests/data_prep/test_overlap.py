"""Benchmark items inside training texts."""

import pickle
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.text.normalise import normalised
from data_prep.text.overlap import GRAM, LONG_ITEM, SHORTEST_CONTAINED, TextOverlap

LONG = "A 54-year-old man has crushing chest pain radiating to the left arm for two hours. What is the next best step?"
MIDDLE = "Which organ makes insulin in man?"
SHORT = "Is it normal?"
ARABIC = "ما هو العضو الذي يفرز الأنسولين؟"
ITEMS = [("medqa", "1", LONG), ("mmlu", "2", MIDDLE), ("vqa_rad", "3", SHORT), ("slake", "4", ARABIC), ("x", "5", "…")]
WORDS = st.lists(st.sampled_from([f"w{number}" for number in range(30)]), max_size=60)


def match(text, items=ITEMS):
    return TextOverlap(items).match(normalised(text))


@pytest.mark.parametrize(
    "text, expected",
    [
        (LONG, [("medqa", "1")]),
        (f"Question: {LONG.upper()} Answer: aspirin.", [("medqa", "1")]),
        (LONG.replace("next best step", "diagnosis"), [("medqa", "1")]),
        (LONG.replace("chest pain radiating", "pain"), []),
        (" ".join(LONG.split()[:12]), []),
        (f"Tell me. {MIDDLE} Thanks.", [("mmlu", "2")]),
        (MIDDLE.replace("man", "dogs"), []),
        ("is it NORMAL", [("vqa_rad", "3")]),
        (f"{SHORT} Yes.", []),
        ("ما هو العُضو الّذي يفرز الانسولين", [("slake", "4")]),
        (f"{MIDDLE} {LONG}", [("medqa", "1"), ("mmlu", "2")]),
        ("", []),
    ],
)
def test_what_is_contained(text, expected):
    assert match(text) == expected


@pytest.mark.parametrize("kept, found", [(13, False), (14, True)])
def test_seven_of_ten_grams_are_enough(kept, found):
    item = [f"w{number}" for number in range(17)]
    assert bool(match(" ".join(item[:kept]), [("b", "1", " ".join(item))])) is found


def test_words_are_whole():
    assert match("Which organ makes insulin in manatees?") == []


def test_the_same_text_in_two_benchmarks_is_found_in_both():
    assert match(LONG, [("a", "1", LONG), ("b", "7", LONG.lower())]) == [("a", "1"), ("b", "7")]


def test_a_pickle_finds_the_same_in_a_process_with_another_hash_seed(tmp_path):
    pickled = tmp_path / "index.pickle"
    pickled.write_bytes(pickle.dumps(TextOverlap(ITEMS)))
    code = "import pickle, sys; print(pickle.load(open(sys.argv[1], 'rb')).match(sys.argv[2]))"
    command = [sys.executable, "-c", code, str(pickled), normalised(f"So: {LONG}")]
    run = subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "7"})
    assert run.stdout.strip() == "[('medqa', '1')]"


def by_hand(item, row):
    """The rule without an index."""
    if item == row:
        return bool(item)
    if SHORTEST_CONTAINED <= len(item) < LONG_ITEM:
        return f" {' '.join(item)} " in f" {' '.join(row)} "
    grams = [item[start : start + GRAM] for start in range(len(item) - GRAM + 1)]
    there = [row[start : start + GRAM] for start in range(len(row) - GRAM + 1)]
    return len(item) >= LONG_ITEM and sum(gram in there for gram in grams) * 10 >= 7 * len(grams)


@settings(max_examples=200)
@given(st.lists(WORDS, max_size=6), st.data())
def test_the_index_loses_nothing(items, data):
    """Rows are pieces of the items, changed here and there, so that they are often near the border."""
    row = data.draw(WORDS)
    for item in items:
        changed = [
            data.draw(st.sampled_from([word, word, word, "other"])) if not n % 13 else word
            for n, word in enumerate(item)
        ]
        row = [*row, *changed[data.draw(st.integers(0, 9)) :]]
    named = [("b", str(number), " ".join(item)) for number, item in enumerate(items)]
    expected = [("b", str(number)) for number, item in enumerate(items) if by_hand(item, row)]
    assert TextOverlap(named).match(" ".join(row)) == expected
