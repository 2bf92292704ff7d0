"""Checking a dataset folder against its manifest and the row contract."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_prep import manifest, mixture_file
from data_prep.__main__ import main
from data_prep.build import build
from data_prep.check import CheckError, check
from data_prep.rows import SCHEMA
from tests.helpers.data_fixtures import encoded, llava_mixture, llava_row, random_image


@pytest.fixture
def out(tmp_path):
    rows = [llava_row("one"), llava_row("two", image="b.png"), llava_row("text", image=None, question="Why?")]
    build(mixture_file.load(llava_mixture(tmp_path, rows)), tmp_path / "out", "test")
    return tmp_path / "out"


def test_a_good_folder_passes(out, capsys):
    assert main(["check", str(out)]) == 0
    assert "passed all checks: 3 rows (train 3), 2 images" in capsys.readouterr().out


def rewrite(out, change):
    """Change the rows and make the manifest's hash fit, so that only the deeper checks can notice."""
    shard = next(out.glob("*.parquet"))
    rows = pq.read_table(shard).to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), shard)
    made = manifest.read(out)
    made["shards"][shard.name]["sha256"] = manifest.sha256(shard)
    (out / "manifest.json").write_text(json.dumps(made))


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda rows: rows[0].update(images=["0" * 64]), "row messages-one: image 000"),
        (lambda rows: rows[0].update(images=[]), "row messages-one: image_count"),
        (lambda rows: rows[1].update(id="messages-one"), "the id messages-one is there twice"),
        (lambda rows: rows[2].update(language="ar"), "row messages-text: wrong_language"),
        (lambda rows: rows[2].update(task="other"), "counts are not those of the manifest"),
        (lambda rows: rows.pop(1), "is in no row"),
    ],
)
def test_rows_that_do_not_hold_are_named(out, change, message):
    rewrite(out, change)
    with pytest.raises(CheckError, match=message):
        check(out)


def test_changed_missing_and_foreign_files_are_named(out):
    (out / "ledger.jsonl").write_text("x")
    (out / "images/images-00000.arrow").unlink()
    (out / "train-00001-of-00002.parquet").write_bytes(b"stale")
    with pytest.raises(CheckError) as caught:
        check(out)
    for finding in ("ledger.jsonl is not the file", "images-00000.arrow is missing", "00002.parquet is not in"):
        assert finding in str(caught.value)


@pytest.mark.parametrize(
    "column, value, message",
    [("bytes", b"<html>", "another sha256"), ("bytes", b"<html>", "web page"), ("width", 25, "its size is not")],
)
def test_an_image_that_does_not_hold_is_named(out, column, value, message):
    store = out / "images/images-00000.arrow"
    with pa.memory_map(str(store)) as source:
        table = pa.ipc.open_file(source).read_all().to_pydict()
    table[column][0] = value
    schema = pa.ipc.open_file(store.read_bytes()).schema
    with pa.ipc.new_file(str(store), schema) as writer:
        writer.write_table(pa.table(table, schema=schema))
    made = manifest.read(out)
    made["images"][store.name]["sha256"] = manifest.sha256(store)
    (out / "manifest.json").write_text(json.dumps(made))
    with pytest.raises(CheckError, match=message):
        check(out)


def broken(data, where):
    """The file with other bytes in the middle of its pixels; its head and its end stay."""
    middle = len(data) * where // 100
    return data[:middle] + bytes(8) + data[middle + 8 :]


@pytest.mark.parametrize("form, options", [("PNG", {}), ("JPEG", {}), ("JPEG", {"progressive": True}), ("GIF", {})])
@pytest.mark.parametrize("checks", [True, False])
def test_each_image_is_decoded_once_by_the_build_or_by_check(tmp_path, monkeypatch, form, options, checks):
    (tmp_path / "set").mkdir()
    path = llava_mixture(tmp_path / "set", [llava_row("one")], checks=checks)
    image = random_image(3, (64, 48), "L" if form == "GIF" else "RGB")
    (tmp_path / "set/images/a.png").write_bytes(encoded(image, form, **options))
    build(mixture_file.load(path), tmp_path / "out2", "test")
    decoded = []
    monkeypatch.setattr("data_prep.check.decoded_size", lambda *given, **more: decoded.append(0) or (64, 48))
    assert check(tmp_path / "out2")["written"] == 1 and len(decoded) == (not checks)


@pytest.mark.parametrize("where", [30, 60, 90])
def test_an_image_with_broken_pixels_that_a_build_did_not_decode_is_found_by_check(tmp_path, where):
    path = llava_mixture(tmp_path, [llava_row("one"), llava_row("two", "b.png")], checks=False)
    good = encoded(random_image(3, (64, 48)))
    (tmp_path / "images/a.png").write_bytes(broken(good, where))
    made = build(mixture_file.load(path), tmp_path / "out2", "test")
    assert made["written"] == 2
    with pytest.raises(CheckError, match=r"undecodable_image.*; made without `checks`"):
        check(tmp_path / "out2")


@pytest.mark.parametrize(
    "text, message",
    [(None, "make it with: python -m data_prep build"), ("{", "not JSON"), ('{"format": 9}', "format 9")],
)
def test_a_folder_without_a_good_manifest(out, text, message, capsys):
    (out / "manifest.json").unlink()
    if text:
        (out / "manifest.json").write_text(text)
    assert main(["check", str(out)]) == 1
    error = capsys.readouterr().err
    assert message in error and str(out) in error
