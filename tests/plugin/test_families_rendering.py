"""Each family's own chat template and tokenizer: what is labelled, what a prompt ends with, where the system is."""

from __future__ import annotations

import copy
import unicodedata
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import trl
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from transformers import AutoProcessor, AutoTokenizer, GenerationConfig

from bimedix2_plugin.data.rendering import IGNORED, Renderer, RowError
from bimedix2_plugin.model.chat_template import checkpoint_template
from bimedix2_plugin.model.compose import compose
from bimedix2_plugin.model.request import Request
from bimedix2_plugin.model.vision_language.llava import FixedTokens
from bimedix2_plugin.rehearse import tiny, tiny_families

TOKENS, SIZE, SYSTEM = 4, (28, 28), "The paper's text."
END = {"phi3": "<|end|>", "gemma2": "<end_of_turn>", "gemma3_text": "<end_of_turn>"}
END |= {"qwen2": "<|im_end|>", "qwen3": "<|im_end|>", "mistral": "</s>", "mistral_v1": "</s>", "jais2": "<|eot_id|>"}
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
    return {
        name: Renderer(AutoTokenizer.from_pretrained(path), FixedTokens(TOKENS), "instruct")
        for name, path in folders.items()
    }


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
    tokens = renderer.tokenise(messages, [SIZE])
    expected = "".join(answer.strip() + END[name] for _, answer in turns).replace(" ", "")
    assert _text(renderer.tokenizer, _labelled(renderer, tokens)) == expected
    assert tokens.input_ids.tolist().count(renderer.placeholder_id) == TOKENS


@pytest.mark.parametrize("name", FAMILIES)
@settings(max_examples=10)
@given(question=TEXT, answer=TEXT)
def test_training_has_the_prompt_of_evaluation_token_for_token(renderers, processors, name, question, answer):
    user = _turn("user", None, question)
    tokens = renderers[name].tokenise([user, _turn("assistant", answer)], [SIZE])
    start = next(index for index, label in enumerate(tokens.labels) if label != IGNORED)
    prompt = processors[name].apply_chat_template([user], add_generation_prompt=True, tokenize=False)
    sent = processors[name](text=[prompt], images=[[Image.new("RGB", (30, 20))]], add_special_tokens=False)
    assert list(sent["input_ids"][0]) == tokens.input_ids[:start].tolist()


PUBLISHED = Path(trl.__file__).parent / "chat_templates"  # copies of those of the models' repositories
REAL = {"qwen3": "qwen3", "qwen3 2507": "qwen3_instruct_2507", "gemma2": "gemma", "gemma3_text": "gemma3"}
REAL |= {"qwen2": "qwen2_5", "phi3": "phi3_5"}


@pytest.fixture(scope="module")
def of_published(renderers):
    """A renderer for each published template, over its family's tiny tokenizer."""
    made = {}
    for name, file in REAL.items():
        tokenizer = copy.deepcopy(renderers[name.split()[0]].tokenizer)
        template = (PUBLISHED / f"{file}.jinja").read_text(encoding="utf-8")
        tokenizer.chat_template = checkpoint_template(tokenizer, template, SYSTEM)
        made[name] = Renderer(tokenizer, FixedTokens(TOKENS), "instruct")
    return made


CONVERSATION = st.tuples(st.none() | TEXT, st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4))
ROLES = ("user", "assistant")


def _messages(conversation):
    system, turns = conversation
    rows = [{"role": role, "content": text} for turn in turns for role, text in zip(ROLES, turn, strict=True)]
    return [{"role": "system", "content": system}] * (system is not None) + rows


@pytest.mark.parametrize(("name", "own"), [*((name, True) for name in FAMILIES), *((name, False) for name in REAL)])
@settings(max_examples=15)
@given(conversation=CONVERSATION)
def test_up_to_each_answer_training_has_the_prompt_of_that_turn(renderers, of_published, name, own, conversation):
    renderer = (renderers if own else of_published)[name]
    messages = [_turn(message["role"], message["content"]) for message in _messages(conversation)]
    tokens = renderer.tokenise(messages, [])
    labelled = np.concatenate([[False], tokens.labels != IGNORED])
    starts = np.flatnonzero(labelled[1:] & ~labelled[:-1])
    turns = [index for index, message in enumerate(messages) if message["role"] == "user"]
    for turn, start in zip(turns, starts, strict=True):
        prompt = renderer.tokenizer.apply_chat_template(
            messages[: turn + 1], add_generation_prompt=True, tokenize=False
        )
        sent = renderer.tokenizer(prompt, add_special_tokens=False).input_ids
        assert sent == tokens.input_ids[:start].tolist()


@pytest.mark.parametrize("thinking", [{}, {"enable_thinking": True}, {"enable_thinking": False}])
@settings(max_examples=15)
@given(conversation=CONVERSATION, reasoning=st.none() | TEXT, prompt=st.booleans())
def test_the_stand_in_of_qwen3_renders_as_the_published_template(renderers, thinking, conversation, reasoning, prompt):
    tokenizer, messages = renderers["qwen3"].tokenizer, _messages(conversation)
    if reasoning:
        messages[-1]["content"] = f"<think>\n{reasoning}\n</think>\n\n{messages[-1]['content']}"
    if prompt:
        messages.append(QUESTION)
    published = (PUBLISHED / "qwen3.jinja").read_text(encoding="utf-8")
    options = {"tokenize": False, "add_generation_prompt": prompt, **thinking}
    ours, theirs = (
        tokenizer.apply_chat_template(messages, chat_template=template, **options)
        for template in (tiny_families.QWEN3, published)
    )
    assert ours == theirs


def test_qwen3s_earlier_answers_stand_behind_the_block_that_every_prompt_ends_with(of_published):
    tokenizer, block = of_published["qwen3"].tokenizer, "<think>\n\n</think>\n\n"
    answers = [{"role": "assistant", "content": text} for text in ("Yes", "<think>\nHm.\n</think>\n\nNo")]
    chat = [QUESTION, answers[0], QUESTION, answers[1], QUESTION]
    prompt = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    assert [part.partition("<|im_end|>")[0] for part in prompt.split("assistant\n")[1:]] == [
        f"{block}Yes",
        f"{block}No",
        block,
    ]
    asked = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True, enable_thinking=True)
    assert "<think>" not in asked and asked.endswith("assistant\n")  # as Qwen's own template


@pytest.mark.parametrize("name", [name for name in FAMILIES if name != "qwen3"])
def test_templates_that_need_nothing_before_answers_are_left_as_they_are(renderers, name):
    template = renderers[name].tokenizer.chat_template
    own = tiny_families.FAMILIES[name].tokenizer().chat_template
    assert template.endswith(own) and "rendered" not in template


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
    tokens = renderers[name].tokenise([_turn("user", "Hi"), _turn("assistant", "Yes")], [])
    assert _labelled(renderers[name], tokens)[-1] in stops


def test_mistrals_blank_before_an_answer_is_the_models_to_write(renderers):
    renderer = renderers["mistral"]
    tokens = renderer.tokenise([_turn("user", "Hi"), _turn("assistant", "Yes")], [])
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
            renderers[name].tokenise(row, [])
    else:
        assert len(renderers[name].tokenise(row, []).input_ids)
