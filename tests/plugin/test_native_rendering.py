"""What a model that already sees is trained on: the token ids of its own processor, labels on the answers alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image
from transformers import AutoProcessor, AutoTokenizer

from bimedix2_plugin.data.rendering import IGNORED, Renderer, RowError
from bimedix2_plugin.model.compose import compose
from bimedix2_plugin.model.request import Request
from bimedix2_plugin.model.vision_language.registry import of_folder
from bimedix2_plugin.rehearse.tiny_native import MAKERS, native

SYSTEM = "أنت طبيب. Answer briefly."
QUESTIONS = {"en": ("Is there a fracture?", "No, there is none."), "ar": ("هل يوجد كسر؟", "لا، لا يوجد كسر.")}
SIZES = [(40, 24), (21, 60)]
END = {"gemma3": "<end_of_turn>", "llava": "</s>", "qwen2_5_vl": "<|im_end|>", "qwen3_vl": "<|im_end|>"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    """Each model as a run uses it: with the recipe's system text in its chat template."""
    root = tmp_path_factory.mktemp("native")
    bases = {name: native(root / name, name) for name in MAKERS}
    return {
        name: compose(Request(base=str(base), system=SYSTEM, weights=False, root=root / "linked"))
        for name, base in bases.items()
    }


@pytest.fixture(scope="module")
def renderers(folders):
    return {name: Renderer(AutoTokenizer.from_pretrained(f), of_folder(f), "instruct") for name, f in folders.items()}


def _row(language: str, images: int, turns: int = 2) -> list[dict[str, Any]]:
    question, answer = QUESTIONS[language]
    messages = []
    for turn in range(turns):
        shown = [{"type": "image", "text": None}] * (images if turn == 0 else 0)
        messages.append({"role": "user", "content": [*shown, {"type": "text", "text": question}]})
        messages.append({"role": "assistant", "content": [{"type": "text", "text": answer}]})
    return messages


def _processed(folder: Path, text: str, images: list[Image.Image]) -> dict[str, torch.Tensor]:
    """Return what the checkpoint's own processor makes of a rendered text, with Pillow's resampling as here."""
    processor = AutoProcessor.from_pretrained(folder)
    processor.image_processor = of_folder(folder).image_processor
    return processor(text=text, images=images or None, return_tensors="pt", add_special_tokens=False)


@pytest.mark.parametrize("images", [0, 1, 2])
@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("name", sorted(MAKERS))
def test_the_ids_are_those_of_the_models_processor(folders, renderers, name, language, images):
    messages, renderer = _row(language, images), renderers[name]
    pictures = [Image.effect_noise(size, 50).convert("RGB") for size in SIZES[:images]]
    text = renderer.tokenizer.apply_chat_template(messages, tokenize=False)
    expected = _processed(folders[name], text, pictures)
    tokens = renderer.tokenise(messages, SIZES[:images])
    assert tokens.input_ids.tolist() == expected["input_ids"][0].tolist()
    assert SYSTEM in renderer.tokenizer.decode(tokens.input_ids)
    for picture in pictures:
        made = of_folder(folders[name]).pixels(picture)
        alone = _processed(folders[name], renderer.images.image_text, [picture])
        assert all(torch.equal(made[key], alone[key]) for key in made)


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("name", sorted(MAKERS))
def test_labels_are_on_the_answers_and_their_end_alone(renderers, name, language):
    renderer = renderers[name]
    tokens = renderer.tokenise(_row(language, 1), SIZES[:1])
    labelled = renderer.tokenizer.decode(tokens.labels[tokens.labels != IGNORED])
    assert labelled.replace(" ", "") == (QUESTIONS[language][1] + END[name]).replace(" ", "") * 2


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_an_answer_begins_where_a_prompt_of_that_turn_ends(renderers, name):
    renderer, messages = renderers[name], _row("ar", 1)
    tokens = renderer.tokenise(messages, SIZES[:1]).input_ids.tolist()
    for turn in (1, 3):
        prompt = renderer.tokenizer.apply_chat_template(messages[:turn], tokenize=False, add_generation_prompt=True)
        ids = renderer.tokenizer(renderer.images.expanded(prompt), add_special_tokens=False).input_ids
        count = renderer.images.image_tokens(*SIZES[0])
        expanded = [token for id_ in ids for token in [id_] * (count if id_ == renderer.placeholder_id else 1)]
        assert tokens[: len(expanded)] == expanded


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_a_caption_of_stage_align_follows_its_image(folders, name):
    renderer = Renderer(AutoTokenizer.from_pretrained(folders[name]), of_folder(folders[name]), "align")
    tokens = renderer.tokenise(_row("en", 1, turns=1), SIZES[:1])
    assert renderer.tokenizer.decode(tokens.labels[tokens.labels != IGNORED]).strip() == QUESTIONS["en"][1]
    placeholders = int((tokens.input_ids == renderer.placeholder_id).sum())
    assert placeholders == renderer.images.image_tokens(*SIZES[0])


@pytest.mark.parametrize("name", ["qwen2_5_vl", "qwen3_vl"])
@given(width=st.integers(3, 400), height=st.integers(3, 400))
@example(width=1, height=150)
@example(width=1, height=1)
def test_placeholders_are_counted_without_the_image(folders, name, width, height):
    model = of_folder(folders[name])
    grid = model.pixels(Image.new("RGB", (width, height)))["image_grid_thw"]
    assert model.image_tokens(width, height) == int(grid.prod()) // 4


def test_an_image_too_long_for_the_grid_is_in_the_ledger(renderers):
    with pytest.raises(RowError, match=r"image_size: .*aspect ratio"):
        renderers["qwen3_vl"].tokenise(_row("en", 1), [(1000, 2)])


def test_a_special_token_of_the_model_in_a_text_is_refused(renderers):
    for name, text in (("gemma3", "<start_of_image>"), ("qwen3_vl", "<|vision_start|>"), ("llava", "<image>")):
        row = _row("en", 1)
        row[0]["content"][1]["text"] += text
        with pytest.raises(RowError, match=r"image_count|special_token"):
            renderers[name].tokenise(row, SIZES[:1])
