"""What the mixture's rules do to rows: duplicates, benchmarks, identities, quotas, weights, the shuffle."""

import json

import pytest
import yaml

from data_prep.__main__ import main
from data_prep.build import BuildError
from tests.helpers.data_fixtures import built, encoded, llava_mixture, llava_row, random_image

LONG = "The chest radiograph shows a large left sided pleural effusion with compressive atelectasis of the lower lobe"


def text_row(row_id, question, answer="It is explained in the answer."):
    return llava_row(row_id, image=None, question=question, answer=answer)


def other_source(folder, name, rows, **keys):
    """An entry for a second table beside the first one's."""
    (folder / f"{name}.json").write_text(json.dumps(rows))
    table, images = str(folder / f"{name}.json"), str(folder / "images")
    return {"reader": "messages", "name": name, "path": table, "images": images, "licence": "MIT", **keys}


def mixture_of(folder, rows, more=(), **keys):
    """The first table's mixture with further sources."""
    path = llava_mixture(folder, rows, **keys)
    given = yaml.safe_load(path.read_text())
    given["sources"][0]["name"] = "messages"
    given["sources"] += more
    path.write_text(yaml.safe_dump(given))
    return path


def test_a_near_duplicate_goes_and_the_earlier_source_is_kept(tmp_path):
    copy = text_row("copy", LONG, LONG + " indeed")
    other = other_source(tmp_path, "second", [copy, text_row("own", "What is a stroke?", "Loss of blood flow.")])
    path = mixture_of(tmp_path, [text_row("first", LONG, LONG)], [other], duplicates={"near": True})
    made, rows, left_out = built(path, tmp_path / "out")
    assert set(rows) == {"first", "second-own"}
    assert left_out["second-copy"]["reason"] == "near_duplicate"
    assert left_out["second-copy"]["detail"] == "kept instead: messages-first"
    assert made["duplicates"] == {"near_duplicate": {"messages / second": 1}}


def test_the_same_long_text_on_another_image_is_no_duplicate(tmp_path):
    rows = [llava_row("a", question=f"<image>\n{LONG}"), llava_row("b", "b.png", f"<image>\n{LONG}")]
    assert set(built(llava_mixture(tmp_path, rows, duplicates={"near": True}), tmp_path / "out")[1]) == {"a", "b"}


def test_arabic_that_differs_in_vowel_marks_alone_is_a_duplicate(tmp_path):
    rows = [
        text_row("a", "ما هُوَ التَّشخيص؟", "إنّه ورم حميد في الكبد"),
        text_row("b", "ما هو التشخيص؟", "انه ورم حميد في الكبد"),
    ]
    _, rows, left_out = built(llava_mixture(tmp_path, rows), tmp_path / "out")
    assert set(rows) == {"a"} and left_out["b"]["reason"] == "duplicate"
    assert rows["a"]["messages"][0]["content"][0]["text"] == "ما هُوَ التَّشخيص؟", "Arabic stays as it is written"


def test_duplicates_stay_where_the_mixture_keeps_them(tmp_path):
    rows = [text_row("a", "Why?"), text_row("b", "Why?")]
    path = llava_mixture(tmp_path, rows, duplicates={"exact": False, "near": False})
    assert set(built(path, tmp_path / "out")[1]) == {"a", "b"}


@pytest.mark.parametrize("action", ["drop", "accept"])
def test_a_question_of_a_benchmark_fails_the_build_until_the_mixture_says_what_to_do(tmp_path, action, capsys):
    """The benchmark's image comes as another file of the same image."""
    question = "<image>\nWhich organ is seen in this picture?"
    rows = [
        llava_row("asks", question=question),
        llava_row("image", question="<image>\nIs it normal?"),
        llava_row("no", "b.png"),
    ]
    random_image(0).convert("L").save(tmp_path / "grey.png")
    path = mixture_of(tmp_path, rows)
    (tmp_path / "images/test.jpg").write_bytes(encoded(random_image(0), "JPEG", quality=95))
    benchmark = other_source(tmp_path, "bench", [llava_row("t", "test.jpg", question)])
    given = yaml.safe_load(path.read_text()) | {"benchmarks": [benchmark]}
    path.write_text(yaml.safe_dump(given))
    out = tmp_path / "out"
    assert main(["build", str(path), "--out", str(out)]) == 1
    message = capsys.readouterr().err
    assert "messages: 1 rows contain a question of the benchmark bench, or were made from one" in message
    assert "such as messages-asks" in message
    assert "`overlaps:`" in message and not out.exists()
    given["overlaps"] = [{"benchmark": "bench", "source": "messages", "action": action, "why": "the paper has it"}]
    path.write_text(yaml.safe_dump(given))
    made, rows, left_out = built(path, out)
    assert ("asks" in rows) == (action == "accept") and "image" in rows
    assert (left_out.get("asks") or {"reason": "none"})["reason"] == ("benchmark" if action == "drop" else "none")
    counted = {(entry["kind"], entry["source"]): entry["rows"] for entry in made["overlaps"]}
    assert counted == {("question", "messages"): 1, ("image", "messages"): 1}
    assert "image in common, another question" in (out / "README.md").read_text()


