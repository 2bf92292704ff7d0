"""One row of a dataset: as JSON, its image as a file, and as a page."""

import base64
import io
import json

import pytest
from PIL import Image

from data_prep import mixture_file
from data_prep.__main__ import main
from data_prep.build import build
from data_prep.show import ShowError, show
from tests.helpers.data_fixtures import llava_mixture, llava_row


@pytest.fixture
def out(tmp_path):
    rows = [llava_row("one"), llava_row("two", image="b.png"), llava_row("text", image=None, question="Why?")]
    build(mixture_file.load(llava_mixture(tmp_path, rows)), tmp_path / "out", "test")
    return tmp_path / "out"


def test_show_prints_the_row_and_writes_its_image(out, tmp_path, capsys):
    image = tmp_path / "shown.png"
    assert main(["show", str(out), "--id", "messages-two", "--image-out", str(image)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["id"], shown["split"]) == ("messages-two", "train")
    assert image.read_bytes() == (tmp_path / "images/b.png").read_bytes()
    assert Image.open(io.BytesIO(image.read_bytes())).size == (24, 16)


def test_the_page_of_a_row_is_escaped_and_whole(tmp_path):
    rows = [llava_row("one", question="<image>\n<script>alert(1)</script> ما هذا؟ x < y", answer="a & b")]
    build(mixture_file.load(llava_mixture(tmp_path, rows, checks=False)), tmp_path / "out", "test")
    page = tmp_path / "row.html"
    assert main(["show", str(tmp_path / "out"), "--id", "messages-one", "--html", str(page)]) == 0
    text = page.read_text()
    assert "<script>" not in text and "&lt;script&gt;" in text and "a &amp; b" in text
    stored = (tmp_path / "images/a.png").read_bytes()
    assert base64.b64encode(stored).decode() in text and 'dir="auto"' in text and "http" not in text


def test_show_says_what_is_not_there(out, tmp_path):
    with pytest.raises(
        ShowError, match="no row has the id 'three'; known ids are like messages-one, messages-two, messages-text"
    ):
        show(out, "three")
    with pytest.raises(ShowError, match="messages-text: a row without an image"):
        show(out, "messages-text", tmp_path / "x.png")
