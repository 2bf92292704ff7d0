"""What the page does on each event, without a browser: mistakes are messages, and files stay private."""

import base64
import io
import json
import shutil
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.data import get_testdata_file

from eval.chat.attachment import View, attach
from eval.chat.session import Session
from eval.chat.talker import Decoding
from eval.chat.web import handlers
from eval.chat.web.tab import Tab, message, picture, text_part, without_joiners
from eval.chat.web.uploads import Uploads
from tests.eval.chat.talks import TOKENS, image, local
from tests.helpers import eval_builders as make


@pytest.fixture(scope="module")
def talkers(llava, text_model):
    return {"seeing": local(llava), "blind": local(text_model)}


@pytest.fixture
def new_tab(talkers, tmp_path):
    return lambda *names: Tab(
        Session([talkers[name] for name in names or ("seeing",)], Decoding(TOKENS)), Uploads(tmp_path)
    )


def uploaded(folder, name, content):
    path = folder / "uploads" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return str(path)


def said(shown):
    """The message beside the conversations."""
    return shown[-1][1]


def test_an_uploaded_image_is_shown_without_its_metadata_and_its_file_is_removed(new_tab, tmp_path):
    exif = make.Image.Exif()
    exif[0x010E] = "Patient: A. Somebody"
    path = uploaded(tmp_path, "a.jpg", make.noise((28, 28), 3, "JPEG", exif=exif))
    tab = new_tab()
    shown = list(handlers.send(tab, {"text": "What?", "files": [path]}))
    assert shown[0][0] == {"text": "", "files": []} and said(shown) == message(
        "The answer was cut at the longest answer."
    )
    user, assistant = shown[-1][2]
    assert user["content"][1] == text_part("What?") and assistant["content"][0]["text"]
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert [str(file) for file in files] == [user["content"][0]["path"]]
    assert b"Somebody" not in files[0].read_bytes()
    handlers.change(tab, tab.session.undo)
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]
    tab.close()
    assert not list(tmp_path.glob("tab-*"))


