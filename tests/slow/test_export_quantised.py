"""A real language model, quantised by the compiled llama-quantize and asked by llama.cpp."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner

from bimedix2_plugin import cli
from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.export.export import RECORD
from bimedix2_plugin.export.programs import QUANTISATIONS, check_quantiser
from bimedix2_plugin.export.text_half import MODEL, quantised_name
from bimedix2_plugin.quickstart_parts import make_smollm2
from tests.helpers import exportable

pytest.importorskip("xllamacpp")
pytestmark = pytest.mark.slow


@pytest.fixture
def quantiser(monkeypatch):
    monkeypatch.setenv("LLAMA_CPP_DIR", str(exportable.converter()))
    try:
        check_quantiser(["Q4_K_M"])
    except RecipeError as error:
        pytest.skip(str(error))


def _export(merged, out, *options):
    return CliRunner().invoke(cli.export_gguf, [str(merged), "--out", str(out), *options])


def test_a_real_language_model_keeps_most_of_its_answers(quantiser, tmp_path):
    made = _export(make_smollm2(tmp_path / "smollm2"), tmp_path / "out", "--quantize", "Q4_K_M,Q8_0")
    assert made.exit_code == 0, made.output
    record = json.loads((tmp_path / "out" / RECORD).read_text())
    four, eight = record["quantised"]
    whole = (tmp_path / "out" / MODEL).stat().st_size
    assert [four["file"], eight["file"]] == ["model-Q4_K_M.gguf", "model-Q8_0.gguf"]
    assert four["size"] < eight["size"] < 0.6 * whole and four["size"] < 0.45 * whole
    assert four["of"] == eight["of"] == 24
    assert four["tokens"] <= eight["tokens"] and eight["tokens"] >= 12
    assert "model-Q4_K_M.gguf (0.1" in made.output


def test_every_type_that_is_offered_can_be_made(quantiser, tmp_path):
    """Without an importance matrix; of a model whose rows do not divide into the larger blocks."""
    types = ",".join(QUANTISATIONS)
    made = _export(exportable.text_model(tmp_path / "text"), tmp_path / "out", "--quantize", types)
    assert made.exit_code == 0, made.output
    sizes = [(tmp_path / "out" / quantised_name(one)).stat().st_size for one in QUANTISATIONS]
    assert max(sizes) < 0.7 * (tmp_path / "out" / MODEL).stat().st_size  # the vocabulary stays as it is


@pytest.fixture
def failing(tmp_path, monkeypatch):
    """Return a function that puts a llama-quantize in place which writes half a file and then runs a command."""
    source, folder = exportable.converter(), tmp_path / "llama.cpp"
    (folder / "build" / "bin").mkdir(parents=True)
    for name in ("convert_hf_to_gguf.py", "conversion", "gguf-py"):
        (folder / name).symlink_to(source / name)
    monkeypatch.setenv("LLAMA_CPP_DIR", str(folder))

    def put(command):
        program = folder / "build" / "bin" / "llama-quantize"
        program.write_text(f'#!/bin/sh\necho half > "$2"\n{command}\n')
        program.chmod(0o755)

    return put


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            "echo 'this type requires an imatrix!' >&2; exit 1",
            "llama-quantize (to Q4_0) failed: .*requires an imatrix!",
        ),
        ("echo 'failed to quantize: basic_ios::clear: iostream error' >&2; exit 1", "Free some space"),
        ("kill -9 $$", "llama-quantize (to Q4_0) was stopped by signal 9; is the memory full?"),
    ],
)
def test_a_failing_llama_quantize_is_one_message_and_leaves_nothing(failing, tmp_path, command, said):
    failing(command)
    made = _export(exportable.text_model(tmp_path / "text"), tmp_path / "out", "--quantize", "Q4_0")
    assert made.exit_code == 1
    assert re.search(said.replace("(", r"\(").replace(")", r"\)"), made.output), made.output
    assert "Traceback" not in made.output
    assert not [entry for entry in tmp_path.iterdir() if "out" in entry.name and entry.is_dir()]
