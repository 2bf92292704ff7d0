"""What the export needs is looked for before any work, and what is missing is told with the command that brings it."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from bimedix2_plugin import cli
from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.export.programs import QUANTISATIONS, check_converter, check_quantiser


@pytest.fixture
def llama_cpp(tmp_path, monkeypatch):
    """A llama.cpp with a converter and nothing else, and no program on the PATH."""
    folder = tmp_path / "llama.cpp"
    (folder / "build" / "bin").mkdir(parents=True)
    (folder / "convert_hf_to_gguf.py").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("LLAMA_CPP_DIR", str(folder))
    return folder


def _asked(tmp_path, *options):
    made = CliRunner().invoke(cli.export_gguf, [str(tmp_path), "--out", str(tmp_path / "out"), *options])
    assert not (tmp_path / "out").exists()
    return made


def test_without_a_converter_the_command_that_brings_it_is_told(llama_cpp, monkeypatch):
    check_converter()
    (llama_cpp / "convert_hf_to_gguf.py").unlink()
    with pytest.raises(RecipeError, match=r"LLAMA_CPP_DIR is .*make setup-export"):
        check_converter()
    monkeypatch.delenv("LLAMA_CPP_DIR")
    with pytest.raises(RecipeError, match=r"no llama\.cpp was found.*make setup-export"):
        check_converter()


def test_without_llama_quantize_the_command_that_brings_it_is_told(llama_cpp):
    with pytest.raises(
        RecipeError, match=r"^--quantize Q4_0,Q6_K: no llama-quantize in .*make setup-quantize"
    ) as error:
        check_quantiser(["Q4_0", "Q8_0", "Q6_K"])
    assert "Q8_0 needs none" in str(error.value)
    check_quantiser(["Q8_0"])
    check_quantiser([])


def test_a_llama_quantize_that_cannot_be_run_is_told(llama_cpp):
    program = llama_cpp / "build" / "bin" / "llama-quantize"
    program.touch(mode=0o644)
    with pytest.raises(RecipeError, match=r"cannot be executed\. Run: chmod \+x .*llama-quantize$"):
        check_quantiser(["Q4_0"])
    program.chmod(0o755)
    check_quantiser(["Q4_0"])


def test_the_command_tells_in_one_line_that_llama_quantize_is_missing(llama_cpp, tmp_path):
    pytest.importorskip("xllamacpp")
    made = _asked(tmp_path, "--quantize", "Q4_K_M")
    assert made.exit_code == 1
    assert made.output.startswith("Error: --quantize Q4_K_M: no llama-quantize") and made.output.count("\n") == 1


@pytest.mark.parametrize(("given", "unknown"), [("Q4", "Q4"), ("Q8_0,iq2_xs", "IQ2_XS"), ("Q8_0,", "")])
def test_an_unknown_type_is_refused_with_the_known_ones(tmp_path, given, unknown):
    made = _asked(tmp_path, "--quantize", "Q4_0", "--quantize", given)
    assert made.exit_code == 2
    assert f"{unknown!r} is not known; known: {', '.join(QUANTISATIONS)}" in made.output


def test_the_command_refuses_an_adapter_in_one_line(tmp_path):
    pytest.importorskip("xllamacpp")
    (tmp_path / "convert_hf_to_gguf.py").touch()
    (tmp_path / "adapter_config.json").write_text("{}")
    made = CliRunner(env={"LLAMA_CPP_DIR": str(tmp_path)}).invoke(
        cli.export_gguf, [str(tmp_path), "--out", str(tmp_path / "out")]
    )
    assert made.exit_code == 1
    assert made.output.startswith("Error: MERGED:")
    assert made.output.count("\n") == 1
