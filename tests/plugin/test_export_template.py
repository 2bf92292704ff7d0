"""The exported chat template makes of llama.cpp's joined strings what the checkpoint's makes of parts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bimedix2_plugin.export.template import for_llama_cpp
from bimedix2_plugin.model.chat_template import checkpoint_template
from bimedix2_plugin.rehearse import tiny_tokenizers
from bimedix2_plugin.rehearse.tiny_llava import VICUNA

_MARKER = "<__media_a1B2c3__>"


@pytest.fixture(scope="module", params=["chatml", "llama3"])
def words(request, tmp_path_factory):
    """A tokenizer with the checkpoint's template, and the exported one's text."""
    folder = tmp_path_factory.mktemp(request.param)
    tokenizer = tiny_tokenizers.tokenizer(folder, request.param)
    tokenizer.chat_template = checkpoint_template(tokenizer, tokenizer.chat_template, "You read images.")
    tokenizer.save_pretrained(folder)
    return tokenizer, for_llama_cpp(folder)


def _joined(parts):
    """One string, as llama.cpp's server makes it: a line break between texts only."""
    text, before = "", ""
    for part in parts:
        if part["type"] == "text":
            text += ("\n" if text and before == "text" else "") + part["text"]
        else:
            text += _MARKER
        before = part["type"]
    return text


_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="<>\ue002\ue003"), min_size=1, max_size=12).filter(
    str.strip
)
_PARTS = st.lists(
    st.one_of(st.just({"type": "image"}), st.builds(lambda text: {"type": "text", "text": text.strip()}, _TEXTS)),
    min_size=1,
    max_size=5,
).filter(lambda parts: any(part["type"] == "image" for part in parts))


@settings(max_examples=60, deadline=None)
@given(st.lists(_PARTS, min_size=1, max_size=2))
def test_a_joined_message_is_rendered_as_its_parts(words, questions):
    tokenizer, exported = words

    def rendered(contents, template=None):
        turns = []
        for content in contents:
            turns += [{"role": "user", "content": content}, {"role": "assistant", "content": "Yes."}]
        return tokenizer.apply_chat_template(
            turns[:-1], chat_template=template, tokenize=False, add_generation_prompt=True
        )

    expected = rendered(questions).replace("<image>", _MARKER)
    assert rendered([_joined(parts) for parts in questions], exported) == expected


def test_strings_and_parts_without_an_image_are_rendered_as_before(words):
    tokenizer, exported = words
    turns = [{"role": "user", "content": " a < b__> "}, {"role": "assistant", "content": "نعم"}]
    turns.append({"role": "user", "content": [{"type": "text", "text": "why?"}]})
    given = {"tokenize": False, "add_generation_prompt": True}
    expected = tokenizer.apply_chat_template(turns, **given)
    assert tokenizer.apply_chat_template(turns, chat_template=exported, **given) == expected


def test_a_template_that_breaks_no_line_is_left_as_it_is(tmp_path):
    tokenizer = tiny_tokenizers.tokenizer(tmp_path, "chatml")
    for template in (VICUNA, "{{ messages[0]['content'] | trim }}"):
        tokenizer.chat_template = template
        tokenizer.save_pretrained(tmp_path)
        assert for_llama_cpp(tmp_path) == template


def test_no_template_stays_none(tmp_path):
    tokenizer = tiny_tokenizers.tokenizer(tmp_path, "chatml")
    tokenizer.chat_template = None
    for file in tmp_path.glob("chat_template*"):
        file.unlink()
    tokenizer.save_pretrained(tmp_path)
    assert for_llama_cpp(tmp_path) == ""