MISTAKES = {
    "text.png": (b"hello", "undecodable_image"),
    "blind.dcm": (None, "without pixels"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_file_that_cannot_be_shown_is_a_message_and_the_question_stays(new_tab, tmp_path, name):
    content, expected = MISTAKES[name]
    if content is None:
        content = Path(get_testdata_file("rtplan.dcm", download=False)).read_bytes()
    good, bad = uploaded(tmp_path, "good.png", make.png("red")), uploaded(tmp_path, name, content)
    tab = new_tab()
    shown = list(handlers.send(tab, {"text": "What?", "files": [good, bad]}))
    assert len(shown) == 1 and shown[0][0] == handlers.NOT_CHANGED and expected in said(shown) and shown[0][2] == []
    assert (tmp_path / "uploads" / "good.png").is_file()


def test_a_path_that_was_not_uploaded_is_refused(new_tab, tmp_path):
    outside = tmp_path.parent / f"{tmp_path.name}.png"
    outside.write_bytes(make.png("red"))
    for path in (str(outside), str(tmp_path / ".." / outside.name), "/etc/passwd"):
        assert "no uploaded file" in said(list(handlers.send(new_tab(), {"text": "", "files": [path]})))
    assert outside.is_file()


def test_a_text_only_model_with_an_image_is_a_message(new_tab, tmp_path):
    path = uploaded(tmp_path, "a.png", make.png("red"))
    assert "text-only" in said(list(handlers.send(new_tab("blind"), {"text": "", "files": [path]})))
    shown = list(handlers.send(new_tab("blind", "seeing"), {"text": "What?", "files": [path]}))
    assert "text-only" in said(shown) and [len(chat) for chat in shown[-1][2:]] == [1, 2]


def test_a_window_and_a_frame_are_chosen_before_sending(new_tab, tmp_path):
    ct, cine = ("CT_small.dcm", "examples_ybr_color.dcm")
    paths = [uploaded(tmp_path, name, b"") for name in (ct, cine)]
    for name, path in zip((ct, cine), paths, strict=True):
        shutil.copy(get_testdata_file(name, download=False), path)
    tab = new_tab()
    assert tab.dicom_files([*paths, uploaded(tmp_path, "a.png", make.png("red"))]) == paths
    assert handlers.dicom(tab, paths[0], 0, 40, 400)[1] == 0 and handlers.dicom(tab, paths[1], 3, None, None)[1] == 29
    expected = [attach(tmp_path / "uploads" / ct, View(0, (40, 400))), attach(tmp_path / "uploads" / cine, View(3))]
    assert handlers.dicom(tab, paths[1], 3, None, None)[0] == picture(expected[1])
    assert "frames 0 to 29" in handlers.dicom(tab, paths[1], 30, None, None)[0]
    assert handlers.dicom(tab, paths[1], None, 40, None)[0] == picture(attach(tmp_path / "uploads" / cine))
    assert "at least 1" in handlers.dicom(tab, paths[0], 0, 40, 0)[0]
    handlers.dicom(tab, paths[0], 0, 40, 400)
    handlers.dicom(tab, paths[1], 3, None, None)
    list(handlers.send(tab, {"text": "What?", "files": paths}))
    assert tab.session.lanes[0].conversation.images() == expected and not tab.views


def test_settings_hold_for_the_next_answer(new_tab):
    tab = new_tab()
    handlers.settle(tab, "Be brief.", 0.5, 3, True)
    list(handlers.send(tab, {"text": "What?", "files": []}))
    session = tab.session
    assert session.lanes[0].conversation.system == "Be brief." and session.drops_oldest
    assert session.decoding == Decoding(3, 0.5)


def test_a_number_that_is_deleted_is_the_default(new_tab):
    tab = new_tab()
    handlers.settle(tab, None, None, None, False)
    assert tab.session.decoding == Decoding()


def test_a_file_is_not_lost_while_an_answer_is_written(new_tab, tmp_path):
    tab, path = new_tab(), uploaded(tmp_path, "a.png", make.png("red"))
    tab.session.decoding = Decoding(400)
    writing = tab.session.ask("What?")
    next(writing)
    assert "stop it first" in said(list(handlers.send(tab, {"text": "And this?", "files": [path]})))
    writing.close()
    shown = list(handlers.send(tab, {"text": "And this?", "files": [path]}))
    assert shown[0][2][-2]["content"][1]["text"] == "And this?" and shown[0][2][-1]["content"][0]["text"] == "…"
    assert not Path(path).is_file()


def test_a_file_goes_when_no_tab_has_it_any_more(new_tab, tmp_path):
    """Gradio gives the same file the same path in every tab."""
    first, second = new_tab(), new_tab()
    second._uploads = first._uploads
    path, other = (uploaded(tmp_path, name, make.png("red")) for name in ("a.png", "b.png"))
    first.hold([path, other])
    second.hold([path])
    first.hold([path])
    assert Path(path).is_file() and not Path(other).exists()
    list(handlers.send(first, {"text": "", "files": [path]}))
    assert Path(path).is_file()
    assert len(list(handlers.send(second, {"text": "", "files": [path]}))) > 1 and not Path(path).exists()
    first.hold([uploaded(tmp_path, "c.png", make.png("red"))])
    first.close()
    assert not list((tmp_path / "uploads").iterdir())


def test_a_tab_that_was_left_in_the_middle_of_an_answer_ends(new_tab, tmp_path):
    tab, path = new_tab(), uploaded(tmp_path, "a.png", make.png("red"))
    tab.session.decoding = Decoding(400)
    shown = handlers.send(tab, {"text": "What?", "files": [path]})
    next(shown)
    tab.close()
    assert [values[2] for values in shown][-1] == [] and not list(tmp_path.glob("tab-*"))


def test_turns_are_edited_and_asked_again(new_tab):
    tab = new_tab()
    list(handlers.send(tab, {"text": "a < b?", "files": []}))
    shown = list(handlers.edit(tab, 0, 0, text_part("a <b> & c?")["text"]))
    assert tab.session.lanes[0].conversation.turns[0].text == "a <b> & c?" and len(shown[-1][2]) == 2
    list(handlers.regenerate(tab))
    assert "Nothing was asked" in said([handlers.change(new_tab(), new_tab().session.undo)])


def test_a_chat_is_saved_as_a_zip_file(new_tab):
    tab = new_tab()
    assert handlers.packed(tab) == ("", message("Nothing to save yet: no question was answered."))
    list(handlers.send(tab, {"text": "What?", "files": []}))
    data, _ = handlers.packed(tab)
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(data))) as packed:
        assert json.loads(packed.read("chat.json"))[0]["messages"][0]["content"][0]["text"] == "What?"


@given(st.text(alphabet="<&>a/!? \u2060", max_size=20))
def test_no_tag_and_no_entity_can_begin_and_editing_gives_the_text_back(text):
    found = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.append(tag)

        def handle_endtag(self, tag):
            found.append(tag)

        def handle_decl(self, decl):
            found.append(decl)

        def handle_comment(self, data):
            found.append(data)

    shown = text_part(text)["text"]
    parser = Parser()
    parser.feed(shown)
    parser.close()
    assert not found and without_joiners(shown) == text


def test_names_of_files_and_messages_are_escaped():
    hostile = '<img src=x onerror="alert(1)">${1}'
    assert "<img src=x" not in message(hostile) and "${" not in message(hostile)
    shown = picture(attachment_named(hostile))
    assert "<img src=x" not in shown and 'onerror="' not in shown


def attachment_named(name):
    return type(image("red"))(name, make.png("red"), name)
