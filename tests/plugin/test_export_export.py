"""A merged checkpoint becomes files of llama.cpp that answer like it, or nothing at all."""

from __future__ import annotations

import errno
import json
import resource
import shutil
from contextlib import contextmanager
from dataclasses import asdict, replace

import pytest
from click.testing import CliRunner
from PIL import Image

from bimedix2_plugin import cli
from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.export import export as exporting
from bimedix2_plugin.export.checkpoint import read_checkpoint
from bimedix2_plugin.export.export import MMPROJ, RECORD, export
from bimedix2_plugin.export.mmproj import write_mmproj
from bimedix2_plugin.export.proof import Proof, prove
from bimedix2_plugin.export.quantised import measure
from bimedix2_plugin.export.reference import compute
from bimedix2_plugin.export.report import lines
from bimedix2_plugin.export.server import serving
from bimedix2_plugin.export.text_half import MODEL
from bimedix2_plugin.export.vision import read_vision
from data_prep.images.prepared import image_processor, prepare
from eval.cli import main as evaluation
from eval.predictions import read_predictions
from tests.helpers import eval_builders as make
from tests.helpers import exportable

pytest.importorskip("xllamacpp")
Q8 = "model-Q8_0.gguf"


@pytest.fixture(scope="module", autouse=True)
def converter():
    """Where the tests' converter is."""
    exportable.needs_converter()
    with pytest.MonkeyPatch.context() as patch:
        if exportable.CONVERTER.is_dir():
            patch.setenv("LLAMA_CPP_DIR", str(exportable.CONVERTER))
        yield


@pytest.fixture(scope="module")
def merged(tmp_path_factory):
    return exportable.merged(tmp_path_factory.mktemp("llava"))


@pytest.fixture(scope="module")
def exported(merged):
    """An export beside what a killed one left."""
    out = merged.parent / "exported"
    left = merged.parent / ".exported.partial"
    left.mkdir()
    (left / MODEL).write_bytes(b"half")
    return _export(merged, out, quantisations=("Q8_0",))


@pytest.fixture(scope="module")
def reference(merged):
    return compute(read_checkpoint(merged, images_prepared=False))


def _export(merged, out, **changes):
    given = {"outtype": "f32", "images_prepared": False, "say": lambda _: None} | changes
    return export(merged, out, **given)


@contextmanager
def _full_disk(size):
    """No file of this process or its children can grow further."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _preferring(answer, token):
    """The answer of a checkpoint that is sure of another third token."""
    sure = answer.log_probabilities.clone()
    sure[2, token] = 0
    return replace(answer, ids=[*answer.ids[:2], token, *answer.ids[3:]], log_probabilities=sure)


def _preferring_to_end(file, copy, token, end):
    """Copy a model's file in Q8_0, with `end` twice as likely by its logit as `token`, which it would answer first."""
    import gguf

    shutil.copyfile(file, copy)
    (rows,) = [tensor.data for tensor in gguf.GGUFReader(copy, "r+").tensors if tensor.name == "token_embd.weight"]
    rows[end] = rows[token]
    blocks = rows[end].reshape(-1, 34)  # each a scale in 16 bits and 32 values in 8
    blocks[:, :2] = (2 * blocks[:, :2].copy().view("float16")).view("uint8")


def _nothing_left(folder):
    return not [entry.name for entry in folder.iterdir() if entry.name.lstrip(".").startswith("out") and entry.is_dir()]


def test_a_checkpoint_is_exported_and_answers_alike(merged, exported):
    assert exported.reason == ""
    assert exported.proof.embeddings.passed
    names = [probe.name for probe in exported.proof.probes]
    kinds = ("text", "image", "two images over three turns")
    assert sorted(names) == sorted(f"{kind}, {language}" for kind in kinds for language in ("en", "ar"))
    assert all(probe.tokens > 0 and probe.difference < 0.01 for probe in exported.proof.probes)
    assert exported.proof.raw.mean > exported.proof.embeddings.mean
    files = {file.name for file in exported.folder.iterdir()}
    assert files == {MODEL, Q8, MMPROJ, RECORD, "preprocessor_config.json"}
    record = json.loads((exported.folder / RECORD).read_text())
    assert record["probes"][0]["tokens"] == exported.proof.probes[0].tokens
    assert record["llama_cpp"].startswith("xllamacpp 20")
    assert not (merged.parent / ".exported.partial").exists()


