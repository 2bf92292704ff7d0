"""One row of a dataset: as JSON, its image as a file, and as a page."""

import base64
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
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


def test_show_reads_nothing_but_ids_and_the_row_group_of_the_row(tmp_path, monkeypatch):
    """All other columns of the other row groups, and the images of other rows, are overwritten before."""
    monkeypatch.setattr("data_prep.shards.ROWS_PER_GROUP", 5)
    rows = [llava_row(str(n), "ab"[n % 2] + ".png", f"<image>\nWhat is {n}?") for n in range(40)]
    path = llava_mixture(tmp_path, rows, duplicates={"near": False}, rows_per_shard=20)
    build(mixture_file.load(path), tmp_path / "out", "test")
    first, second = sorted((tmp_path / "out").glob("*.parquet"))
    overwrite(first, keep=None)
    overwrite(second, keep=2)
    shown = json.loads(show(tmp_path / "out", "messages-31", html_out=tmp_path / "row.html"))
    assert (shown["id"], len(shown["images"])) == ("messages-31", 1)
    stored = (tmp_path / "images/b.png").read_bytes()
    assert base64.b64encode(stored).decode() in (tmp_path / "row.html").read_text()
    with pytest.raises((OSError, pa.ArrowException)):
        show(tmp_path / "out", "messages-12")
    with pytest.raises(ShowError, match="known ids are like messages-0, messages-1, messages-2"):
        show(tmp_path / "out", "none")


def overwrite(shard, keep):
    """Overwrite every column but `id` in every row group but `keep`."""
    data = bytearray(shard.read_bytes())
    metadata = pq.ParquetFile(shard).metadata
    for group in set(range(metadata.num_row_groups)) - {keep}:
        for number in range(metadata.num_columns):
            column = metadata.row_group(group).column(number)
            if column.path_in_schema != "id":
                start = column.dictionary_page_offset or column.data_page_offset
                data[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    shard.write_bytes(data)


def test_an_image_that_is_not_stored_is_one_message(out, tmp_path, capsys):
    store = next((out / "images").glob("*.arrow"))
    store.write_bytes(b"")
    assert main(["show", str(out), "--id", "messages-two", "--html", str(tmp_path / "row.html")]) == 1
    message = capsys.readouterr().err
    assert str(store) in message and "Build the dataset again" in message and len(message.splitlines()) == 1
