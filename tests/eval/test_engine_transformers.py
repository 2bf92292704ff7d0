"""The decoding loop: a batch answers as its rows do alone, greedily, with each row's own images."""

import json
import shutil

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.benchmarks.data_split import items_of
from eval.checkpoint import checkpoint_sha256
from eval.engines import parted
from eval.engines.engine import Request
from eval.engines.transformers_engine import TransformersEngine
from eval.errors import EvalError
from eval.images import read_image
from eval.model import resolve_dtype
from tests.helpers import eval_builders as make

TOKENS = 6


@pytest.fixture(scope="module")
def engine(llava):
    return TransformersEngine(llava, "float32", "cpu")


@pytest.fixture(scope="module")
def items():
    return items_of(make.TRAIN_ROWS)


IMAGES = {make.key(colour): read_image(make.png(colour), colour) for colour in make.COLOURS}


def asked(engine, item, *keys):
    return Request(item, engine.prompt(item), tuple(IMAGES[key] for key in keys or item.images))


def test_a_mixed_batch_answers_as_its_rows_alone(engine, items):
    assert {len(item.images) for item in items} == {0, 1, 2}
    batch = [asked(engine, item) for item in items]
    assert engine.answer(batch, TOKENS) == [engine.answer([each], TOKENS)[0] for each in batch]


def test_images_of_several_sizes_in_one_batch(engine):
    sizes = [(28, 28), (120, 31), (9, 200), (640, 480)]
    batch = []
    for number, size in enumerate(sizes):
        (item,) = items_of([make.row(f"r{number}", "en", "vqa_short", [("What?" * (number + 1), "That.")], ["red"])])
        batch.append(Request(item, engine.prompt(item), (read_image(make.noise(size, number), str(size)),)))
    together = engine.answer(batch, TOKENS)
    assert together == [engine.answer([each], TOKENS)[0] for each in batch]
    assert len({answer.text for answer in together}) > 1


def test_the_answer_depends_on_the_image(engine, items):
    answers = {engine.answer([asked(engine, items[0], make.key(colour))], TOKENS)[0].text for colour in make.COLOURS}
    assert len(answers) > 1


def test_a_batch_without_images(engine, items):
    texts = [asked(engine, item) for item in items if not item.images]
    assert len(engine.answer(texts, TOKENS)) == len(texts) == 2


def test_decoding_is_greedy_whatever_the_checkpoint_says(engine, items, llava):
    defaults = json.loads((llava / "generation_config.json").read_text())
    assert defaults["do_sample"] and defaults["repetition_penalty"] == 9.0
    (item,) = [item for item in items if item.id == "short-en#0"]
    question = asked(engine, item)
    inputs = engine.inputs([question])
    ids = inputs["input_ids"]
    for _ in range(TOKENS):
        with torch.no_grad():
            logits = engine.model(input_ids=ids, pixel_values=inputs["pixel_values"]).logits
        ids = torch.cat([ids, logits[:, -1:].argmax(-1)], dim=1)
    generated = ids[0, inputs["input_ids"].shape[1] :].tolist()
    assert engine.end_ids == [2] and 2 not in generated
    answer = engine.answer([question], TOKENS)[0]
    assert answer.text == engine.tokenizer.decode(generated, skip_special_tokens=True).strip()
    assert (answer.finish_reason, answer.tokens) == ("length", TOKENS)


def test_what_follows_the_end_token_is_no_answer(engine):
    yes = engine.tokenizer("Yes", add_special_tokens=False)["input_ids"]
    completion = engine.completion([*yes, 2, *yes, 0])
    assert (completion.text, completion.finish_reason, completion.tokens) == ("Yes", "stop", len(yes))


def test_the_prompt_is_the_checkpoints_own_template(engine, items):
    assert engine.prompt(items[0]) == "<|im_start|>user\n<image>Is this a CT?<|im_end|>\n<|im_start|>assistant\n"


def test_a_placeholder_written_in_the_text_names_the_item(engine):
    (item,) = items_of([make.row("trap", "en", "vqa_open", [("What is <image>?", "A tag.")], ["red"])])
    with pytest.raises(EvalError, match="'trap#0': 2 placeholders in the prompt for 1 images"):
        engine.prompt(item)


