"""The reader of LLaVA-style files."""

import json

import pytest
from data_fixtures import built, llava_mixture, llava_row
from hypothesis import given
from hypothesis import strategies as st

from data_prep.sources.base import PLACEHOLDER, content

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


def as_lines(rows, end="\n"):
    return "".join(json.dumps(row, ensure_ascii=False) + end for row in rows).encode()


ROWS = [llava_row("one"), llava_row("two", image="b.png", answer="نعم")]


@pytest.mark.parametrize(
    "data",
    [
        json.dumps(ROWS).encode(),
        json.dumps(ROWS, indent=1).encode(),
        as_lines(ROWS),
        as_lines(ROWS, "\r\n"),
        b"\xef\xbb\xbf" + as_lines(ROWS),
        b"\xef\xbb\xbf\r\n" + json.dumps(ROWS).encode(),
        b"\xef\xbb\xbf\r\n" + as_lines(ROWS, "\r\n"),
        as_lines([*ROWS[:1], *ROWS[1:]]).replace(b'"conversations"', b'"conversatons"'),
        as_lines(ROWS) + b"\n \n",
    ],
)
def test_lists_and_lines_of_every_make_give_the_same_rows(tmp_path, data):
    _, rows, ledger = built(llava_mixture(tmp_path, data), tmp_path / "out")
    assert ledger == {}
    assert [(row["id"], row["language"]) for row in rows.values()] == [("one", "en"), ("two", "ar")]
    assert rows["one"]["messages"][0]["content"][1]["text"] == "What is it?"


def test_a_line_separator_of_unicode_does_not_split_a_line(tmp_path):
    data = as_lines([llava_row("one", answer="a\u2028b\u0085c")])
    assert built(llava_mixture(tmp_path, data), tmp_path / "out")[1].keys() == {"one"}


def test_fields_of_llava_med(tmp_path):
    rows = [
        llava_row("d", domain={"chest_xray": False, "mri": True}, answer_type="CLOSED "),
        llava_row("n", image=None, question="Why?"),
        llava_row("two", image=["a.png", "b.png"], question="<image> or <image>?"),
        {
            "id": "m",
            "messages": [],
            "conversations": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hi"}],
        },
    ]
    _, found, ledger = built(llava_mixture(tmp_path, rows), tmp_path / "out")
    assert ledger == {}
    assert (found["d"]["modality"], found["d"]["task"]) == ("mri", "vqa_closed")
    assert found["n"]["images"] == [] and len(set(found["two"]["images"])) == 2
    assert (found["n"]["modality"], found["n"]["task"]) == ("unknown", "conversation")


@pytest.mark.parametrize(
    "row, reason, names",
    [
        (llava_row("x", image="gone.png"), "missing_image", "gone.png"),
        (llava_row("x", image="../table.json"), "missing_image", "leads out"),
        (llava_row("x", image="/etc/hostname"), "missing_image", "leads out"),
        (llava_row("x", image="."), "missing_image", "pictures"),
        (llava_row("x", image="page.jpg"), "undecodable_image", "web page"),
        (llava_row("x", image="half.png"), "undecodable_image", "truncated"),
        (llava_row("x", question="What?"), "image_count", "0 image placeholders for 1"),
        (llava_row("x", question="<image><image>"), "image_count", "2 image placeholders for 1"),
        (llava_row("x", answer="<image>"), "image_count", "turn 2"),
        (llava_row("x", answer=" "), "empty_answer", "turn 2"),
        (llava_row("x", answer=7), "bad_row", "turn 2"),
        (llava_row("x", image=7), "bad_row", "image"),
        (llava_row("x", conversations=[{"from": "bard", "value": "?"}]), "unknown_role", "'bard'; known: human"),
        (llava_row("x", conversations="?"), "bad_row", "conversatons"),
        (llava_row("ok"), "duplicate", "id_prefix"),
    ],
)
def test_a_row_that_cannot_be_used_is_in_the_ledger_and_the_others_are_written(tmp_path, row, reason, names):
    path = llava_mixture(tmp_path, [llava_row("ok"), row])
    (tmp_path / "pictures/page.jpg").write_bytes(b"<!doctype html><p>404")
    (tmp_path / "pictures/half.png").write_bytes((tmp_path / "pictures/a.png").read_bytes()[:300])
    made, rows, ledger = built(path, tmp_path / "out")
    assert rows.keys() == {"ok"}
    entry = ledger[row["id"]]
    assert entry["reason"] == reason and names in entry["detail"]
    assert made["ledger"] == {reason: 1} and entry["source"] == "llava_json"


def test_a_row_that_is_left_out_leaves_no_image_behind(tmp_path):
    rows = [llava_row("ok"), llava_row("x", image=["b.png", "gone.png"], question="<image><image>")]
    made, _, _ = built(llava_mixture(tmp_path, rows), tmp_path / "out")
    assert sum(entry["images"] for entry in made["images"].values()) == 1


@pytest.mark.parametrize("line", [b'{"id": "x", "conv', b"[1, 2]", b'"text"', b"\xff\xfe{}", b"null"])
def test_a_bad_line_is_named_and_the_lines_after_it_are_read(tmp_path, line):
    data = as_lines(ROWS[:1]) + line + b"\n" + as_lines(ROWS[1:])
    _, rows, ledger = built(llava_mixture(tmp_path, data), tmp_path / "out")
    assert rows.keys() == {"one", "two"}
    assert ledger["line 2"]["reason"] == "bad_json" and "table.json: line 2" in ledger["line 2"]["detail"]


def test_a_list_item_that_is_no_object_is_in_the_ledger(tmp_path):
    _, rows, ledger = built(llava_mixture(tmp_path, [*ROWS, 3]), tmp_path / "out")
    assert len(rows) == 2 and "int instead of an object" in ledger["item 3"]["detail"]
