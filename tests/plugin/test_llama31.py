"""Llama 3 conversations against Llama 3.1's real tokenizer, as LLaVA's `llama3` conversation writes them."""

from __future__ import annotations

import pytest
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from bimedix2_plugin.data.rendering import IGNORED, Renderer
from bimedix2_plugin.model.compose import compose
from bimedix2_plugin.model.request import Request
from bimedix2_plugin.model.vision_language.llava import FixedTokens
from bimedix2_plugin.rehearse import tiny

SYSTEM = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
)
BOS, HEADER, HEADER_END, END = 128000, 128006, 128007, 128009


@pytest.fixture(scope="module")
def renderer(tmp_path_factory):
    """A one-layer Llama of 128,256 tokens with the real tokenizer."""
    folder = tmp_path_factory.mktemp("llama31")
    config = LlamaConfig(
        vocab_size=128256, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1
    )
    LlamaForCausalLM(config).save_pretrained(folder / "llama")
    tiny.llama31_tokenizer(folder / "llama")
    tiny.clip_vision(folder / "clip")
    request = Request(
        base=str(folder / "llama"),
        tower=str(folder / "clip"),
        weights=False,
        chat_template="llama3",
        system=SYSTEM,
        root=folder / "composed",
    )
    return Renderer(AutoTokenizer.from_pretrained(compose(request)), FixedTokens(4), "instruct")


def test_placeholder_takes_the_last_reserved_row(renderer):
    assert renderer.placeholder_id == 128255
    assert len(renderer.tokenizer) == 128256
    assert renderer.tokenizer.pad_token == "<|finetune_right_pad_id|>"


@pytest.mark.parametrize(
    ("question", "answer"),
    [("What is shown?", "A chest X-ray."), ("ما نوع هذه الصورة؟", "تصوير مقطعي محوسب (CT)، نعم.")],
)
def test_tokens_are_those_of_the_papers_conversation(renderer, question, answer):
    def plain(text):
        return renderer.tokenizer(text, add_special_tokens=False).input_ids

    def turn(role, *content):
        return [HEADER, *plain(role), HEADER_END, *plain("\n\n"), *content, END]

    image = [renderer.placeholder_id] * 4
    prompt = [BOS, *turn("system", *plain(SYSTEM)), *turn("user", *image, *plain("\n" + question))]
    messages = [
        {"role": "user", "content": [{"type": "image", "text": None}, {"type": "text", "text": question}]},
        {"role": "assistant", "content": [{"type": "text", "text": answer}]},
    ]
    tokens = renderer.tokenise(messages, [(28, 28)])
    assert tokens.input_ids.tolist() == prompt + turn("assistant", *plain(answer))
    assert [label for label in tokens.labels if label != IGNORED] == [*plain(answer), END]
