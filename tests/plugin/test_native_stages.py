"""Both stages of a model that already sees: its own projector trained alone, then taken over by stage 2."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.compose import compose
from bimedix2_plugin.model.request import Request
from bimedix2_plugin.model.vision_language.registry import is_projector, projector_name
from bimedix2_plugin.rehearse.tiny_llava import FORMS
from bimedix2_plugin.rehearse.tiny_native import native
from tests.helpers import quick, runs, tiny_data
from tests.plugin.test_native_training import NATIVE

MODELS = ("gemma3", "llava", "qwen3_vl")
CAPTIONS = [{"path": "./captions", "type": "bimedix2_plugin.conversation", "split": "train"}]


@pytest.fixture(scope="module", params=MODELS)
def aligned(request, workshop):
    """A model, and the output folder of its stage 1 after two steps."""
    name, out = request.param, Path(f"stage1_{request.param}")
    native(workshop / name, name)
    if not Path("captions").is_dir():
        tiny_data.captions("data", "captions")
    changes = NATIVE | runs.ALIGN | {"datasets": CAPTIONS, "output_dir": f"./{out}", "max_steps": 2}
    quick.train(base_model=f"./{name}", learning_rate=1e-2, **changes)
    return name, out


def _projector(folder: Path) -> dict[str, torch.Tensor]:
    weights = load_file(folder / "model.safetensors")
    return {projector_name(name): tensor for name, tensor in weights.items() if is_projector(name)}


def test_stage_1_trains_and_saves_the_models_own_projector_alone(aligned):
    name, out = aligned
    own, trained = _projector(Path(name)), load_file(out / "projector.safetensors")
    assert trained.keys() == own.keys() and len(own) > 1
    assert all(not torch.equal(trained[key], own[key]) for key in own)
    assert not list(out.glob("model*.safetensors")) and not (out / "adapter_model.safetensors").exists()
    finished = json.loads((out / "finished.json").read_text(encoding="utf-8"))
    assert finished["base"] == json.loads(Path(name, "config.json").read_text(encoding="utf-8"))


def test_stage_2_starts_from_it(aligned):
    name, out = aligned
    projector = {"init_from": f"./{out}", "learning_rate": 2e-3}
    model = runs.trainer(runs.configuration(base_model=f"./{name}", **NATIVE | {"projector": projector})).model
    trained = load_file(out / "projector.safetensors")
    starts = {projector_name(key): value for key, value in model.named_parameters() if is_projector(key)}
    assert starts.keys() == trained.keys()
    assert all(torch.equal(starts[key].detach().cpu(), trained[key]) for key in trained)


def test_of_another_base_it_is_refused(aligned):
    name, out = aligned
    other = MODELS[MODELS.index(name) - 1]
    if not Path(other).is_dir():
        native(other, other)
    with pytest.raises(RecipeError, match=rf"projector.init_from: .*{out} was trained for another base.*\./{other}"):
        _linked(f"./{other}", f"./{out}")


def test_of_other_shapes_it_is_refused(aligned, tmp_path):
    name, out = aligned
    shutil.copytree(out, tmp_path / "stage1")
    weights = load_file(out / "projector.safetensors")
    first = min(weights)
    save_file(weights | {first: weights[first][..., :-1].contiguous()}, tmp_path / "stage1" / "projector.safetensors")
    with pytest.raises(RecipeError, match=r"projector.init_from: .*another base"):
        _linked(f"./{name}", str(tmp_path / "stage1"))


def test_before_it_is_finished_it_is_refused(aligned, tmp_path):
    name, out = aligned
    shutil.copytree(out, tmp_path / "stage1")
    (tmp_path / "stage1" / "finished.json").unlink()
    with pytest.raises(RecipeError, match=r"projector.init_from: .*holds no finished.json.*stage 1 to its end"):
        _linked(f"./{name}", str(tmp_path / "stage1"))


def test_every_form_of_a_llava_takes_it_by_its_own_names(workshop):
    for form, make in FORMS.items():
        make(Path(form))
        stage_1 = Path(f"stage1_{form}")
        stage_1.mkdir()
        moved = {name: tensor + 1 for name, tensor in _projector(Path(form)).items()}
        save_file(moved, stage_1 / "projector.safetensors")
        base = json.loads(Path(form, "config.json").read_text(encoding="utf-8"))
        (stage_1 / "projector_config.json").write_text("{}", encoding="utf-8")
        (stage_1 / "finished.json").write_text(json.dumps({"base": base}), encoding="utf-8")
        index = json.loads((_linked(f"./{form}", f"./{stage_1}") / "model.safetensors.index.json").read_text())
        taken = {name for name, file in index["weight_map"].items() if file == "projector.safetensors"}
        assert {projector_name(name) for name in taken} == moved.keys()
        assert taken == {name for name in load_file(Path(form, "model.safetensors")) if is_projector(name)}


def _linked(base: str, init_from: str) -> Path:
    return compose(Request(base=base, init_from=init_from, root=Path("linked")))
