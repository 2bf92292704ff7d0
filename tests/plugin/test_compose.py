"""Composition: nothing copied, no key lost, the base's and the tower's own numbers to the bit."""

from __future__ import annotations

import errno
import json
import multiprocessing
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from transformers import AutoModel, AutoModelForCausalLM, AutoProcessor

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model import projector
from bimedix2_plugin.model.compose import compose, load
from bimedix2_plugin.model.request import Request
from bimedix2_plugin.rehearse import tiny

BASES = {
    "tied": {"tied": True},
    "untied": {"tied": False},
    "sharded": {"tied": False, "sharded": True},
    "spare row": {"tied": True, "spare_rows": 5},
    "reserved token": {"tied": False, "style": "llama3"},
}
TOWERS = {
    "clip vision": tiny.clip_vision,
    "whole clip": tiny.clip_whole,
    "whole clip bin": lambda folder: tiny.clip_whole(folder, as_bin=True),
    "dinov2": tiny.dinov2,
}


def _request(folder: Path, **changes) -> Request:
    return Request(base=str(folder / "llama"), tower=str(folder / "tower"), root=folder / "composed", **changes)


@pytest.fixture
def parts_folder(tmp_path):
    tiny.llama(tmp_path / "llama", tied=True)
    tiny.clip_vision(tmp_path / "tower")
    return tmp_path