def test_a_quantised_file_is_asked_the_same_questions(exported):
    """A random model's answers are as near to each other as its logits: how many tokens stay is not known here."""
    (quantised,) = exported.quantised
    whole = (exported.folder / MODEL).stat().st_size
    assert (quantised.file, quantised.of, quantised.problem) == (Q8, 72, "")
    assert 8 / 32 < quantised.size / whole < 0.4
    assert 6 <= quantised.tokens <= 72
    assert json.loads((exported.folder / RECORD).read_text())["quantised"] == [asdict(quantised)]
    assert f"{Q8} (0.01 GB, 35% of {MODEL}): {quantised.tokens} of 72 greedy tokens" in "\n".join(lines(exported))
    assert exported.failures() == []


def test_a_quantised_file_with_other_answers_is_counted_not_refused(exported, reference, tmp_path):
    answers = [_preferring(answer, 77) for answer in reference.answers]
    found = measure(exported.folder / Q8, exported.folder / MMPROJ, replace(reference, answers=answers), tmp_path, 4)
    assert (found.tokens, found.of, found.problem) == (12, 72, "")


def test_a_quantised_file_that_llama_cpp_cannot_use_has_a_problem(exported, reference, tmp_path):
    broken, silent = tmp_path / "broken.gguf", tmp_path / "silent.gguf"
    broken.write_bytes((exported.folder / Q8).read_bytes()[:100_000])
    assert measure(broken, None, reference, tmp_path, 4).problem.startswith("llama.cpp failed: ")
    end_of_turn = 2
    assert end_of_turn in reference.specials
    _preferring_to_end(exported.folder / Q8, silent, reference.answers[0].ids[0], end_of_turn)
    assert "its answers are empty" in measure(silent, None, reference, tmp_path, 4).problem


def test_a_client_prepares_images_with_the_exports_settings(merged, exported):
    image = Image.new("RGB", (80, 30), "white")
    alike = [prepare(image, image_processor(folder)) for folder in (merged, exported.folder)]
    assert alike[0].size == (30, 30)
    assert alike[0].tobytes() == alike[1].tobytes()
    processor = image_processor(merged)
    again = [processor(given, return_tensors="np")["pixel_values"] for given in (image, alike[0])]
    assert abs(again[0] - again[1]).max() < 1e-6


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda answer: replace(answer, prompt=answer.prompt + " "), "the prompt is"),
        (lambda answer: _preferring(answer, 77), "token 3 is"),
        (lambda answer: replace(answer, ids=answer.ids[:4]), "transformers' answer ends earlier"),
    ],
)
def test_another_answer_is_a_problem(exported, reference, tmp_path, change, said):
    """Of the last probe: two images over three turns."""
    answers = [*reference.answers[:-1], change(reference.answers[-1])]
    last = replace(reference, probes=reference.probes[-1:], answers=answers[-1:])
    proof = prove(exported.folder / MODEL, exported.folder / MMPROJ, last, tmp_path, 4)
    assert said in proof.problem


def test_other_embeddings_are_a_problem(exported, reference, tmp_path):
    off = replace(reference, embeddings=reference.embeddings * 1.01)
    proof = prove(exported.folder / MODEL, exported.folder / MMPROJ, off, tmp_path, 4)
    assert "its embeddings of an image are 0.9" in proof.problem


@pytest.fixture
def converted(exported, reference, monkeypatch):
    """The converter's and the checkpoint's parts are done, as in the export above."""

    def copy(checkpoint, folder, outtype, work, quantisations):
        shutil.copyfile(exported.folder / MODEL, folder / MODEL)
        for one in quantisations:
            (folder / f"model-{one}.gguf").write_bytes((exported.folder / Q8).read_bytes()[:100_000])

    monkeypatch.setattr(exporting, "write_text_half", copy)
    monkeypatch.setattr(exporting, "compute", lambda _: reference)


def test_a_vision_part_that_is_computed_otherwise_is_deleted_and_the_text_half_kept(
    merged, converted, tmp_path, monkeypatch
):
    def wrong(checkpoint):
        part = read_vision(checkpoint)
        part.tensors["mm.2.weight"] *= 1.1
        return part

    monkeypatch.setattr(exporting, "read_vision", wrong)
    made = CliRunner().invoke(cli.export_gguf, [str(merged), "--out", str(tmp_path / "out")])
    assert made.exit_code == 1
    assert "the vision part was deleted, the text half kept: its embeddings of an image are" in made.output
    assert "Traceback" not in made.output
    assert (tmp_path / "out" / MODEL).is_file()
    assert not (tmp_path / "out" / MMPROJ).exists()
    record = json.loads((tmp_path / "out" / RECORD).read_text())
    assert "embeddings" in record["no_vision_because"]
    assert [probe["name"] for probe in record["probes"]] == ["text, en", "text, ar"]


