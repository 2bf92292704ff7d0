"""A file is complete or absent: written beside its path, moved there at the end, removed on an error."""

import errno

import pytest

from data_prep.atomic import atomic_write, link_or_copy


def test_the_file_appears_at_the_end_of_the_block_and_folders_are_made(tmp_path):
    path = tmp_path / "new/file.txt"
    with atomic_write(path) as partial:
        partial.write_text("whole")
        assert partial.parent == path.parent and not path.exists()
    assert path.read_text() == "whole" and list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
def test_on_an_error_the_old_file_stays_and_the_error_is_passed_on(tmp_path, error):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(type(error)) as raised, atomic_write(path) as partial:
        partial.write_text("half")
        raise error
    assert raised.value is error
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    path = tmp_path / "file.txt"
    with pytest.raises(FileNotFoundError), atomic_write(path):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("links", [True, False])
def test_a_finished_file_is_linked_or_copied_and_replaces_an_older_one(tmp_path, monkeypatch, links):
    def refuse(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    if not links:
        monkeypatch.setattr("data_prep.atomic.os.link", refuse)
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("new")
    target.write_text("old")
    link_or_copy(source, target)
    assert source.read_text() == target.read_text() == "new" and source.samefile(target) == links
