"""The reader of one's own conversations."""

import pytest

from data_prep.rows import Reject, check
from data_prep.sources.messages import Messages
from tests.helpers.layouts import llava, messages
from tests.helpers.readers import read_all


@pytest.fixture
def root(tmp_path):
    messages.make(tmp_path)
    return tmp_path


def source(root, table, **keys):
    given = {"path": str(root / table), "images": str(root / "images"), "licence": "CC0-1.0", **keys}
    return Messages(**given)


def by_id(found):
    return {sample.id: sample for sample in found[0]}


def test_llava_json(root):
    reader = source(root, "llava.json")
    found = read_all(reader)
    samples = by_id(found)
    assert found[1:] == ([], 0) and len(found[0]) == 6
    assert [sample.id for sample in found[0]].count("messages-one") == 2
    assert samples["messages-two"].language == "ar" and samples["messages-two"].parent == "messages-one"
    assert samples["messages-three"].images == ("a.png", "صورة صدر.png")
    assert samples["messages-0"].task == "vqa_short" and samples["messages-four"].task == "vqa_closed"
    assert (samples["messages-four"].modality, samples["messages-0"].modality) == ("mri", "unknown")
    assert by_id(read_all(source(root, "llava.json", modality="ct")))["messages-0"].modality == "ct"
    for sample in found[0]:
        check(sample.messages, len(sample.images))
        assert all(reader.load(name).data.startswith(b"\xff\xd8") for name in sample.images)


def test_a_name_that_starts_with_the_images_own_folder_is_the_same_file(root):
    reader = source(root, "llava.json")
    assert reader.load("images/b.png") == reader.load("b.png")


def test_sharegpt_lines_with_a_byte_order_mark_and_crlf(root):
    reader = source(root, "sharegpt.json", name="chats", release="May")
    samples = by_id(read_all(reader))
    assert samples.keys() == {"chats-line-1", "chats-s"}
    assert [samples[key].language for key in ("chats-line-1", "chats-s")] == ["en", "ar"]
    assert {(s.modality, s.task, s.licence) for s in samples.values()} == {("text", "conversation", "CC0-1.0")}
    assert reader.version() == "May"


def test_axolotl_messages(root):
    samples = by_id(read_all(source(root, "axolotl.jsonl", id_prefix="ax-", task="vqa_open", language="ar")))
    found = {key.removeprefix("ax-"): sample.images for key, sample in samples.items()}
    assert found == {
        "line-1": (),
        "own": ("a.png",),
        "url": ("b.png",),
        "beside": ("b.png", "a.png"),
        "both": ("a.png",),
        "mixed": ("a.png", "b.png"),
        "null": (),
    }
    assert {(sample.task, sample.language) for sample in samples.values()} == {("vqa_open", "ar")}
    for sample in samples.values():
        check(sample.messages, len(sample.images))


@pytest.mark.parametrize(
    "row, reason",
    [
        (llava.row("x", "a.png", "What?", "A scan"), "image_count"),
        (llava.row("x", "a.png", "<image><image>", "A scan"), "image_count"),
        (llava.row("x", "a.png", "<image>", "<image>"), "image_count"),
        (llava.row("x", "a.png", "<image>", " "), "empty_answer"),
        (llava.row("x", "absent", "", "A scan"), "empty_question"),
        (llava.row("x", "absent", "Hi"), "turn_order"),
    ],
)
def test_what_does_not_fit_together_reaches_the_checks_as_it_is(tmp_path, row, reason):
    llava.as_lines(tmp_path / "own.jsonl", [row])
    (sample,), _, _ = read_all(source(tmp_path, "own.jsonl", images=""))
    with pytest.raises(Reject) as caught:
        check(sample.messages, len(sample.images))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "line, place, reason",
    [
        (b'{"id": "x", "conv', "line 2", "bad_json"),
        (b"[1, 2]", "line 2", "bad_json"),
        (b"\xff\xfe{}", "line 2", "bad_json"),
        (b'{"id": "x"}', "messages-x", "bad_row"),
        (b'{"conversations": [{"from": "bard", "value": "?"}]}', "messages-line-2", "unknown_role"),
    ],
)
def test_a_bad_line_is_named_and_the_lines_after_it_are_read(tmp_path, line, place, reason):
    path = llava.as_lines(tmp_path / "own.jsonl", [llava.row(key, "absent", "Hi", "Hello") for key in ("a", "b")])
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + line + b"\n" + second)
    samples, rejected, _ = read_all(source(tmp_path, "own.jsonl", images=""))
    assert [sample.id for sample in samples] == ["messages-a", "messages-b"]
    assert [(entry.id, entry.reason) for entry in rejected] == [(place, reason)]


@pytest.mark.parametrize("name", ["gone.png", "../llava.json", "/etc/hostname", "."])
def test_an_image_that_is_not_in_its_folder_is_missing(root, name):
    with pytest.raises(Reject) as caught:
        source(root, "llava.json").load(name)
    assert caught.value.reason == "missing_image" and name in caught.value.detail


def test_images_without_a_folder_are_missing(root):
    with pytest.raises(Reject, match="names no folder of images"):
        source(root, "llava.json", images="").load("a.png")


def test_all_problems_are_found_at_once(tmp_path):
    found = source(tmp_path, "gone.json", language="fr", task="vqa", licence="").problems()
    assert [problem.split(":")[0] for problem in found] == ["path", "images", "language", "task", "licence"]


MADE = {"model": "meta-llama/Llama-3.1-70B-Instruct", "prompt": "0a" * 32, "date": "2026-11-29"}


def generator_in(tmp_path, value):
    """The generator of a sample whose row carries this value, or why the row is rejected."""
    table = llava.as_list(tmp_path / "t.json", [llava.row("1", None, "Why?", "So.", generator=value)])
    samples, rejected, _ = read_all(Messages(path=str(table), licence="MIT"))
    return samples[0].generator if samples else (rejected[0].reason, rejected[0].detail)


@pytest.mark.parametrize("date", ["2026-11-29", "2026-11-29T08:15:00+00:00"])
def test_what_made_a_row_is_kept(tmp_path, date):
    assert generator_in(tmp_path, MADE | {"date": date}) == MADE | {"date": date}
    assert generator_in(tmp_path, None) is None


BAD = [{**MADE, name: bad} for name in MADE for bad in (None, "", 3, ["x"])]


@pytest.mark.parametrize("value", ["GPT-4o", {}, [MADE], MADE | {"more": ""}, MADE | {"prompt": "0A" * 32}, *BAD])
def test_a_generator_that_does_not_say_what_made_a_row_rejects_it(tmp_path, value):
    reason, detail = generator_in(tmp_path, value)
    assert reason == "bad_row" and "'generator' is" in detail and "sha256" in detail
