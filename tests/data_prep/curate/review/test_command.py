"""The verb `review`: what is wrong is one message, before the page opens."""

import json
import socket

import pytest

from data_prep import mixture_file
from data_prep.__main__ import main
from data_prep.build import build
from tests.helpers.data_fixtures import llava_mixture, llava_row
from tests.helpers.reviewed import curated_set, opened, said


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = curated_set(tmp_path_factory.mktemp("set"))
    _, store = opened(folder)
    store.put_all([said("p0", "minor"), said("w0", "none")])
    return folder


def told(capsys, *arguments, code=1):
    """What the command prints: to stderr where it fails."""
    assert main(["review", *map(str, arguments)]) == code
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return err if code else out


def test_summary_export_import_and_apply_from_the_command_line(folder, tmp_path, capsys):
    assert "reviewed 2 of 8 rows" in told(capsys, folder, "--summary", code=0)
    assert "2 verdicts" in told(capsys, folder, "--export", tmp_path / "v.jsonl", code=0)
    fresh = tmp_path / "fresh.sqlite"
    assert "2 new" in told(capsys, folder, "--import", tmp_path / "v.jsonl", "--reviews", fresh, code=0)
    assert "needs_review 1" in told(capsys, folder, "--apply", "--out", tmp_path / "out", code=0)
    assert "nothing to do" in told(capsys, folder, "--apply", "--out", tmp_path / "out", code=0)


def test_a_folder_that_no_step_has_written_is_refused(tmp_path, capsys):
    build(mixture_file.load(llava_mixture(tmp_path, [llava_row()])), tmp_path / "plain", "test")
    assert "no step of curation wrote it" in told(capsys, tmp_path / "plain", "--summary")
    assert "no complete dataset" in told(capsys, tmp_path, "--reviewer", "R1")


def test_a_cut_or_foreign_curation_file_is_told_with_its_line(tmp_path, capsys):
    folder = curated_set(tmp_path)
    path = folder / "curation.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:3]))
    assert "no line for 5 rows" in told(capsys, folder, "--summary")
    path.write_text("\n".join([lines[0], "[]"]))
    assert "curation.jsonl, line 2" in told(capsys, folder, "--summary")


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "\x1b[31m", "x" * 101, "a\u202eb"])
def test_a_name_that_cannot_be_seen_or_typed_is_refused(folder, capsys, name):
    assert "printable characters" in told(capsys, folder, "--reviewer", name)


def test_all_wrong_numbers_are_told_together(folder, capsys):
    wrong = ["--sample", "-1", "--waiting", "-2", "--share", "1.5", "--part", "0", "--port", "70000"]
    message = told(capsys, folder, "--reviewer", "R1", *wrong)
    assert all(name in message for name in wrong[::2])


def test_another_host_needs_a_password(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("BIMEDIX2_REVIEW_PASSWORD", raising=False)
    assert "set a password" in told(capsys, folder, "--reviewer", "R1", "--host", "0.0.0.0")
    (tmp_path / "empty").write_text("\n")
    host = ["--reviewer", "R1", "--host", "0.0.0.0", "--password-file"]
    assert "first line is empty" in told(capsys, folder, *host, tmp_path / "empty")
    assert "cannot be read" in told(capsys, folder, *host, tmp_path / "absent")


def test_a_port_in_use_is_told(folder, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"--port {port}" in told(capsys, folder, "--reviewer", "R7", "--port", port)


def test_another_sample_than_that_of_the_first_reviewer_is_refused(folder, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = ["--port", taken.getsockname()[1]]
        told(capsys, folder, "--reviewer", "R1", "--sample", "4", *port)
        assert "begun with --sample 4" in told(capsys, folder, "--reviewer", "R2", "--sample", "5", *port)


def test_what_is_missing_is_named(folder, tmp_path, capsys):
    assert "give --out" in told(capsys, folder, "--apply")
    none = ["--reviews", tmp_path / "none.sqlite"]
    assert "no reviewer has begun" in told(capsys, folder, "--export", tmp_path / "v.jsonl", *none)
    assert "reviewed 0 of 8 rows; begin with" in told(capsys, folder, "--summary", *none, code=0)
    assert not (tmp_path / "none.sqlite").exists()


def test_a_review_file_of_another_set_is_refused(folder, tmp_path, capsys):
    other = curated_set(tmp_path, passed=3, name="other")
    reviews = folder.with_name("curated.reviews.sqlite")
    assert "another dataset" in told(capsys, other, "--summary", "--reviews", reviews)
    told(capsys, folder, "--export", tmp_path / "v.jsonl", code=0)
    assert json.loads((tmp_path / "v.jsonl").read_text().splitlines()[0])["dataset"]
    assert "another dataset" in told(capsys, other, "--import", tmp_path / "v.jsonl")
