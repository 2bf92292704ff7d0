"""A saved chat becomes rows of a dataset."""

import io
import json
import zipfile

import pytest
import yaml

from eval.chat.conversation import Conversation
from eval.chat.saved import archive, save
from eval.errors import EvalError
from tests.eval.chat.test_conversation import red
from tests.helpers.data_fixtures import built


def chats():
    """One in English with an image and an open question at its end, one in Arabic."""
    english, arabic = Conversation("Answer briefly."), Conversation()
    english.ask("What does this image show?", [red()])
    english.answer("A red square, and <b>no</b> organ.")
    english.ask("And now?")
    arabic.ask("ما أعراض الالتهاب الرئوي؟")
    arabic.answer("السعال والحمى وضيق التنفس.")
    return [(english, "outputs/mine/merged"), (arabic, "outputs/mine/merged")]


def test_a_mixture_is_built_of_saved_chats(tmp_path):
    images = save(chats(), tmp_path / "chats" / "mine.json")
    source = {"reader": "messages", "name": "chats", "path": str(tmp_path / "chats" / "mine.json")}
    source |= {"images": str(images), "licence": "CC0-1.0"}
    mixture = tmp_path / "mixture.yml"
    mixture.write_text(yaml.safe_dump({"name": "mine", "sources": [source]}))
    _, made, ledger = built(mixture, tmp_path / "built")
    rows = {row["language"]: row for row in made.values()}
    assert not ledger and rows.keys() == {"en", "ar"}
    assert [turn["role"] for turn in rows["en"]["messages"]] == ["system", "user", "assistant"]
    assert rows["en"]["images"] == [red().key] and rows["ar"]["images"] == []
    assert rows["ar"]["messages"][1]["content"][0]["text"] == "السعال والحمى وضيق التنفس."
    assert rows["en"]["generator"]["model"] == "outputs/mine/merged"


def test_the_archive_holds_the_same_as_the_files(tmp_path):
    images = save(chats(), tmp_path / "mine.json")
    with zipfile.ZipFile(io.BytesIO(archive(chats()))) as packed:
        assert json.loads(packed.read("chat.json")) == json.loads((tmp_path / "mine.json").read_text())
        name = f"{red().key}.png"
        assert packed.read(f"chat_images/{name}") == (images / name).read_bytes() == red().content


def test_nothing_to_save_and_nowhere_to_save_are_one_message(tmp_path):
    with pytest.raises(EvalError, match="no question was answered"):
        save([(Conversation(), "m")], tmp_path / "a.json")
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_text("")
    with pytest.raises(EvalError, match="cannot be written"):
        save(chats(), tmp_path / "file" / "a.json")
