"""A whole run: items to predictions, interrupted and gone on from, and what it refuses before a model is loaded."""

import collections
import io
import json
import shutil
from dataclasses import replace

import pytest
from PIL import Image

from eval import images, sight
from eval import model as model_module
from eval.benchmarks.data_split import DataSplit, Selection
from eval.cli import main
from eval.dataset import DataSet
from eval.errors import EvalError
from eval.model import Checkpoint, Settings
from eval.predict import left_of, questions_of, run
from eval.predictions import read_predictions
from eval.registry import of_header
from eval.scores import score_predictions
from tests.helpers import core_builders as hand
from tests.helpers import eval_builders as make

SETTINGS = Settings(batch_size=4, max_new_tokens=4)


@pytest.fixture(scope="module")
def checkpoint(llava):
    return Checkpoint(llava, SETTINGS)


@pytest.fixture(scope="module")
def whole(checkpoint, data, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "train.jsonl"
    run(checkpoint, questions_of(DataSplit(data, Selection("train"))), path)
    return path


@pytest.fixture
def no_model(monkeypatch):
    def refuse(*_):
        raise AssertionError("a model was loaded")

    monkeypatch.setattr(model_module, "TransformersEngine", refuse)


def without_seconds(path):
    return [{**json.loads(line), "seconds": None} for line in path.read_text(encoding="utf-8").split("\n") if line]


def test_every_item_is_answered_once_with_its_own_pictures(whole):
    lines = read_predictions(whole).lines
    expected = {f"{row['id']}#0" for row in make.TRAIN_ROWS} | {"talk-en#1"}
    assert len(lines) == len(expected) and {line.item for line in lines} == expected
    by_item = {line.item: line for line in lines}
    assert by_item["open-en#0"].images == by_item["open-en#0"].image_hashes == [make.key("red"), make.key("black")]
    assert by_item["text-en#0"].image_hashes == []
    first = by_item["closed-ar#0"]
    assert (first.benchmark, first.language, first.task, first.gold) == (
        "tiny/train",
        "ar",
        "vqa_closed",
        "نعم",
    )
    assert first.prompt.count("<image>") == 1 and first.tokens <= 4 and first.seconds > 0


def test_header(whole, checkpoint, data):
    header = read_predictions(whole).header
    assert header["images"] == "shown" and header["permuted"] is None
    assert header["checkpoint_sha256"] == checkpoint.sha256
    assert header["generation"]["max_new_tokens"] == 4 and header["generation"]["dtype"] == "float32"
    assert header["data"]["manifest_sha256"] == DataSet.open(data).manifest_sha256


@pytest.mark.parametrize("part", [0.05, 0.5, 0.75, 0.999, 1.0])
def test_a_killed_run_goes_on_to_the_same_file(whole, checkpoint, data, tmp_path, part):
    path = tmp_path / "train.jsonl"
    content = whole.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    run(checkpoint, questions_of(DataSplit(data, Selection("train"))), path)
    assert without_seconds(path) == without_seconds(whole)


@pytest.mark.usefixtures("no_model")
def test_a_finished_run_loads_no_model(whole, llava, data):
    before = whole.read_bytes()
    run(Checkpoint(llava, SETTINGS), questions_of(DataSplit(data, Selection("train"))), whole)
    assert whole.read_bytes() == before


@pytest.mark.usefixtures("no_model")
def test_other_settings_are_refused(whole, llava, data):
    with pytest.raises(EvalError, match=r"generation\.max_new_tokens: the file has 4, this run has 5"):
        run(Checkpoint(llava, Settings(4, 5)), questions_of(DataSplit(data, Selection("train"))), whole)


def test_permuted_images_change_pictures_and_nothing_else(whole, checkpoint, data, tmp_path):
    path = tmp_path / "train_permuted.jsonl"
    run(checkpoint, questions_of(DataSplit(data, Selection("train", permute=True))), path)
    permuted, plain = read_predictions(path), {line.item: line for line in read_predictions(whole).lines}
    assert permuted.header["images"] == "permuted" and permuted.header["permuted"] == {"seed": 0}
    for line in permuted.lines:
        true = plain[line.item]
        assert line.prompt == true.prompt and line.gold == true.gold
        assert len(line.image_hashes) == len(true.image_hashes)
        if true.image_hashes:
            assert line.image_hashes[0] != true.image_hashes[0]
    changed = [line.item for line in permuted.lines if line.output != plain[line.item].output]
    assert changed and not any(item.startswith("text") for item in changed)


def test_tasks_and_limit(checkpoint, data):
    items = questions_of(DataSplit(data, Selection("train", tasks=("vqa_short", "text_qa"))), limit=3).items
    assert [item.id for item in items] == ["short-en#0", "short-ar#0", "text-en#0"]
    with pytest.raises(EvalError, match="no item of the tasks"):
        questions_of(DataSplit(data, Selection("train", tasks=("caption",))))


def test_a_text_model_is_shown_no_images_where_that_is_asked_for(text_model, data, tmp_path):
    path = tmp_path / "base.jsonl"
    questions = questions_of(DataSplit(data, Selection("train", tasks=("vqa_closed",))))
    run(Checkpoint(text_model, replace(SETTINGS, without_images=True)), questions, path)
    found = read_predictions(path)
    assert found.header["images"] == "not shown"
    assert [line.image_hashes for line in found.lines] == [[], []]
    assert not any("<image>" in line.prompt for line in found.lines)


def test_a_picture_that_cannot_be_decoded_is_unscored(checkpoint, data, tmp_path):
    folder = shutil.copytree(data, tmp_path / "tiny")
    make.write_store(folder, make.COLOURS, corrupt=["red"])
    path = tmp_path / "train.jsonl"
    run(checkpoint, questions_of(DataSplit(folder, Selection("train", tasks=("vqa_closed",)))), path)
    found = read_predictions(path)
    errors = [line for line in found.lines if line.error]
    assert [line.item for line in errors] == ["closed-en#0"]
    told = f"image {make.key('red')} cannot be decoded (its content is of no image format)."
    assert errors[0].error == told, "the same words in every run"
    (overall,) = [
        score
        for score in score_predictions(of_header(found.header, tmp_path), found)
        if (score.metric, score.subgroup) == ("exact", {})
    ]
    assert (overall.n, overall.unscored) == (1, 1)


@pytest.mark.usefixtures("no_model")
def test_a_missing_picture_is_an_error_before_the_work(llava, data, tmp_path):
    folder = shutil.copytree(data, tmp_path / "tiny")
    make.write_store(folder, ["green"])
    with pytest.raises(EvalError, match=f"no image '{make.key('red')}', which item 'closed-en#0' shows"):
        run(Checkpoint(llava, SETTINGS), questions_of(DataSplit(folder, Selection("train"))), tmp_path / "train.jsonl")
    assert not (tmp_path / "train.jsonl").exists()


@pytest.mark.usefixtures("no_model")
def test_no_image_store(llava, data, tmp_path):
    folder = shutil.copytree(data, tmp_path / "tiny", ignore=shutil.ignore_patterns("*.arrow"))
    with pytest.raises(EvalError, match=r"no \*\.arrow file"):
        run(Checkpoint(llava, SETTINGS), questions_of(DataSplit(folder, Selection("train"))), tmp_path / "train.jsonl")


def test_command_line(llava, data, tmp_path, capsys):
    arguments = ["run", "--model", llava, "--data", data, "--split", "train", "--out", tmp_path, "--limit", 1]
    assert main([*map(str, arguments), "--max-new-tokens", "2", "--permute-images"]) == 0
    assert len(read_predictions(tmp_path / "predictions" / "train_permuted.jsonl").lines) == 1
    assert "eval: train_permuted: 1/1 items" in capsys.readouterr().err


@pytest.fixture(scope="module")
def questions_about_few_images(tmp_path_factory):
    """Four images with six questions each, and questions about two images at once, in mixed order."""
    colours = make.COLOURS[:4]
    rows = [
        make.row(f"r{number}-{colour}", "en", "vqa_short", [(f"{'Is this ' * 5}{number}?", "That.")], [colour])
        for number in range(6)
        for colour in colours
    ]
    rows += [
        make.row(f"two-{number}", "en", "vqa_open", [(f"Same {number}?", "No.")], colours[:2]) for number in range(2)
    ]
    return make.write_data(tmp_path_factory.mktemp("few") / "few", {"train": rows})


def counting_decodes(monkeypatch):
    """Count from here how often each image is decoded; the first item's is, once more, to compare prompt tokens."""
    decoded = collections.Counter()

    def read_image(content, name):
        decoded[name] += 1
        return images.DecodedImage(content, Image.open(io.BytesIO(content)).convert("RGB"))

    for module in (images, sight):
        monkeypatch.setattr(module, "read_image", read_image)
    return decoded


@pytest.mark.parametrize("batch_size", [1, 4, 16])
def test_each_image_is_decoded_once_in_a_run(llava, questions_about_few_images, tmp_path, monkeypatch, batch_size):
    decoded = counting_decodes(monkeypatch)
    asked = questions_of(DataSplit(questions_about_few_images, Selection("train")))
    run(Checkpoint(llava, Settings(batch_size, 2)), asked, tmp_path / "train.jsonl")
    assert set(decoded) == set(map(make.key, make.COLOURS[:4])) and decoded.total() == len(decoded) + 1
    assert len(read_predictions(tmp_path / "train.jsonl").lines) == 26


@pytest.mark.parametrize("done", [1, 5, 11, 24])
def test_a_run_killed_between_questions_of_an_image_goes_on_to_the_same_file(
    checkpoint, questions_about_few_images, tmp_path, done
):
    asked = questions_of(DataSplit(questions_about_few_images, Selection("train")))
    whole, killed = tmp_path / "whole.jsonl", tmp_path / "killed.jsonl"
    run(checkpoint, asked, whole)
    killed.write_text(
        "".join(whole.read_text(encoding="utf-8").splitlines(keepends=True)[: 1 + done]), encoding="utf-8"
    )
    run(checkpoint, asked, killed)
    assert without_seconds(killed) == without_seconds(whole)


def test_a_half_finished_batch_is_asked_whole_only_where_rounding_depends_on_it():
    batches = [[hand.item("a"), hand.item("b")], [hand.item("c"), hand.item("d")], [hand.item("e")]]
    ids = {
        whole: [[item.id for item in batch] for batch in left_of(batches, {"a", "c", "d"}, whole=whole)]
        for whole in (True, False)
    }
    assert ids == {True: [["a", "b"], ["e"]], False: [["b"], ["e"]]}
