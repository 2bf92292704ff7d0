"""A finished LLaVA in each published form: its processor's ids, packed as alone, merged with its own names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from axolotl.utils.dict import DictDefault
from PIL import Image
from safetensors import safe_open
from transformers import AutoProcessor, AutoTokenizer, LlavaForConditionalGeneration, set_seed

from bimedix2_plugin.data.rendering import Renderer
from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.compose import compose
from bimedix2_plugin.model.request import Request
from bimedix2_plugin.model.vision_language.registry import of_folder
from bimedix2_plugin.rehearse.tiny_llava import FORMS, SIDE
from tests.helpers import quick, runs
from tests.helpers.packs import difference, packed_and_alone, step
from tests.plugin.test_native_training import NATIVE

SYSTEM = "You are a radiologist."
TOKENS = 4
FAST = {"max_steps": 3, "learning_rate": 1e-2, "projector": {"learning_rate": 1e-2}, "sequence_len": 256}
MESSAGES = [
    {"role": "user", "content": [{"type": "image", "text": None}, {"type": "text", "text": "هل يوجد كسر؟"}]},
    {"role": "assistant", "content": [{"type": "text", "text": "لا، لا يوجد كسر."}]},
]


@pytest.fixture(scope="module", params=sorted(FORMS))
def form(request, workshop):
    """The name of a form, whose checkpoint is in the folder of that name."""
    FORMS[request.param](Path(request.param))
    return request.param


@pytest.fixture(scope="module")
def trained(form):
    """The configuration and the trainer after three steps of LoRA and projector."""
    return _trained(f"./{form}", f"./out/{form}")


def _trained(base: str, out: str) -> tuple[DictDefault, Any]:
    from axolotl.train import train

    changes: dict[str, Any] = NATIVE | FAST | quick.IN_PROCESS | {"output_dir": out, "system": SYSTEM}
    cfg = runs.configuration(base_model=base, **changes)
    set_seed(1)
    return cfg, train(cfg=cfg, dataset_meta=quick.prepared(cfg))[2]


def _linked(folder: str | Path, **changes: Any) -> Path:
    return compose(Request(base=str(folder), weights=False, root=Path("linked"), **changes))


def test_the_ids_are_those_of_the_processor(form):
    linked = _linked(f"./{form}", system=SYSTEM)
    model, tokenizer = of_folder(linked), AutoTokenizer.from_pretrained(linked)
    picture = Image.effect_noise((40, 24), 50).convert("RGB")
    processor = AutoProcessor.from_pretrained(linked)
    processor.image_processor = model.image_processor
    text = tokenizer.apply_chat_template(MESSAGES, tokenize=False)
    expected = processor(text=text, images=[picture], return_tensors="pt", add_special_tokens=False)
    ids = Renderer(tokenizer, model, "instruct").tokenise(MESSAGES, [picture.size]).input_ids.tolist()
    assert ids == expected["input_ids"][0].tolist()
    assert ids.count(model.placeholder_id) == TOKENS and SYSTEM in tokenizer.decode(ids)
    assert torch.equal(model.pixels(picture)["pixel_values"], expected["pixel_values"])


def test_a_pack_equals_its_rows_one_by_one(trained):
    pack, alone, items = packed_and_alone(trained[1])
    assert len(pack["rows"]) > 2
    assert difference(step(trained[1], [pack], items), alone) < 1e-4


def test_the_whole_projector_is_trained(trained, form):
    parameters = {name: p for name, p in trained[1].model.named_parameters() if p.requires_grad}
    projector = {name.partition("default.")[2] for name in parameters if "multi_modal_projector" in name}
    ends = ["weight"] if form == "without_bias" else ["weight", "bias"]
    assert projector == {f"linear_{number}.{end}" for number in (1, 2) for end in ends}


def test_merged_it_has_the_trained_logits_and_the_bases_names(trained, form):
    cfg, trainer = trained
    merged = _merged(cfg)
    assert _difference(merged, trainer) < 1e-4
    names = [_names(Path(folder)) for folder in (form, merged)]
    assert names[0] == names[1]
    assert json.loads((merged / "config.json").read_text(encoding="utf-8"))["image_seq_length"] == TOKENS


def _merged(cfg: DictDefault) -> Path:
    from axolotl.cli.merge_lora import do_merge_lora

    do_merge_lora(cfg=DictDefault({**cfg, "lora_model_dir": cfg.output_dir, "merge_lora": True}))
    return Path(cfg.output_dir) / "merged"


def _difference(merged: Path, trainer: Any) -> float:
    """The largest difference of a merged checkpoint's logits, in transformers alone, from the trained model's."""
    row = next(row for row in trainer.train_dataset if row["images"])
    batch = trainer.data_collator([row])
    given = {key: batch[key] for key in ("input_ids", "pixel_values")}
    trainer.model.eval()
    model, report = LlavaForConditionalGeneration.from_pretrained(merged, dtype=torch.float32, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"] and not report["mismatched_keys"]
    with torch.no_grad():
        return float((model(**given).logits - trainer.model(**given, use_cache=False).logits).abs().max())


def _names(folder: Path) -> dict[str, str]:
    with safe_open(folder / "model.safetensors", "pt") as file:
        return {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118


def test_a_merged_model_of_this_project_goes_on(workshop):
    """Composed, trained, merged; trained again on that, merged again: one system text, and nothing lost."""
    from axolotl.train import train

    cfg = runs.configuration(**FAST | quick.IN_PROCESS | {"output_dir": "./out/first"})
    set_seed(1)
    train(cfg=cfg, dataset_meta=quick.prepared(cfg))
    first = _merged(cfg)
    cfg, trainer = _trained(f"./{first}", "./out/second")
    assert cfg.base_model != f"./{first}" and cfg.composed_from == f"./{first}"
    words = AutoTokenizer.from_pretrained(cfg.tokenizer_config)
    text = words.decode(trainer.train_dataset[0]["input_ids"])
    assert text.count("system") == 1 and SYSTEM in text and "A chat." not in text
    second = _merged(cfg)
    assert _difference(second, trainer) < 1e-4
    assert _names(second) == _names(first)
    prompt = words.apply_chat_template(MESSAGES[:1], tokenize=False, add_generation_prompt=True)
    merged = AutoTokenizer.from_pretrained(second)
    assert merged.apply_chat_template(MESSAGES[:1], tokenize=False, add_generation_prompt=True) == prompt
    assert words.apply_chat_template(MESSAGES, tokenize=False).startswith(prompt)


def test_without_a_system_text_of_its_own_a_run_keeps_the_merged_models(workshop):
    first = _linked("./out/first/merged")
    words = AutoTokenizer.from_pretrained(first)
    text = words.apply_chat_template(MESSAGES, tokenize=False)
    assert text.count("A chat.") == 1


def test_an_image_is_counted_from_the_tower_where_the_configuration_does_not_say(form):
    linked = _linked(f"./{form}")
    stated = [json.loads((folder / "config.json").read_text(encoding="utf-8")) for folder in (Path(form), linked)]
    assert ("image_seq_length" in stated[0]) == (form != "published")
    assert stated[1]["image_seq_length"] == of_folder(linked).image_tokens(640, 480) == TOKENS


@pytest.mark.parametrize(("select", "tokens"), [("default", TOKENS), ("full", TOKENS + 1)])
def test_the_class_token_counts_where_the_model_keeps_it(workshop, select, tokens):
    base = Path(f"select_{select}")
    FORMS["published"](base)
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    config["vision_feature_select_strategy"] = select
    (base / "config.json").write_text(json.dumps(config), encoding="utf-8")
    model = LlavaForConditionalGeneration.from_pretrained(base)
    features = model.get_image_features(torch.zeros(1, 3, SIDE, SIDE)).pooler_output[0]
    assert of_folder(_linked(f"./{base}")).image_tokens(SIDE, SIDE) == len(features) == tokens


def test_a_tower_whose_features_cannot_be_counted_is_one_message(workshop):
    FORMS["published"](Path("other"))
    config = json.loads(Path("other/config.json").read_text(encoding="utf-8"))
    config["vision_config"] = {"model_type": "pixtral", "hidden_size": 32, "image_size": SIDE, "patch_size": 14}
    Path("other/config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(RecipeError, match=r"base_model: .*'pixtral'.*Supported in a LLaVA: clip"):
        _linked("./other")


def test_a_processor_of_an_older_version_is_completed(workshop):
    """Without patch size and strategy, transformers' processor cannot count."""
    FORMS["published"](Path("older"))
    Path("older/processor_config.json").write_text('{"image_token": "<image>", "patch_size": null}', encoding="utf-8")
    processor = AutoProcessor.from_pretrained(_linked("./older"))
    assert (processor.patch_size, processor.vision_feature_select_strategy) == (14, "default")
    assert processor.num_additional_image_tokens == 1
