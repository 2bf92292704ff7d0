"""Labels by construction: assistant turns and their end token, nothing else; placeholders at their own positions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoProcessor, AutoTokenizer

from bimedix2_plugin.data.rendering import IGNORED, Renderer, RowError
from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.chat_template import with_parts
from bimedix2_plugin.model.compose import compose
from bimedix2_plugin.model.request import Request
from bimedix2_plugin.model.vision_language.llava import FixedTokens
from bimedix2_plugin.rehearse import tiny

TOKENS = 4
SIZE = (28, 28)
STYLES = ["chatml", "llama3", "axolotl llama3"]
END = {"chatml": "<|im_end|>", "llama3": "<|eot_id|>", "axolotl llama3": "<|eot_id|>"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """One composed folder, without projector, for each template."""
    made = {}
    for style in STYLES:
        folder = tmp_path_factory.mktemp("style")
        tiny.llama(folder / "llama", tied=False, style=style.split()[-1])
        tiny.clip_vision(folder / "clip")
        template = "llama3" if style == "axolotl llama3" else None
        request = Request(
            base=str(folder / "llama"),
            tower=str(folder / "clip"),
            weights=False,
            chat_template=template,
            system="The paper's text.",
            root=folder / "composed",
        )
        made[style] = compose(request)
    return made


@pytest.fixture(scope="module")
def renderers(folders):
    return {
        style: Renderer(AutoTokenizer.from_pretrained(path), FixedTokens(TOKENS), "instruct")
        for style, path in folders.items()
    }


def _turn(role, *parts):
    return {"role": role, "content": [_part(part) for part in parts]}


def _part(part):
    return {"type": "image", "text": None} if part is None else {"type": "text", "text": part}


def _labelled(renderer, tokens):
    return renderer.tokenizer.decode([label for label in tokens.labels if label != IGNORED])


TEXT = st.text(
    alphabet=st.one_of(
        st.characters(codec="utf-8", exclude_categories=["Cs", "Co", "Cc"]), st.sampled_from("شعاعة،؟ \n")
    ),
    min_size=1,
    max_size=30,
).filter(lambda text: text.strip() and "<" not in text)


@pytest.mark.parametrize("style", STYLES)
@settings(max_examples=15)
@given(turns=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=3), images=st.integers(0, 2))
def test_labels_are_the_answers_and_their_end_tokens(renderers, style, turns, images):
    renderer = renderers[style]
    messages = []
    for number, (question, answer) in enumerate(turns):
        parts = [None] * images if number == 0 else []
        messages += [_turn("user", *parts, question), _turn("assistant", answer)]
    tokens = renderer.tokenise(messages, [SIZE] * images)
    expected = "".join(answer.strip() + END[style] for _, answer in turns)
    assert _labelled(renderer, tokens) == expected
    assert tokens.input_ids.tolist().count(renderer.placeholder_id) == images * TOKENS
    assert all(label in (IGNORED, token) for token, label in zip(tokens.input_ids, tokens.labels, strict=True))
    assert tokens.labels[0] == IGNORED


@pytest.mark.parametrize("style", STYLES)
@settings(max_examples=15)
@given(turn=st.tuples(TEXT, TEXT, st.booleans()))
def test_the_prompt_of_training_is_the_prompt_of_evaluation(folders, renderers, style, turn):
    """The saved processor's prompt tokens are what training has before the answer, token for token."""
    from PIL import Image

    renderer, (question, answer, first) = renderers[style], turn
    user = _turn("user", None, question) if first else _turn("user", question, None)
    tokens = renderer.tokenise([user, _turn("assistant", answer)], [SIZE])
    start = next(index for index, label in enumerate(tokens.labels) if label != IGNORED)
    processor = _processor(folders[style])
    prompt = processor.apply_chat_template([user], add_generation_prompt=True, tokenize=False)
    sent = processor(text=[prompt], images=[[Image.new("RGB", (30, 20))]], add_special_tokens=False)
    assert list(sent["input_ids"][0]) == tokens.input_ids[:start].tolist()


_PROCESSORS: dict = {}


def _processor(folder):
    if folder not in _PROCESSORS:
        _PROCESSORS[folder] = AutoProcessor.from_pretrained(folder)
    return _PROCESSORS[folder]


def test_placeholders_stand_at_their_own_positions(renderers):
    renderer = renderers["chatml"]
    user = _turn("user", "Before", None, "between", None, "after")
    tokens = renderer.tokenise([user, _turn("assistant", "Yes")], [SIZE] * 2)
    text = renderer.tokenizer.decode(tokens.input_ids)
    images = "<image>" * TOKENS
    assert f"Before\n{images}\nbetween\n{images}\nafter" in text