@pytest.mark.parametrize("tower", TOWERS)
@pytest.mark.parametrize("base", BASES)
def test_equal_to_the_bit(tmp_path, base, tower):
    tiny.llama(tmp_path / "llama", **BASES[base])
    TOWERS[tower](tmp_path / "tower")
    folder = compose(_request(tmp_path))
    model, report = load(folder, dtype=torch.float32, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"] and not report["mismatched_keys"]

    alone = AutoModelForCausalLM.from_pretrained(tmp_path / "llama", dtype=torch.float32)
    rows = alone.config.vocab_size
    ids = torch.randint(0, rows, (2, 11), generator=torch.Generator().manual_seed(0))
    ids[ids == model.config.image_token_id] = 0
    whole = AutoModel.from_pretrained(tmp_path / "tower", dtype=torch.float32)
    vision = getattr(whole, "vision_model", whole)
    pixels = torch.randn(2, 3, 28, 28, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.equal(model(input_ids=ids).logits[..., :rows], alone(ids).logits)
        ours = model.model.vision_tower(pixels, output_hidden_states=True).hidden_states[-2]
        assert torch.equal(ours, vision(pixels, output_hidden_states=True).hidden_states[-2])
    grows = base in ("tied", "untied", "sharded")
    assert model.config.text_config.vocab_size == rows + grows


def test_weights_are_linked_not_copied(parts_folder):
    folder = compose(_request(parts_folder))
    links = {entry.name: entry.resolve() for entry in folder.iterdir() if entry.is_symlink()}
    assert links["base-model.safetensors"] == (parts_folder / "llama" / "model.safetensors").resolve()
    assert links["tower-model.safetensors"] == (parts_folder / "tower" / "model.safetensors").resolve()


def test_placeholder_is_one_token_of_its_own(tmp_path):
    tiny.llama(tmp_path / "llama", tied=False, style="llama3")
    tiny.clip_vision(tmp_path / "tower")
    before = tiny_vocabulary(tmp_path / "llama")
    folder = compose(_request(tmp_path))
    after = tiny_vocabulary(folder)
    renamed = {token for token in before if token not in after}
    assert len(renamed) == 1 and "reserved" in renamed.copy().pop()
    assert after["<image>"] == before[renamed.pop()]
    assert {token: index for token, index in after.items() if token != "<image>"}.items() <= before.items()


def tiny_vocabulary(folder):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder).get_vocab()


def test_new_projector_has_the_scale_of_the_embeddings(parts_folder):
    model = load(compose(_request(parts_folder)), dtype=torch.float32)
    features = torch.cat(list(model.get_image_features(torch.randn(4, 3, 28, 28)).pooler_output))
    ratio = float(features.std() / model.get_input_embeddings().weight.std())
    assert 0.5 < ratio < 2


def test_processor_of_the_folder_counts_as_the_model(parts_folder):
    from PIL import Image

    folder = compose(_request(parts_folder))
    processor = AutoProcessor.from_pretrained(folder)
    turns = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What?"}]}]
    text = processor.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    inputs = processor(text=[text], images=[[Image.new("RGB", (40, 25))]], return_tensors="pt")
    config = load(folder).config
    assert int((inputs["input_ids"] == config.image_token_id).sum()) == config.image_seq_length == 4


def test_same_request_same_folder_other_request_another(parts_folder):
    first = compose(_request(parts_folder))
    stamp = (first / "composition.json").stat().st_mtime_ns
    assert compose(_request(parts_folder)) == first
    assert (first / "composition.json").stat().st_mtime_ns == stamp
    assert compose(_request(parts_folder, image_aspect="square")) != first
    assert compose(_request(parts_folder, system="Other.")) != first


@pytest.mark.parametrize("weights", [True, False])
def test_another_model_under_the_same_name_is_another_composition(parts_folder, weights):
    first = compose(_request(parts_folder, weights=weights))
    tiny.llama(parts_folder / "llama", tied=True, style="llama3", spare_rows=3)
    second = compose(_request(parts_folder, weights=weights))
    assert second != first and tiny_vocabulary(second) != tiny_vocabulary(first)


def test_many_ranks_may_ask_at_once(parts_folder):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.helpers.ranks_jobs"])  # imported once, for the tests of two ranks as well
    with context.Pool(3) as pool:
        folders = pool.map(compose, [_request(parts_folder)] * 3)
    assert len(set(folders)) == 1
    assert not list((parts_folder / "composed").glob("*partial*"))


def test_stage_1_projector_is_taken_over(parts_folder):
    shape = projector.ProjectorShape("mlp2x_gelu", 32, 64, -2)
    fresh = projector.load(compose(_request(parts_folder)))
    projector.save(parts_folder / "stage1", asdict(shape), {name: tensor + 1 for name, tensor in fresh.items()})
    _finish(parts_folder)
    folder = compose(_request(parts_folder, init_from=str(parts_folder / "stage1")))
    taken = load(folder, dtype=torch.float32).model.multi_modal_projector
    assert torch.equal(taken.linear_1.weight, fresh["multi_modal_projector.linear_1.weight"] + 1)


def _finish(folder, **changes):
    models = {part: json.loads((folder / name / "config.json").read_text()) for part, name in NAMES.items()}
    (folder / "stage1" / projector.FINISHED).write_text(json.dumps(models | changes))


NAMES = {"base": "llama", "tower": "tower"}


def _wrong_width(folder):
    _unfinished(folder, text_hidden=4096)
    _finish(folder)


def _other_base(folder):
    _unfinished(folder)
    _finish(folder, base={"model_type": "llama", "hidden_size": 64})


def _other_tensors(folder):
    _unfinished(folder)
    _finish(folder)


def _unfinished(folder, text_hidden=64):
    projector.save(
        folder / "stage1", asdict(projector.ProjectorShape("mlp2x_gelu", 32, text_hidden, -2)), {"x": torch.zeros(1)}
    )


@pytest.mark.parametrize(
    ("spoil", "changes", "message"),
    [
        (lambda f: (f / "llama" / "config.json").unlink(), {}, "base_model: .*config.json"),
        (lambda f: None, {"init_from": "stage1"}, "projector.init_from: .*stage1 holds no projector.safetensors"),
        (_unfinished, {"init_from": "stage1"}, "holds no finished.json. Run .* stage 1 to its end"),
        (_other_base, {"init_from": "stage1"}, "trained for another base or tower .another base"),
        (_other_tensors, {"init_from": "stage1"}, "its tensors are not those of its configuration"),
        (_wrong_width, {"init_from": "stage1"}, "trained for another base or tower .*text_hidden 4096, here 64"),
        (
            lambda f: _set(f / "tower", model_type="bert"),
            {},
            "vision_tower: .*'bert'.*not a supported vision tower.*clip",
        ),
        (lambda f: _set(f / "llama", model_type="t5"), {}, "base_model: .*'t5'.*What works: .*llama"),
        (lambda f: (f / "llama" / "model.safetensors").unlink(), {}, "base_model: .*holds no model.safetensors"),
        (lambda f: (f / "llama" / "model.safetensors").write_bytes(b"\0" * 9), {}, "not a readable safetensors"),
        (lambda f: None, {"chat_template": "no_such"}, "chat_template: no_such"),
    ],
    ids=[
        "no config",
        "no stage 1",
        "unfinished",
        "other base",
        "other tensors",
        "other width",
        "not a tower",
        "not a base",
        "no weights",
        "corrupt",
        "template",
    ],
)
def test_bad_parts_are_named(parts_folder, spoil, changes, message):
    spoil(parts_folder)
    if "init_from" in changes:
        changes = {"init_from": str(parts_folder / changes["init_from"])}
    with pytest.raises(RecipeError, match=message):
        compose(_request(parts_folder, **changes))
    assert not [entry for entry in (parts_folder / "composed").glob("*") if entry.is_dir()]


def _set(folder, **changes):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


@pytest.mark.parametrize("name", ["./not/there", "/not/there"])
def test_a_missing_folder_is_not_looked_up_on_the_hub(parts_folder, name):
    with pytest.raises(RecipeError, match=r"base_model: .*not/there is not there"):
        compose(Request(base=name, tower=str(parts_folder / "tower"), root=parts_folder / "composed"))


def test_a_hub_name_that_does_not_answer_is_named(parts_folder):
    with pytest.raises(RecipeError, match="base_model: no-such-org/no-such-model is neither a local folder"):
        compose(Request(base="no-such-org/no-such-model", tower=str(parts_folder / "tower"), root=parts_folder))


def test_broken_link_says_how_to_redo_it(parts_folder):
    folder = compose(_request(parts_folder))
    target = (parts_folder / "llama" / "model.safetensors").rename(parts_folder / "elsewhere")
    (parts_folder / "llama" / "model.safetensors").symlink_to(target)
    compose(_request(parts_folder))
    (folder / "tower-model.safetensors").unlink()
    (folder / "tower-model.safetensors").symlink_to(parts_folder / "gone")
    with pytest.raises(RecipeError, match=r"tower-model.safetensors points to .*gone.*rm -r"):
        compose(_request(parts_folder))


@pytest.mark.parametrize(
    ("writer", "error"),
    [
        ("bimedix2_plugin.model.projector.Path.write_text", OSError(errno.ENOSPC, "No space left on device")),
        ("safetensors.torch.save_file", SafetensorError("I/O error: No space left on device (os error 28)")),
        ("transformers.PreTrainedTokenizerFast.save_pretrained", Exception("No space left on device (os error 28)")),
    ],
    ids=["text", "weights", "tokenizer"],
)
def test_full_disk_leaves_nothing_behind(parts_folder, monkeypatch, writer, error):
    """Each writer reports a full disk in its own way."""

    def full(*_, **__):
        raise error

    monkeypatch.setattr(writer, full)
    with pytest.raises(RecipeError, match="No space left"):
        compose(_request(parts_folder))
    monkeypatch.undo()
    assert not [entry for entry in (parts_folder / "composed").iterdir() if entry.is_dir()]
    assert load(compose(_request(parts_folder))) is not None


def test_a_pickle_that_runs_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("ran",))

    tiny.llama(tmp_path / "llama", tied=True)
    tiny.clip_whole(tmp_path / "tower", as_bin=True)
    torch.save({"vision_model.x": Evil()}, tmp_path / "tower" / "pytorch_model.bin")
    with pytest.raises(RecipeError, match=r"pytorch_model.bin cannot be read as plain tensors"):
        compose(_request(tmp_path))
