"""Turns of every form become messages, with the images in their places."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.rows import Reject, check
from data_prep.sources.source import PLACEHOLDER, content, own_id
from data_prep.sources.turns import LISTS, dialogue, image_names
from tests.helpers.layouts.llava import row

words = st.text(st.sampled_from("ab <>image\nنع"), max_size=12).filter(lambda text: PLACEHOLDER not in text)


@given(st.lists(words, min_size=1, max_size=5))
def test_each_placeholder_becomes_an_image_at_its_own_position(pieces):
    text = PLACEHOLDER.join(pieces)
    parts = content(text)
    assert [part["type"] for part in parts].count("image") == text.count(PLACEHOLDER)
    rest = iter(text.split(PLACEHOLDER))
    wanted = [next(rest).strip()]
    for piece in rest:
        wanted += [PLACEHOLDER, piece.strip()]
    found = [PLACEHOLDER if part["type"] == "image" else part["text"].strip() for part in parts]
    assert found == [piece for piece in wanted if piece]
    assert all(part["text"] is None if part["type"] == "image" else part["text"].strip() for part in parts)


@pytest.mark.parametrize(
    "text, parts",
    [
        ("<image>\nWhat?", [None, "What?"]),
        ("What?\n<image>", ["What?", None]),
        ("Is <image> like <image>?", ["Is", None, "like", None, "?"]),
        ("<image>", [None]),
        (" a\n b ", [" a\n b "]),
    ],
)
def test_blanks_beside_a_placeholder_go_with_it(text, parts):
    assert [part["text"] for part in content(text)] == parts


@pytest.mark.parametrize("key", LISTS)
@pytest.mark.parametrize("who, what", [("from", "value"), ("role", "content"), ("speaker", "text")])
def test_every_spelling_of_turns_gives_the_same_messages(key, who, what):
    given = {"messages": [], "conversations": None, key: [{who: "Human ", what: "Hi"}, {who: "GPT", what: "Hello"}]}
    assert dialogue(given).messages == [
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "Hello"}]},
    ]


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=6))
def test_images_come_in_the_order_of_their_places_wherever_they_are_named(places):
    """Each place is a part with a name of its own or without, and whether a text stands before it."""
    parts, beside, wanted = [], [], []
    for number, (own, text) in enumerate(places):
        name = f"{number}.png"
        wanted.append(name)
        parts += [{"type": "text", "text": "and"}] if text else []
        parts.append({"type": "image", "path": name} if own else {"type": "image"})
        beside += [] if own else [name]
    given = {"images": beside, "messages": [{"role": "user", "content": parts}]}
    assert dialogue(given).images == tuple(wanted)


@pytest.mark.parametrize(
    "part, name",
    [
        ({"type": "image", "image": "a.png"}, "a.png"),
        ({"type": "image", "url": "a.png"}, "a.png"),
        ({"type": "image", "path": None, "text": None, "image": {"path": "a.png", "bytes": None}}, "a.png"),
        ({"type": "image_url", "image_url": "a.png"}, "a.png"),
        ({"type": "image_url", "image_url": {"url": "a.png", "detail": "low"}}, "a.png"),
    ],
)
def test_an_image_part_names_its_file_under_any_known_key(part, name):
    assert dialogue({"messages": [{"role": "user", "content": [part]}]}).images == (name,)


def test_images_left_over_are_kept_to_be_counted_and_repeated_ones_are_not():
    assert dialogue(row("r", ["a.png", "b.png"], "<image> What?", "A")).images == ("a.png", "b.png")
    assert dialogue(row("r", ["a.png", "a.png"], "<image><image>", "A")).images == ("a.png", "a.png")
    assert dialogue(row("r", "a.png", "<image><image>", "A")).images == ("a.png",)


@pytest.mark.parametrize("value", [None, "", [], {}])
def test_no_image_is_no_image_however_it_is_written(value):
    assert image_names({"image": value, "images": ["a.png"]}) == ["a.png"]
    assert image_names({"image": value}) == image_names({"images": value}) == image_names({}) == []


@pytest.mark.parametrize("value, wanted", [(0, "0"), ("a b", "a b"), (None, "line-3"), ("", "line-3"), (" ", "line-3")])
def test_a_row_is_named_by_its_id_or_its_place(value, wanted):
    assert own_id({"id": value}, "id", "line 3") == wanted
    assert own_id({"qid": "other"}, "id", "line 3") == "line-3"


def user(said):
    return {"messages": [{"role": "user", "content": said}]}


@pytest.mark.parametrize(
    "given, reason, names",
    [
        ({}, "bad_row", "`conversatons`"),
        ({"conversations": "?"}, "bad_row", "`conversatons`"),
        ({"conversations": ["?"]}, "bad_row", "`conversatons`"),
        ({"conversations": [{"from": "bard", "value": "?"}]}, "unknown_role", "turn 1: 'bard'; known: system, human"),
        ({"conversations": [{"value": "?"}]}, "unknown_role", "turn 1: None"),
        (user(7), "bad_row", "turn 1: the text is 7"),
        (user(["Hi"]), "bad_row", "turn 1: a part is 'Hi'"),
        (user([{"type": "text", "text": 7}]), "bad_row", "wanted: text, image or image_url"),
        (user([{"type": "text", "text": False}]), "bad_row", "wanted: text, image or image_url"),
        (user([{"type": "audio", "path": "a.wav"}]), "bad_row", "'audio'"),
        (user([{"type": "image", "base64": "iVBORw0KGgo="}]), "bad_row", "wanted: the name of a file"),
        (user([{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}]), "missing_image", "save it"),
        (user([{"type": "image", "url": "https://example.org/a.png"}]), "missing_image", "https://example.org/a.png"),
        ({"image": 7, **user("Hi")}, "bad_row", "an image is 7"),
        ({"image": ["a.png", None], **user("Hi")}, "bad_row", "an image is None"),
    ],
)
def test_what_is_no_conversation_is_rejected_by_name(given, reason, names):
    with pytest.raises(Reject) as caught:
        dialogue(given)
    assert caught.value.reason == reason and names in caught.value.detail


@pytest.mark.parametrize(
    "said", [{"value": None}, {"content": None}, {}, {"content": [{"type": "text", "text": None}]}]
)
@pytest.mark.parametrize("who, number, reason", [("gpt", 1, "empty_answer"), ("human", 0, "empty_question")])
def test_a_turn_without_text_is_an_empty_turn(said, who, number, reason):
    turns = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]
    turns[number] = {"from": who, **said}
    with pytest.raises(Reject) as caught:
        check(dialogue({"conversations": turns}).messages, 0)
    assert caught.value.reason == reason


def test_a_message_about_megabytes_of_image_is_short():
    with pytest.raises(Reject) as caught:
        dialogue(user([{"type": "image", "base64": "A" * 10_000_000}]))
    assert len(caught.value.detail) < 300