def test_system_text_of_the_recipe_stands_unless_the_row_has_its_own(renderers):
    renderer = renderers["axolotl llama3"]
    plain = [_turn("user", "Hi"), _turn("assistant", "Yes")]
    text = renderer.tokenizer.decode(renderer.tokenise(plain, []).input_ids)
    assert text.startswith("<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nThe paper's text.<|eot_id|>")
    assert "Date" not in text
    own = renderer.tokenizer.decode(renderer.tokenise([_turn("system", "Mine."), *plain], []).input_ids)
    assert "Mine." in own and "The paper's text." not in own


def test_align_is_image_caption_newline(folders):
    for style, bos in (("chatml", ""), ("llama3", "<|begin_of_text|>")):
        renderer = Renderer(AutoTokenizer.from_pretrained(folders[style]), FixedTokens(TOKENS), "align")
        tokens = renderer.tokenise([_turn("user", None), _turn("assistant", " A chest X-ray. ")], [SIZE])
        assert renderer.tokenizer.decode(tokens.input_ids) == f"{bos}{'<image>' * TOKENS}A chest X-ray.\n"
        assert _labelled(renderer, tokens) == "A chest X-ray.\n"


@pytest.mark.parametrize(
    ("messages", "images", "reason"),
    [
        ([_turn("user", None, "What?"), _turn("assistant", "x")], 0, "image_count"),
        ([_turn("user", "What?"), _turn("assistant", "x")], 1, "image_count"),
        ([_turn("user", "What is <image>?"), _turn("assistant", "x")], 0, "image_count"),
        ([_turn("user", "Say <|im_end|>"), _turn("assistant", "x")], 0, "special_token"),
        ([_turn("user", "What?"), _turn("assistant", "x<|im_end|>")], 0, "special_token"),
        ([_turn("user", "What?"), _turn("assistant", "  ")], 0, "no_label"),
        ([_turn("user", "What?")], 0, "role_order"),
        ([_turn("assistant", "x"), _turn("user", "What?")], 0, "role_order"),
        ([_turn("user", "What?"), _turn("user", "x")], 0, "role_order"),
        ([], 0, "role_order"),
        ([_turn("tool", "What?"), _turn("assistant", "x")], 0, "unknown_role"),
    ],
)
def test_rows_that_cannot_be_used(renderers, messages, images, reason):
    with pytest.raises(RowError) as caught:
        renderers["chatml"].tokenise(messages, [SIZE] * images)
    assert caught.value.reason == reason


@pytest.mark.parametrize(("images", "answers"), [(0, 1), (2, 1), (1, 2)])
def test_align_takes_one_image_and_one_caption(folders, images, answers):
    renderer = Renderer(AutoTokenizer.from_pretrained(folders["chatml"]), FixedTokens(TOKENS), "align")
    messages = [_turn("user", *[None] * images, "x"), _turn("assistant", "y")]
    messages += [_turn("user", "x"), _turn("assistant", "y")] * (answers - 1)
    with pytest.raises(RowError, match="not_a_caption"):
        renderer.tokenise(messages, [SIZE] * images)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{% for m in messages %}{{ m['role'] + m['content'] }}{% endfor %}", "training would put"),
        (
            "{% for m in messages %}{{ m['role'] + ':' + m['content'] + ' ' }}{% endfor %}"
            "{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}",
            "without an end token",
        ),
        (  # a prompt that begins reasoning, which no answer of the data holds
            "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
            "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n<think>\n' }}{% endif %}",
            "training would put",
        ),
        (
            "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' }}"
            "{% if m['role'] == 'assistant' and loop.last %}{{ 'Answer: ' }}{% endif %}"
            "{{ m['content'] + '<|im_end|>\n' }}{% endfor %}"
            "{% if add_generation_prompt %}{{ '<|im_start|>assistant\nAnswer: ' }}{% endif %}",
            "training would put",
        ),
        (
            "{% for m in messages %}{% if m['role'] != 'system' or messages | length < 4 %}"
            "{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endif %}{% endfor %}"
            "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
            "training would put",
        ),
    ],
    ids=["no generation prompt", "no end token", "open reasoning", "last answer only", "no system turn later"],
)
def test_a_template_that_cannot_be_trained_on_is_refused(folders, template, message):
    tokenizer = AutoTokenizer.from_pretrained(folders["chatml"])
    tokenizer.chat_template = with_parts(template, None)
    with pytest.raises(RecipeError, match=message):
        Renderer(tokenizer, FixedTokens(TOKENS), "instruct")