def test_a_quantised_file_that_cannot_be_used_is_deleted_and_the_rest_kept(merged, converted, tmp_path):
    asked = [str(merged), "--out", str(tmp_path / "out"), "--outtype", "f32", "--quantize", "q8_0,Q8_0"]
    made = CliRunner().invoke(cli.export_gguf, asked)
    assert made.exit_code == 1
    assert f"Error: {Q8} was deleted, the rest kept: llama.cpp failed: " in made.output
    assert f"{Q8} (" not in made.output and "Traceback" not in made.output
    assert {file.name for file in (tmp_path / "out").iterdir()} >= {MODEL, MMPROJ, RECORD}
    assert not (tmp_path / "out" / Q8).exists()
    (recorded,) = json.loads((tmp_path / "out" / RECORD).read_text())["quantised"]
    assert recorded["problem"].startswith("llama.cpp failed: ")


def test_a_language_model_that_answers_otherwise_is_not_exported(merged, converted, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "prove", lambda *_: Proof([], problem="text, en: token 1 is 5, in transformers 6"))
    with pytest.raises(RecipeError, match=r"answers differently in xllamacpp .*token 1 is 5"):
        _export(merged, tmp_path / "out")
    assert _nothing_left(tmp_path)


@pytest.mark.parametrize("step", ["prove", "measure"])
def test_an_interrupted_export_leaves_nothing(merged, converted, tmp_path, monkeypatch, step):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(exporting, step, stop)
    with pytest.raises(KeyboardInterrupt):
        _export(merged, tmp_path / "out", quantisations=("Q8_0",))
    assert _nothing_left(tmp_path)


def test_a_full_disk_in_the_middle_is_one_message(merged, tmp_path):
    with _full_disk(2_000_000), pytest.raises(RecipeError, match=r"cannot be written .*Free some space"):
        _export(merged, tmp_path / "out")
    assert _nothing_left(tmp_path)


def test_a_disk_that_fills_up_with_the_vision_part_is_told(merged, tmp_path):
    part = read_vision(read_checkpoint(merged, images_prepared=False))
    with _full_disk(50_000), pytest.raises(OSError, match=r".") as error:
        write_mmproj(tmp_path / MMPROJ, part, "a test")
    assert error.value.errno in (errno.ENOSPC, errno.EFBIG)


def test_a_disk_without_room_is_told_before_any_work(merged, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    with pytest.raises(RecipeError, match="Free some space"):
        _export(merged, tmp_path / "out")
    assert _nothing_left(tmp_path)


@pytest.mark.parametrize(("quantisations", "free"), [(("Q4_0", "Q4_K_M"), 20_000_000), (("Q8_0",), 28_000_000)])
def test_room_for_quantised_files_is_asked_for(merged, tmp_path, monkeypatch, quantisations, free):
    """Of 13.1 MB of weights; for Q8_0, Axolotl wants room for twice the weights a second time."""
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=free))
    monkeypatch.setattr(exporting, "check_quantiser", lambda _: None)
    with pytest.raises(RecipeError, match="Free some space"):
        _export(merged, tmp_path / "out", quantisations=quantisations)
    assert _nothing_left(tmp_path)


def test_an_existing_folder_is_not_replaced(merged, tmp_path):
    with pytest.raises(RecipeError, match="exists"):
        _export(merged, tmp_path)


def test_evaluation_asks_the_export_through_its_server(merged, exported, tmp_path):
    data = make.write_data(tmp_path / "data", {"test": make.TRAIN_ROWS})
    asked = ["run", "--data", str(data), "--split", "test", "--limit", "8", "--max-new-tokens", "8", "--out"]
    (checkpoint, export), kept = (tmp_path / "checkpoint", tmp_path / "export"), exported.folder
    assert evaluation([*asked, str(checkpoint), "--model", str(merged)]) == 0
    with serving(kept / MODEL, kept / MMPROJ, tmp_path, 2048) as server:
        at = ["--engine", "openai", "--base-url", f"{server.address}/v1", "--prepare-images", str(kept)]
        assert evaluation([*asked, str(export), "--model", "export", "--concurrency", "1", *at]) == 0
    ours, theirs = (read_predictions(folder / "predictions/test.jsonl") for folder in (checkpoint, export))
    assert theirs.header["images"] == "shown" and any(line.images for line in theirs.lines)
    assert {line.item: line.output for line in theirs.lines} == {line.item: line.output for line in ours.lines}
    assert evaluation(["compare", str(checkpoint), str(export)]) == 0
