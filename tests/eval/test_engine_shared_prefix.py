"""Prompts decoded from a shared prefix: the tokens and the logits of each prompt alone, for every kind of model."""

from __future__ import annotations

import functools
import json
import math
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from transformers import AutoProcessor, FalconH1Config, GenerationConfig, LlamaConfig

from bimedix2_plugin.model.compose import compose, load
from bimedix2_plugin.model.request import Request as Composition
from bimedix2_plugin.rehearse import tiny, tiny_families
from eval.engines import parted
from eval.engines.engine import Request
from eval.engines.shared_prefix import SharedPrefixes, longest_shareable
from eval.engines.transformers_engine import TransformersEngine
from eval.images import read_image
from tests.helpers import core_builders as hand
from tests.helpers import eval_builders as make
from tests.helpers.tiny_seeing import FAMILIES, seeing

TOKENS = 6
WIDE = 512
"""A sliding window that every prompt fits into."""
LLAVA = ("qwen2", "phi3", "gemma2", "gemma3_text")
IMAGES = {size: read_image(make.noise(size, seed), str(size)) for seed, size in enumerate([(30, 24), (24, 44)])}
QUESTIONS = ["What is it?", "Is there a fracture in the left lung?", "Why", "How many organs? Tell me which. Be brief."]


class Loaded(TransformersEngine):
    """An engine that remembers the logits behind its answers."""

    def __init__(self, folder: Path):
        super().__init__(folder, "float32", "cpu")
        self.model.generation_config = GenerationConfig(
            do_sample=False,
            max_new_tokens=TOKENS,
            pad_token_id=self.tokenizer.pad_token_id,
            eos_token_id=self.end_ids,
        )
        self.steps: list[torch.Tensor] = []
        self.model.get_output_embeddings().register_forward_hook(lambda *call: self.steps.append(call[2][:, -1]))

    def request(self, question, *images):
        item = hand.item(question, question, images=[str(image.image.size) for image in images])
        return Request(item, self.prompt(item), images)

    def alone(self, request):
        """The ids of one answer, and its logits by step."""
        self.steps.clear()
        with torch.inference_mode():
            ids = self.padded([request])[0].tolist()
        return ids, torch.cat(self.steps)

    def together(self, requests):
        """The ids of all answers, and the logits by row and step, of the shared path; None if it is not taken."""
        self.steps.clear()
        with torch.inference_mode():
            ids = self.shared.generate(requests)
        return None if ids is None else (ids.tolist(), torch.stack(self.steps[1:], dim=1))


@pytest.fixture(scope="module")
def tower(tmp_path_factory):
    return tiny.clip_vision(tmp_path_factory.mktemp("tower"))


def llava_of(name, tower, work):
    """A LLaVA with a text model of one family."""
    base = tiny_families.base(work / "base", name)
    folder = compose(Composition(base=str(base), tower=str(tower), root=work / "composed"))
    load(folder).save_pretrained(work / "model")
    AutoProcessor.from_pretrained(folder).save_pretrained(work / "model")
    return work / "model"


def set_window(folder, window):
    config = json.loads((folder / "config.json").read_text())
    text = config["text_config"]
    if text.get("sliding_window"):
        text["sliding_window"] = window
        (folder / "config.json").write_text(json.dumps(config))


@pytest.fixture(scope="module", params=[*LLAVA, *FAMILIES])
def loaded(request, tower, tmp_path_factory):
    work = tmp_path_factory.mktemp(request.param)
    name = request.param
    folder = llava_of(name, tower, work) if name in LLAVA else seeing(work / "model", name)
    set_window(folder, WIDE)
    return Loaded(folder)


@pytest.fixture(autouse=True)
def _always(monkeypatch):
    """Share whatever can be shared: tiny models have 4 tokens an image."""
    monkeypatch.setattr(parted, "WORTHWHILE", math.inf)


def check(loaded, requests):
    ids, logits = loaded.together(requests)
    for row, request in enumerate(requests):
        own_ids, own_logits = loaded.alone(request)
        steps = len(own_ids)
        assert ids[row][:steps] == own_ids, request.prompt
        assert torch.allclose(logits[row, :steps], own_logits, rtol=0, atol=1e-5)


def test_answers_and_logits_are_those_of_each_prompt_alone(loaded):
    """Two images of different sizes, so that prefixes and rests have different lengths."""
    check(loaded, [loaded.request(question, image) for image in IMAGES.values() for question in QUESTIONS])