def test_a_text_model_sees_the_text_only(text_model, items):
    engine = TransformersEngine(text_model, "float32", "cpu")
    first, other = asked(engine, items[0]), asked(engine, items[3])
    assert first.prompt == "<|im_start|>user\nIs this a CT?<|im_end|>\n<|im_start|>assistant\n"
    assert engine.answer([first, other], TOKENS)[0] == engine.answer([first], TOKENS)[0]


@pytest.fixture
def copy(llava, tmp_path):
    return shutil.copytree(llava, tmp_path / "copy")


def test_no_processor(copy):
    (copy / "processor_config.json").unlink()
    with pytest.raises(EvalError, match="without its processor"):
        TransformersEngine(copy, "float32", "cpu")


def test_no_chat_template(copy):
    (copy / "chat_template.jinja").unlink()
    with pytest.raises(EvalError, match="no chat template"):
        TransformersEngine(copy, "float32", "cpu")


def test_no_folder(tmp_path):
    with pytest.raises(EvalError, match=r"no such folder.*or ORGANISATION/NAME on the Hub"):
        TransformersEngine(tmp_path / "model", "float32", "cpu")


def test_an_adapter_names_the_merge(tmp_path):
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(EvalError, match="axolotl merge-lora"):
        TransformersEngine(tmp_path, "float32", "cpu")


def test_no_weights(copy):
    (copy / "model.safetensors").unlink()
    with pytest.raises(EvalError, match=r"no \*\.safetensors"):
        TransformersEngine(copy, "float32", "cpu")


@pytest.mark.parametrize("name", ["config.json", "chat_template.jinja", "model.safetensors"])
def test_the_hash_knows_every_file_that_decides(copy, llava, name):
    assert checkpoint_sha256(copy) == checkpoint_sha256(llava)
    content = bytearray((copy / name).read_bytes())
    content[-1] ^= 1
    (copy / name).write_bytes(content)
    assert checkpoint_sha256(copy) != checkpoint_sha256(llava)


def test_dtype():
    assert [resolve_dtype("auto", "cpu"), resolve_dtype("auto", "cuda")] == ["float32", "bfloat16"]
    assert resolve_dtype("bfloat16", "cpu") == "bfloat16"


WORDS = ["Is", "this", "a", "CT?", "Where", "هل", "يوجد", "كسر؟", "Yes."]
QUESTION = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)
ALONE = {}


def alone(engine, request):
    """The answer to one prompt by itself, computed once."""
    key = (request.prompt, *(image.sha256 for image in request.images))
    if key not in ALONE:
        ALONE[key] = engine.answer([request], TOKENS)[0]
    return ALONE[key]


@settings(max_examples=25)
@given(
    st.lists(st.tuples(QUESTION, st.lists(st.sampled_from(make.COLOURS[:3]), max_size=2)), min_size=1, max_size=7),
    st.sampled_from([0.75, 9.0]),
)
def test_any_batch_answers_as_its_prompts_alone(engine, drawn, worthwhile):
    """With and without images, shared or not, equal prompts: whether prefixes are shared or not."""
    requests = []
    for number, (question, colours) in enumerate(drawn):
        (item,) = items_of([make.row(f"r{number}", "en", "vqa_short", [(question, "That.")], colours)])
        requests.append(asked(engine, item))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parted, "WORTHWHILE", worthwhile)
        together = engine.answer(requests, TOKENS)
    assert together == [alone(engine, request) for request in requests]


def test_questions_of_one_image_are_computed_from_one_prefix(engine):
    """The tokens that enter the model: the prefix once, then what each question has of its own."""
    rows = [
        make.row(f"r{number}", "en", "vqa_short", [(f"{'Is this ' * 6}{number}?", "That.")], ["red"])
        for number in range(6)
    ]
    requests = [asked(engine, item) for item in items_of(rows)]
    computed = []
    layer = engine.model.model.language_model.layers[0]
    hook = layer.register_forward_pre_hook(lambda _, arguments: computed.append(tuple(arguments[0].shape[:2])))
    answers = engine.answer(requests, TOKENS)
    hook.remove()
    (one, prefix), (every, own), *steps = computed
    whole = engine.inputs(requests[:1])["input_ids"].shape[1]
    assert (one, every) == (1, len(rows)) and prefix + own == whole and own < prefix
    assert steps == [(len(rows), 1)] * (TOKENS - 1)
    assert answers == [alone(engine, request) for request in requests]
