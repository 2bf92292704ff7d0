"""The append-only JSON Lines file: what is complete stays, what is half goes, what is damaged is named."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.llm import append_only
from data_prep.llm.append_only import AppendOnlyFile, DamagedFileError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
RECORDS = st.lists(st.dictionaries(st.text(), VALUES, max_size=3), max_size=6)
EVERY_SEPARATOR = "a\nb\r\nc\rd\x0be\x0cf\x1cg\x1dh\x1ei\x85j\u2028k\u2029l"


def opened(path: Path) -> AppendOnlyFile:
    file = AppendOnlyFile(path)
    file.open()
    return file


@settings(max_examples=150, deadline=None)
@given(records=RECORDS, later=RECORDS, data=st.data())
def test_any_truncation_keeps_the_complete_lines(records, later, data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "new" / "file.jsonl"
        file = opened(path)
        ends = [0]
        for record in records:
            file.append([record])
            ends.append(path.stat().st_size)
        assert list(file.records()) == records
        size = data.draw(st.integers(0, ends[-1]))
        if records:
            os.truncate(path, size)
        complete = records[: sum(end <= size for end in ends) - 1]
        assert list(AppendOnlyFile(path).records()) == complete  # a reader leaves the half line out, and in place
        assert not records or path.stat().st_size == size
        file = opened(path)
        assert not records or path.stat().st_size == ends[len(complete)]
        file.append(later)
        assert list(file.records()) == complete + later


def test_opening_a_complete_file_does_not_write(tmp_path):
    path = tmp_path / "file.jsonl"
    opened(path).append([{"a": 1}])
    os.utime(path, ns=(1, 1))
    opened(path)
    assert path.read_bytes() == b'{"a": 1}\n' and path.stat().st_mtime_ns == 1


def test_half_a_line_longer_than_a_block_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(append_only, "_BLOCK", 7)
    path = tmp_path / "file.jsonl"
    path.write_bytes(b'{"a": 1}\n{"b": "' + b"x" * 100)
    opened(path)
    assert path.read_bytes() == b'{"a": 1}\n'
    path.write_bytes(b'{"b": "' + b"x" * 100)
    opened(path)
    assert path.read_bytes() == b""


def test_line_separators_inside_a_text_do_not_end_a_line(tmp_path):
    file = opened(tmp_path / "file.jsonl")
    file.append([{"text": EVERY_SEPARATOR}, {"text": "جواب"}])
    assert list(file.records()) == [{"text": EVERY_SEPARATOR}, {"text": "جواب"}]
    assert "جواب".encode() in file.path.read_bytes()  # readable, not escaped


def test_half_a_surrogate_pair_survives(tmp_path):
    file = opened(tmp_path / "file.jsonl")
    file.append([{"text": "ألم \ud83d"}, {"text": "ok"}])
    assert list(file.records()) == [{"text": "ألم \ud83d"}, {"text": "ok"}]


@pytest.mark.parametrize("line", [b"{not json}", b"\xff\xfe", b"", b'{"a": 1}{"b": 2}', b"[" * 100_000])
def test_a_complete_line_that_is_not_json_is_named(tmp_path, line):
    path = tmp_path / "file.jsonl"
    path.write_bytes(b'{"a": 1}\n' + line + b'\n{"c": 3}\n')
    file = opened(path)
    with pytest.raises(DamagedFileError, match=r"file\.jsonl: line 2 is not JSON \(.*\)\. Remove that line\."):
        list(file.records())
    assert path.read_bytes() == b'{"a": 1}\n' + line + b'\n{"c": 3}\n'


def test_a_line_that_is_no_object_is_named_with_the_callers_error_and_remedy(tmp_path):
    class CallersError(ValueError):
        pass

    path = tmp_path / "file.jsonl"
    path.write_bytes(b"3\n")
    file = AppendOnlyFile(path, "Delete the file.", CallersError)
    with pytest.raises(CallersError, match=r"line 1 is not a JSON object\. Delete the file\.$"):
        list(file.records())


def test_no_file_has_no_records_and_opening_makes_none(tmp_path):
    file = AppendOnlyFile(tmp_path / "folder" / "file.jsonl")
    assert list(file.records()) == []
    file.open()
    assert list((tmp_path / "folder").iterdir()) == []


def test_a_record_that_is_not_json_leaves_the_file_as_it_was(tmp_path):
    file = opened(tmp_path / "file.jsonl")
    file.append([{"a": 1}])
    with pytest.raises(TypeError):
        file.append([{"b": 2}, {"c": object()}])
    assert file.path.read_bytes() == b'{"a": 1}\n'


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's device that is always full")
def test_a_full_disk_is_an_error(tmp_path):
    path = tmp_path / "file.jsonl"
    path.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        AppendOnlyFile(path).append([{"a": 1}])