def test_an_image_is_seen_once_however_many_questions_it_has(loaded):
    shown = []
    features = loaded.model.base_model.get_image_features

    @functools.wraps(features)
    def counted(*arguments, **options):
        shown.append(options["pixel_values"])
        return features(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loaded.model.base_model, "get_image_features", counted)
        requests = [loaded.request(question, image) for question in QUESTIONS for image in IMAGES.values()]
        assert len(loaded.together(requests)[0]) == len(requests)
    assert [pixels.shape for pixels in shown] == [loaded.inputs(requests[: len(IMAGES)])["pixel_values"].shape]


def test_prompts_of_several_images(loaded):
    one, other = IMAGES.values()
    check(loaded, [loaded.request(question, *pair) for pair in ((one, other), (other, one)) for question in QUESTIONS])


def test_texts_that_begin_alike(loaded):
    long = "Answer as in these examples. Is it a bone? Yes. Is it a lung? No. " * 2
    check(loaded, [loaded.request(long + question) for question in QUESTIONS])


@pytest.fixture(scope="module")
def windowed(tmp_path_factory):
    """Gemma 3 with a window shorter than most prompts."""
    return Loaded(seeing(tmp_path_factory.mktemp("windowed"), "gemma3"))


def test_what_does_not_fit_into_the_sliding_window_is_not_shared(windowed):
    """Padding in the middle of a row would push tokens out of the window."""
    image = IMAGES[30, 24]
    requests = [windowed.request(question, image) for question in QUESTIONS]
    assert windowed.shared.generate(requests) is None
    assert longest_shareable(windowed.model) == tiny_families.WINDOW
    with pytest.MonkeyPatch.context() as patch, pytest.raises(AssertionError):
        patch.setattr(windowed.shared, "_longest", math.inf)
        check(windowed, requests)


def test_a_row_that_just_fits_into_the_window_is_shared(windowed):
    requests = [windowed.request(question, IMAGES[30, 24]) for question in QUESTIONS]
    longest = max(windowed.inputs(requests)["attention_mask"].sum(dim=1).tolist())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windowed.shared, "_longest", longest + TOKENS)
        assert windowed.shared.generate(requests) is not None
        patch.setattr(windowed.shared, "_longest", longest + TOKENS - 1)
        assert windowed.shared.generate(requests) is None


def test_a_layer_that_keeps_a_state_shares_nothing():
    model = SimpleNamespace(config=FalconH1Config(num_hidden_layers=2))
    assert longest_shareable(model) == 0
    assert longest_shareable(SimpleNamespace(config=LlamaConfig(num_hidden_layers=2))) == math.inf


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return Loaded(seeing(tmp_path_factory.mktemp("plain"), "llava"))


def test_an_image_behind_the_question_is_not_shared(plain):
    image = IMAGES[30, 24]
    requests = [
        Request(hand.item(question, question, images=["a"]), f"USER: {question} <image>\n ASSISTANT:", (image,))
        for question in QUESTIONS
    ]
    assert plain.shared.generate(requests) is None


@pytest.mark.parametrize("ends", ["", " Why"])
def test_an_image_at_the_very_end_is_not_cut(plain, ends):
    image = IMAGES[30, 24]
    request = Request(hand.item("a", images=["a"]), f"USER: <image>{ends}", (image,))
    answers = plain.shared.generate([request, request])
    assert (answers is None) == (not ends)


def test_no_two_prompts_with_the_same_images(plain):
    assert plain.shared.generate([plain.request("Why", image) for image in IMAGES.values()]) is None


def test_other_tokens_than_the_processors_are_not_sent(plain):
    requests = [plain.request(question, IMAGES[30, 24]) for question in QUESTIONS]
    shared = SharedPrefixes(
        plain.model, plain.processor, plain.inputs, lambda text: [1, *plain.prompts.token_ids(text)]
    )
    assert shared.generate(requests) is None


def test_little_to_save_is_left_to_the_padded_batch(plain, monkeypatch):
    monkeypatch.setattr(parted, "WORTHWHILE", 0.75)
    image, long = IMAGES[30, 24], "Is there a fracture in the left lung? " * 9
    assert plain.shared.generate([plain.request(long + number, image) for number in "1234"]) is not None
    assert plain.shared.generate([plain.request(number + long, image) for number in "1234"]) is None
