"""Whatever has a vision part is shown its images, with the tokens that its own processor makes, family by family."""

import json
import shutil

import pytest
import torch

from eval.benchmarks.data_split import DataSplit, Selection, items_of
from eval.cli import main
from eval.engines.engine import Request
from eval.engines.transformers_engine import TransformersEngine
from eval.errors import EvalError
from eval.images import read_image
from eval.model import Checkpoint, Settings
from eval.predict import questions_of, run
from eval.predictions import read_predictions
from tests.helpers import core_builders as hand
from tests.helpers import eval_builders as make
from tests.helpers.tiny_seeing import FAMILIES, seeing

TOKENS = 5
SIZES = [(70, 40), (40, 70), (28, 28)]
ITEMS = items_of(make.TRAIN_ROWS)


@pytest.fixture(scope="module", params=FAMILIES)
def checkpoint(request, tmp_path_factory):
    return seeing(tmp_path_factory.mktemp(request.param), request.param)


@pytest.fixture(scope="module")
def engine(checkpoint):
    return TransformersEngine(checkpoint, "float32", "cpu")


def asked(engine, item, seed=0):
    """Ask an item with images of several sizes."""
    places = range(len(item.images))
    images = [read_image(make.noise(SIZES[(seed + place) % 3], seed + place), "noise") for place in places]
    return Request(item, engine.prompt(item), tuple(images))


def own_ids(engine, request):
    """The ids that the checkpoint's processor makes of an item's messages, image parts filled in."""
    images = iter(request.images)
    messages = [
        {
            "role": message["role"],
            "content": [
                {"type": "image", "image": next(images).image} if part["type"] == "image" else dict(part)
                for part in message["content"]
            ],
        }
        for message in request.item.messages
    ]
    made = engine.processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=True, return_dict=True)
    return made["input_ids"][0]


def test_the_tokens_are_those_of_the_checkpoints_own_processor(engine):
    assert {len(item.images) for item in ITEMS} == {0, 1, 2}
    batch = [asked(engine, item, seed) for seed, item in enumerate(ITEMS)]
    inputs = engine.inputs(batch)
    rows = zip(inputs["input_ids"], inputs["attention_mask"], strict=True)
    sent = [ids[mask.bool()].tolist() for ids, mask in rows]
    assert sent == [own_ids(engine, each) for each in batch]
    bos = engine.tokenizer.bos_token_id
    assert all(ids.count(bos) == 1 for ids in sent) or bos is None


def test_another_image_gives_other_logits(engine):
    scores = []
    for seed in (1, 4):
        inputs = engine.inputs([asked(engine, ITEMS[0], seed)])
        with torch.inference_mode():
            scores.append(engine.model(**inputs).logits[0, -1])
    assert (scores[0] - scores[1]).abs().max() > 1e-4


def test_a_mixed_batch_answers_as_its_rows_alone(engine):
    batch = [asked(engine, item, seed) for seed, item in enumerate(ITEMS)]
    together = engine.answer(batch, TOKENS)
    assert together == [engine.answer([each], TOKENS)[0] for each in batch]


def test_a_run_says_that_images_were_shown_and_tokens_compared(checkpoint, data, tmp_path):
    questions = questions_of(DataSplit(data, Selection("train", tasks=("vqa_closed", "text_qa"))))
    run(Checkpoint(checkpoint, Settings(4, 2)), questions, tmp_path / "p.jsonl")
    found = read_predictions(tmp_path / "p.jsonl")
    assert found.header["images"] == "shown" and found.header["engine"]["prompt_tokens"] == "verified"
    assert sorted(len(line.image_hashes) for line in found.lines) == [0, 0, 1, 1]


def test_without_images_no_placeholder_is_sent(checkpoint, data, tmp_path):
    questions = questions_of(DataSplit(data, Selection("train", tasks=("vqa_closed",))))
    run(Checkpoint(checkpoint, Settings(4, 2, without_images=True)), questions, tmp_path / "p.jsonl")
    found = read_predictions(tmp_path / "p.jsonl")
    assert found.header["images"] == "not shown" and found.header["engine"]["prompt_tokens"] == "verified"
    assert [line.image_hashes for line in found.lines] == [[], []]
    assert not any("image" in line.prompt.lower() or "IMG" in line.prompt for line in found.lines)


def test_a_native_model_without_its_processor(checkpoint, tmp_path):
    copy = shutil.copytree(checkpoint, tmp_path / "copy")
    for name in ("processor_config.json", "preprocessor_config.json"):
        (copy / name).unlink(missing_ok=True)
    with pytest.raises(EvalError, match="a vision-language model without its processor"):
        Checkpoint(copy, Settings())


def test_a_text_model_is_not_asked_about_images(text_model, data, tmp_path, capsys):
    command = ["run", "--model", text_model, "--data", data, "--split", "train", "--out", tmp_path / "out"]
    assert main([*map(str, command)]) == 1
    assert "is a text-only model, and tiny/train asks about images" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_tokens_that_differ_are_not_said_to_be_verified(llava, monkeypatch):
    checkpoint = Checkpoint(llava, Settings())
    item, image = hand.item("a", "Is it?", images=["red"]), read_image(make.png("red"), "red")
    assert checkpoint.prompt_tokens([(item, [image])]) == "verified"
    assert checkpoint.prompt_tokens([]).startswith("unverified")
    plain = checkpoint.prompts.render
    monkeypatch.setattr(checkpoint.prompts, "render", lambda item: plain(item) + " ")
    assert checkpoint.prompt_tokens([(item, [image])]).startswith("unverified: item a is sent as")


def test_a_chat_template_of_ones_own(llava, data, tmp_path, capsys):
    bare = shutil.copytree(llava, tmp_path / "bare")
    template = (bare / "chat_template.jinja").rename(tmp_path / "mine.jinja")
    command = ["run", "--model", bare, "--data", data, "--split", "train", "--limit", "2", "--max-new-tokens", "2"]
    command = [*map(str, command), "--out", str(tmp_path / "out")]
    assert main(command) == 1 and "--chat-template-file" in capsys.readouterr().err
    assert main([*command, "--chat-template-file", str(tmp_path / "none")]) == 1
    assert "no such file" in capsys.readouterr().err
    assert main([*command, "--chat-template-file", str(template)]) == 0
    header = read_predictions(tmp_path / "out/predictions/train.jsonl").header
    assert len(header["chat_template_sha256"]) == 64 and json.dumps(header).count("mine.jinja") == 0
