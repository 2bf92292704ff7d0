"""A data set folder as items, and what is said of one that is not usable."""

import pytest

from eval.benchmarks.data_split import items_of
from eval.cli import main
from eval.dataset import DataSet
from eval.errors import EvalError
from tests.helpers import eval_builders as make


def test_a_single_turn_row_is_one_item(data):
    item = items_of(DataSet.open(data).rows("train"))[0]
    assert (item.id, item.language, item.task, item.modality) == ("closed-en#0", "en", "vqa_closed", "ct")
    assert item.messages == (
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Is this a CT?"}]},
    )
    assert (item.images, item.question, item.gold) == ((make.key("red"),), "Is this a CT?", "Yes")


def test_every_assistant_turn_is_an_item_with_the_gold_history(data):
    first, second = [item for item in items_of(DataSet.open(data).rows("train")) if item.id.startswith("talk-en")]
    assert (first.id, second.id) == ("talk-en#0", "talk-en#1")
    assert [message["role"] for message in second.messages] == ["user", "assistant", "user"]
    assert second.messages[1]["content"] == [{"type": "text", "text": "A head CT."}]
    assert (second.question, second.gold) == ("Which plane?", "Axial.")
    assert first.images == second.images == (make.key("black"),)


def test_an_item_holds_only_the_images_shown_up_to_its_turn():
    row = make.row("late", "en", "conversation", [("Hello?", "Hi."), ("And this?", "A CT.")], ["red"])
    image = row["messages"][0]["content"].pop(0)
    row["messages"][2]["content"].insert(0, image)
    first, second = items_of([row])
    assert (first.images, second.images) == ((), (make.key("red"),))


def test_a_system_turn_stays_in_front():
    row = make.row("system", "en", "text_qa", [("What?", "That.")])
    row["messages"].insert(0, {"role": "system", "content": [{"type": "text", "text": "Be brief."}]})
    (item,) = items_of([row])
    assert [message["role"] for message in item.messages] == ["system", "user"]


def test_splits_come_from_the_manifest(data):
    assert DataSet.open(data).splits() == ["heldout_image", "heldout_question", "train"]
    assert [row["id"] for row in DataSet.open(data).rows("heldout_image")] == ["held-en", "held-ar"]


def test_no_manifest_names_the_command(tmp_path):
    with pytest.raises(
        EvalError, match=r"manifest\.json: there is no manifest.*python -m data_prep build recipes/data/quickstart.yml"
    ):
        DataSet.open(tmp_path / "quickstart")


@pytest.mark.parametrize(("folder", "recipe"), [("bimed-v", "recipes/data/bimed_v.yml"), ("mine", "MIXTURE.yml")])
def test_only_a_recipe_that_exists_is_named(tmp_path, folder, recipe):
    with pytest.raises(EvalError, match=rf"python -m data_prep build {recipe} --out .*/{folder}"):
        DataSet.open(tmp_path / folder)


def test_broken_manifest(tmp_path):
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(EvalError, match=r"manifest\.json: not the manifest"):
        DataSet.open(tmp_path)


def test_missing_shard(tmp_path):
    folder = make.write_data(tmp_path / "tiny", {"train": make.TRAIN_ROWS})
    (folder / "train-00001-of-00002.parquet").unlink()
    with pytest.raises(EvalError, match=r"train-00001-of-00002\.parquet: the manifest names this shard"):
        DataSet.open(folder)


def test_unknown_split_lists_the_splits(data):
    with pytest.raises(EvalError, match=r"no split 'test'\. Its splits are heldout_image, heldout_question, train"):
        DataSet.open(data).rows("test")


def test_image_count_names_the_row(tmp_path):
    row = {**make.TRAIN_ROWS[0], "images": []}
    folder = make.write_data(tmp_path / "tiny", {"train": [row]})
    with pytest.raises(EvalError, match="row 'closed-en' has 1 image parts and 0 images"):
        DataSet.open(folder).rows("train")


def test_the_command_line_prints_one_line_and_no_traceback(tmp_path, capsys):
    arguments = ["run", "--model", "m", "--data", str(tmp_path / "none"), "--split", "train", "--out", str(tmp_path)]
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("eval: error: ") and error.count("\n") == 1
