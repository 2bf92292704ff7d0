"""Each family's own chat template and tokenizer: what is labelled, what a prompt ends with, where the system is."""

from __future__ import annotations

import unicodedata
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from transformers import AutoProcessor, AutoTokenizer, GenerationConfig

from bimedix2_plugin.data.rendering import IGNORED, Renderer, RowError
from bimedix2_plugin.model.compose import compose
from bimedix2_plugin.model.request import Request
from bimedix2_plugin.rehearse import tiny, tiny_families

TOKENS, SYSTEM = 4, "The paper's text."
END = {"phi3": "<|end|>", "gemma2": "<end_of_turn>", "gemma3_text": "<end_of_turn>"}
END |= {"qwen2": "<|im_end|>", "qwen3": "<|im_end|>", "mistral": "</s>", "mistral_v1": "</s>"}
FAMILIES = list(tiny_families.FAMILIES)
QUESTION = {"role": "user", "content": "هل يوجد كسر؟"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    work = tmp_path_factory.mktemp("rendering")
    tiny.clip_vision(work / "tower")
    return {
        name: compose(
            Request(
                base=str(tiny_families.base(work / name, name)),
                tower=str(work / "tower"),
                weights=False,
                system=SYSTEM,
                root=work / "composed",
            )
        )
        for name in FAMILIES
    }


@pytest.fixture(scope="module")
def renderers(folders):
    return {name: Renderer(AutoTokenizer.from_pretrained(path), TOKENS, "instruct") for name, path in folders.items()}


@pytest.fixture(scope="module")
def processors(folders):
    return {name: AutoProcessor.from_pretrained(path) for name, path in folders.items()}


def _turn(role, *parts):
    return {
        "role": role,
        "content": [{"type": "text", "text": part} if part else {"type": "image", "text": None} for part in parts],
    }


def _labelled(renderer, tokens):
    return [label for label in tokens.labels if label != IGNORED]


def _text(tokenizer, ids):
    """Decode, without blanks: how many stand between two pieces is each tokenizer's own affair."""
    return tokenizer.decode(ids).replace(" ", "")


# Qwen's tokenizer composes accents, those of SentencePiece write a blank as "▁".
TEXT = (
    st.text(
        st.one_of(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), st.sampled_from("شعاعة،؟ \nژ")),
        min_size=1,
        max_size=20,
    )
    .map(partial(unicodedata.normalize, "NFC"))
    .filter(lambda text: text.strip() and not set(text) & set("<[▁"))
)


@pytest.mark.parametrize("name", FAMILIES)
@settings(max_examples=10)
@given(turns=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=3))
def test_labels_are_the_answers_and_their_end_tokens(renderers, name, turns):
    renderer = renderers[name]
    messages = [
        _turn(role, *([None] if number == 0 and role == "user" else []), text)
        for number, turn in enumerate(turns)
        for role, text in zip(("user", "assistant"), turn, strict=True)
    ]
    tokens = renderer.tokenise(messages, 1)
    expected = "".join(answer.strip() + END[name] for _, answer in turns).replace(" ", "")
    assert _text(renderer.tokenizer, _labelled(renderer, tokens)) == expected
    assert tokens.input_ids.tolist().count(renderer.placeholder_id) == TOKENS


@pytest.mark.parametrize("name", FAMILIES)
@settings(max_examples=10)
@given(question=TEXT, answer=TEXT)
def test_training_has_the_prompt_of_evaluation_token_for_token(renderers, processors, name, question, answer):
    user = _turn("user", None, question)
    tokens = renderers[name].tokenise([user, _turn("assistant", answer)], 1)
    start = next(index for index, label in enumerate(tokens.labels) if label != IGNORED)
    prompt = processors[name].apply_chat_template([user], add_generation_prompt=True, tokenize=False)
    sent = processors[name](text=[prompt], images=[[Image.new("RGB", (30, 20))]], add_special_tokens=False)
    assert list(sent["input_ids"][0]) == tokens.input_ids[:start].tolist()


@pytest.mark.parametrize("name", FAMILIES)
def test_the_system_text_is_there_once_in_prompt_and_row(renderers, name):
    """Gemma 2 refuses a system turn and Mistral drops it from answered turns: there it opens the first user turn."""
    renderer = renderers[name]
    own = [{"role": "system", "content": "My own."}]
    for system, expected in (([], SYSTEM), (own, "My own.")):
        row = [*system, QUESTION, {"role": "assistant", "content": "Yes"}]
        text = renderer.tokenizer.apply_chat_template(row, tokenize=False)
        prompt = renderer.tokenizer.apply_chat_template(row[:-1], tokenize=False, add_generation_prompt=True)
        assert text.startswith(prompt) and text.count(expected) == 1
        assert (SYSTEM in text) == (expected == SYSTEM)
        folded = f"{expected}\n\n{QUESTION['content']}"
        assert (folded in text) == (name.startswith(("gemma", "mistral")))


@pytest.mark.parametrize("name", FAMILIES)
def test_generation_stops_at_the_end_of_the_turn(folders, renderers, name):
    """A base's own list lacks it where, as Gemma's, its end of text is another token."""
    stops = GenerationConfig.from_pretrained(folders[name]).eos_token_id
    tokens = renderers[name].tokenise([_turn("user", "Hi"), _turn("assistant", "Yes")], 0)
    assert _labelled(renderers[name], tokens)[-1] in stops


def test_mistrals_blank_before_an_answer_is_the_models_to_write(renderers):
    renderer = renderers["mistral"]
    tokens = renderer.tokenise([_turn("user", "Hi"), _turn("assistant", "Yes")], 0)
    assert renderer.tokenizer.convert_ids_to_tokens(_labelled(renderer, tokens)) == ["▁Yes", "</s>"]


def test_qwen3_does_not_think_unless_the_caller_asks(renderers):
    tokenizer = renderers["qwen3"].tokenizer
    plain = tokenizer.apply_chat_template([QUESTION], tokenize=False, add_generation_prompt=True)
    asked = tokenizer.apply_chat_template([QUESTION], tokenize=False, add_generation_prompt=True, enable_thinking=True)
    assert plain == asked + "<think>\n\n</think>\n\n"


@pytest.mark.parametrize(
    ("name", "text", "refused"),
    [
        ("gemma2", "One.\n\nTwo <table>.", False),
        ("gemma2", "Say <end_of_turn>", True),
        ("qwen3", "<think>Hm.</think>", True),
        ("mistral", "Say [/INST]", True),
        ("phi3", "Say <|end|>", True),
    ],
)
def test_only_the_templates_own_tokens_are_kept_out_of_texts(renderers, name, text, refused):
    """Gemma's line breaks and HTML tags are added tokens too, and text."""
    row = [_turn("user", text), _turn("assistant", "Yes")]
    if refused:
        with pytest.raises(RowError, match="special_token"):
            renderers[name].tokenise(row, 0)
    else:
        assert len(renderers[name].tokenise(row, 0).input_ids)
