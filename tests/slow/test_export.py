"""Exports through the command line: other language models, text alone, CLIP, and SigLIP at its published size."""

from __future__ import annotations

import json
import os

import pytest
from click.testing import CliRunner

from bimedix2_plugin import cli
from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.export.comparison import embedding_error
from bimedix2_plugin.export.export import MMPROJ, MODEL, RECORD, export
from bimedix2_plugin.export.mmproj import write_mmproj
from bimedix2_plugin.export.server import serving
from bimedix2_plugin.export.vision import read_vision
from bimedix2_plugin.quickstart_parts import SMOLLM2, make_smollm2
from bimedix2_plugin.rehearse import tiny
from tests.helpers import exportable

pytest.importorskip("xllamacpp")
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def converter(monkeypatch):
    exportable.needs_converter()
    if exportable.CONVERTER.is_dir():
        monkeypatch.setenv("LLAMA_CPP_DIR", str(exportable.CONVERTER))


def _exported(merged, out, *options):
    made = CliRunner().invoke(cli.export_gguf, [str(merged), "--out", str(out), *options])
    assert made.exit_code == 0, made.output
    return json.loads((out / RECORD).read_text()), made.output


@pytest.mark.parametrize("family", ["mistral", "qwen3"])
def test_other_language_models_with_a_clip_tower(tmp_path, family):
    record, said = _exported(exportable.merged(tmp_path, family, "clip"), tmp_path / "out")
    assert record["embeddings"]["mean"] < 0.005
    assert len(record["probes"]) == 6
    assert all(probe["tokens"] > 0 and not probe["problem"] for probe in record["probes"])
    assert f"--mmproj {tmp_path / 'out' / MMPROJ}" in said


def test_cropped_images_are_to_be_prepared(tmp_path):
    merged = exportable.merged(tmp_path, aspect="square")
    refused = CliRunner().invoke(cli.export_gguf, [str(merged), "--out", str(tmp_path / "out")])
    assert refused.exit_code == 1 and "--images-prepared" in refused.output
    record, _ = _exported(merged, tmp_path / "out", "--images-prepared", "--outtype", "bf16")
    assert record["embeddings"]["mean"] < 0.005 < record["raw"]["mean"]


def test_a_real_language_model_is_exported_without_a_vision_part(tmp_path):
    record, said = _exported(make_smollm2(tmp_path / "smollm2"), tmp_path / "out")
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [RECORD, MODEL]
    assert [probe["tokens"] for probe in record["probes"]] == [12, 12]
    assert record["vision"] is record["no_vision_because"] is None
    assert "--mmproj" not in said


def test_a_tokenizer_that_the_converter_does_not_know_is_told(tmp_path):
    tiny.llama(tmp_path / "merged", tied=True)
    with pytest.raises(RecipeError, match="does not know this tokenizer"):
        export(tmp_path / "merged", tmp_path / "out", outtype="f16", images_prepared=False, say=lambda _: None)
    assert not (tmp_path / "out").exists()


def test_siglip_so400m_at_its_published_size_is_as_in_transformers(tmp_path, monkeypatch):
    """27 layers of width 1152 with 729 patches; random weights."""
    monkeypatch.setenv("OMP_NUM_THREADS", str(os.cpu_count()))
    sizes = {"hidden_size": 1152, "intermediate_size": 4304, "num_attention_heads": 16, "num_hidden_layers": 27}
    llava = exportable.Llava(tmp_path, "siglip", side=384, vision=sizes)
    write_mmproj(tmp_path / MMPROJ, read_vision(llava.checkpoint), "a test")
    with serving(SMOLLM2.locate()[0], tmp_path / MMPROJ, tmp_path, 2048) as server:
        found = embedding_error(server, llava.embeddings, llava.image)
    assert found and found.passed, found