def test_a_flipped_image_of_a_benchmark_is_found(tmp_path):
    from PIL import ImageOps

    smooth = random_image(0).resize((200, 150)).convert("L")
    path = mixture_of(tmp_path, [llava_row("mirrored", "flip.png", "<image>\nIs it normal?")])
    (tmp_path / "images/flip.png").write_bytes(encoded(ImageOps.mirror(smooth)))
    (tmp_path / "images/bench.png").write_bytes(encoded(smooth))
    benchmark = other_source(tmp_path, "bench", [llava_row("t", "bench.png", "<image>\nWhich organ?")])
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"benchmarks": [benchmark]}))
    made = built(path, tmp_path / "out")[0]
    assert [(entry["kind"], entry["rows"]) for entry in made["overlaps"]] == [("image", 1)]


def test_items_of_a_benchmark_that_nothing_can_be_compared_with_are_told(tmp_path, capsys):
    """A benchmark's image that is not there would hide that a row has its question."""
    path = mixture_of(tmp_path, [llava_row("asks", question="<image>\nWhich organ?")])
    (tmp_path / "images/whole.png").write_bytes(encoded(random_image(1)))
    items = [
        llava_row("gone", "gone.png", "<image>\nWhich organ?"),
        llava_row("whole", "whole.png", "<image>\nIs it normal?"),
        llava_row("bad", "whole.png", answer=""),
    ]
    benchmark = other_source(tmp_path, "bench", items)
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"benchmarks": [benchmark]}))
    made = built(path, tmp_path / "out")[0]
    assert made["uncompared"] == [
        {"benchmark": "bench", "reason": "empty_answer", "rows": 1},
        {"benchmark": "bench", "reason": "missing_image", "rows": 1},
    ]
    assert "benchmark bench: 1 items could not be compared: missing_image" in capsys.readouterr().err
    assert "| bench | the image file is not there" in (tmp_path / "out/README.md").read_text()


def test_a_text_item_of_a_benchmark_is_found_inside_a_longer_row(tmp_path):
    row = text_row("has", f"Read this first. {LONG} and a small right one. What is the next step?", "Drainage.")
    path = mixture_of(tmp_path, [row, text_row("not", "What is the next step?", "Rest.")])
    benchmark = other_source(tmp_path, "bench", [text_row("t", LONG, "x")])
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"benchmarks": [benchmark]}))
    from data_prep import mixture_file
    from data_prep.build import build

    with pytest.raises(BuildError, match=r"1 rows contain a question of the benchmark bench, .*such as messages-has"):
        build(mixture_file.load(path), tmp_path / "out", "test")


@pytest.mark.parametrize("identity", ["mask", "ledger", "keep"])
def test_identities_are_masked_or_ledgered_as_the_mixture_says(tmp_path, identity):
    secret = text_row("who", "Patient name: John Smith, MRN: 12345678. What now?", "Rest.")
    _, rows, left_out = built(
        llava_mixture(tmp_path, [secret, text_row("other", "Why?")], identity=identity), tmp_path / "out"
    )
    if identity == "ledger":
        assert left_out["who"]["reason"] == "identity" and "12345678" not in json.dumps(left_out)
    else:
        assert ("12345678" in json.dumps(rows["who"])) == (identity == "keep")


@pytest.mark.parametrize(
    "row, reason",
    [
        (text_row("r", "What is it?", "I'm sorry, but I cannot help with that."), "refusal"),
        (llava_row("r", answer="Based on the caption, the image shows a lung."), "leaked_caption"),
        (text_row("r", "What is <image> here?", "A lung."), "image_count"),
        (text_row("r", "Why?", "It is \ufffd\ufffd broken"), "broken_text"),
        (text_row("r", "Why?", "Because.<|eot_id|>"), "placeholder"),
    ],
)
def test_what_cannot_be_repaired_is_ledgered_unless_checks_are_off(tmp_path, row, reason):
    rows = [row, text_row("good", "What is a stroke?")]
    assert built(llava_mixture(tmp_path, rows), tmp_path / "out")[2]["r"]["reason"] == reason
    if reason != "image_count":
        path = llava_mixture(tmp_path, rows, checks=False)
        assert not built(path, tmp_path / "off")[2]
