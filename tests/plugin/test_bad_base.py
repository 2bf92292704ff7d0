"""A base that cannot be used: one plain message that says what works, in every command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from axolotl.cli.config import load_cfg
from axolotl.utils.dict import DictDefault
from click.testing import CliRunner

from bimedix2_plugin import cli
from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.base_kind import WORKING
from bimedix2_plugin.rehearse.tiny_native import native
from tests.helpers import runs

NO_TOWER: dict[str, Any] = {"vision_tower": None, "image_aspect": None}
FLASH = {"attn_implementation": "flash_attention_2"}
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "a base that sees, with a tower": ({"base_model": "./gemma3"}, "'gemma3', which has a tower of its own"),
    "a tower": (NO_TOWER | {"base_model": "./clip"}, "'clip_vision_model', a vision tower: name it as vision_tower"),
    "a tower, with a tower": ({"base_model": "./clip"}, "'clip_vision_model', a vision tower"),
    "a language model alone": (NO_TOWER, "'llama', which does not see: add a vision_tower"),
    "an unknown type": (NO_TOWER | {"base_model": "./unknown"}, "'idefics3', which is not supported"),
    "remote code": (NO_TOWER | {"base_model": "./remote"}, "'their_vlm', which needs code of its own (auto_map"),
    "remote code, with a tower": ({"base_model": "./remote"}, "'their_vlm', which needs code of its own (auto_map"),
    "no processor": (NO_TOWER | {"base_model": "./blind"}, "blind holds no preprocessor_config.json"),
    "no chat template": (NO_TOWER | {"base_model": "./mute"}, "chat_template: ./mute has none"),
    "flash attention on Gemma 3": (NO_TOWER | FLASH | {"base_model": "./gemma3"}, "would attend causally"),
}
IN_AXOLOTL = {"preprocess": {"is_preprocess": True}, "train": {}, "merge-lora": {"merge_lora": True}}
OURS = {"plan": cli.plan, "doctor": cli.doctor, "rehearse": cli.rehearse, "start": cli.start}


@pytest.fixture(scope="module")
def place(workshop) -> Path:
    for name in ("gemma3", "qwen3_vl", "llava"):
        native(workshop / name, name)
    shutil.copytree("llama", "unknown")
    Path("unknown/config.json").write_text(json.dumps({"model_type": "idefics3", "vision_config": {}}))
    shutil.copytree("llama", "remote")
    code = {"model_type": "their_vlm", "auto_map": {"AutoModel": "modeling.Theirs"}}
    Path("remote/config.json").write_text(json.dumps(code))
    shutil.copytree("qwen3_vl", "blind")
    Path("blind/preprocessor_config.json").unlink()
    shutil.copytree("llava", "mute")
    for file in ("chat_template.jinja", "chat_template.json"):
        Path("mute", file).unlink(missing_ok=True)
    return workshop


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("command", IN_AXOLOTL)
def test_axolotls_commands_end_with_it(place, case, command):
    changes, message = CASES[case]
    if command == "merge-lora" and "flash" in case:
        pytest.skip("a merge computes no attention")
    given = runs.recipe(**changes) | ({"lora_model_dir": "./adapter"} if command == "merge-lora" else {})
    with pytest.raises(RecipeError) as caught:
        load_cfg(DictDefault(given), **IN_AXOLOTL[command])
    assert message in str(caught.value) and len(caught.value.problems) == 1
    if "base_model: " in message or "which" in message:
        assert str(caught.value).endswith(WORKING)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("command", OURS)
def test_our_commands_end_with_it(place, case, command):
    changes, message = CASES[case]
    if "flash" in case and command in ("plan", "start"):
        pytest.skip("neither computes attention")
    Path("recipe.yml").write_text(yaml.safe_dump(runs.recipe(**changes)))
    out = ["--out", "made"] if command == "start" else []
    done = CliRunner().invoke(OURS[command], ["recipe.yml", *out])
    assert done.exit_code == 1 and isinstance(done.exception, SystemExit), (done.output, done.exception)
    found = [line for line in done.output.splitlines() if message in line]
    assert found, done.output
    assert "Traceback" not in done.output and not Path("made").exists()
    if command == "doctor":
        assert all(line.startswith("fail") for line in found)
        assert "ok    datasets: ./data is complete" in done.output
    else:
        assert done.output.splitlines()[-1].startswith("Error: ")


def test_a_chat_template_can_be_given(place):
    cfg = runs.configuration(**NO_TOWER | {"base_model": "./mute", "chat_template": "llava"})
    template = Path(cfg.tokenizer_config, "chat_template.jinja").read_text()
    assert "ASSISTANT" in template or "assistant" in template


def test_a_misspelt_setting_of_the_processor_is_named(place):
    changes = NO_TOWER | {"base_model": "./qwen3_vl", "processor_kwargs": {"max_pixel": 4096}}
    with pytest.raises(RecipeError, match=r"processor_kwargs: max_pixel: no such setting .*max_pixels"):
        runs.configuration(**changes)


def test_a_composed_models_processor_takes_no_settings(place):
    with pytest.raises(RecipeError, match="processor_kwargs: leave it out with a vision_tower"):
        runs.configuration(processor_kwargs={"max_pixels": 4096})
