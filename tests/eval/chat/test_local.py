"""A checkpoint in a chat answers as evaluation does, and computes what it knows already only once."""

import json
import random
import shutil
import threading
from itertools import pairwise

import pytest
from PIL import Image

from eval.chat.attachment import attach
from eval.chat.conversation import Conversation
from eval.chat.talker import STOPPED, Decoding, TooLongError
from eval.errors import EvalError
from tests.eval.chat.talks import answered, evaluated, image, local
from tests.helpers.tiny_seeing import FAMILIES, seeing

KEEPING = {"llava"}
"""Families that keep the cache; the others have sliding windows, M-RoPE, or tiles."""
TOWERS = ("vision_tower", "visual")


@pytest.fixture(scope="module")
def talker(llava):
    return local(llava)


def calls_of(module):
    """Count the images that a module is called with from here on."""
    counted = []
    module.register_forward_pre_hook(
        lambda _, args, kwargs: counted.append(len(kwargs.get("pixel_values", args[0] if args else ()))),
        with_kwargs=True,
    )
    return counted


def test_answers_of_every_turn_are_those_of_evaluation(talker):
    conversation = Conversation("Answer briefly.")
    for question, images in [
        ("What is it?", [image("red")]),
        ("Are you sure?", []),
        ("ما هذا؟", [image("green"), image("blue")]),
        ("And both together?", []),
    ]:
        conversation.ask(question, images)
        expected = evaluated(talker.engine, conversation)
        assert answered(talker, conversation) == expected


def test_a_character_is_shown_once_all_its_bytes_are_there(talker, monkeypatch):
    """The tokens of the fixture are bytes, so that an Arabic letter comes in two."""
    ids = talker.engine.prompts.token_ids("صورة 🫀")

    class Spelled(list):
        def __init__(self):
            super().__init__(ids[:end] for end in range(1, len(ids) + 1))
            self.ids = [*ids, talker.engine.end_ids[0]]

        def join(self):
            return False

    spelled = Spelled()
    monkeypatch.setattr("eval.chat.local.Generation", lambda *_, **__: spelled)
    conversation = Conversation()
    conversation.ask("ما هذا؟", [])
    shown = [answer.text for answer in talker.stream(conversation, Decoding(), threading.Event())]
    assert len(ids) > len("صورة 🫀") and shown[-1] == "صورة 🫀"
    assert all(later.startswith(one) for one, later in pairwise(shown))


def test_the_same_after_anything_that_people_do(talker):
    """Edits, other images at the same place, undone turns, two conversations: nothing comes from the wrong one."""
    choose = random.Random(5)
    conversations = [Conversation(), Conversation("Say it in Arabic.")]
    kept = 0
    for number in range(40):
        conversation = choose.choice(conversations)
        deed = choose.choice(["ask", "ask", "image", "back", "edit", "swap"])
        if deed == "edit" and conversation.turns:
            conversation.edit(choose.choice(range(0, len(conversation.turns), 2)), f"Other {number}?")
        elif deed in {"back", "swap"} and conversation.turns:
            question = conversation.take_back()
            swapped = [image(choose.choice(["white", "black"])) for _ in question.images]
            conversation.ask(question.text, swapped if deed == "swap" else question.images)
        else:
            colours = choose.choices(["red", "green", "blue"], k=choose.choice([1, 2])) if deed == "image" else []
            conversation.ask("Hm?" if number % 3 else f"Number {number}?", [image(colour) for colour in colours])
        expected = evaluated(talker.engine, conversation)
        before = talker._kept.marks
        assert answered(talker, conversation) == expected, (number, deed)
        kept += len(before) > 0
        if len(conversation.turns) > 8:
            conversation.turns = conversation.turns[-4:]
    assert kept > 30


def test_a_second_turn_does_not_compute_the_image_again(llava):
    talker = local(llava)
    seen = calls_of(talker.engine.model.model.vision_tower)
    conversation = Conversation()
    conversation.ask("What is it?", [image("red")])
    answered(talker, conversation)
    assert seen == [1]
    conversation.ask("Sure?")
    answered(talker, conversation)
    assert seen == [1]
    conversation.ask("And this one?", [image("blue")])
    answered(talker, conversation)
    assert seen == [1, 1]
    conversation.take_back()
    conversation.ask("And this one?", [image("white")])
    answered(talker, conversation)
    assert seen == [1, 1, 1]


def test_only_new_tokens_are_computed(llava):
    talker = local(llava)
    lengths = []
    talker.engine.model.model.language_model.register_forward_pre_hook(
        lambda _, args, kwargs: lengths.append(kwargs["inputs_embeds"].shape[1]), with_kwargs=True
    )
    conversation = Conversation("A long text that is the same in every turn. " * 4)
    conversation.ask("What is it?", [image("red")])
    answered(talker, conversation)
    first = lengths[0]
    lengths.clear()
    conversation.ask("Sure?")
    answered(talker, conversation)
    assert lengths[0] < first / 3 and lengths[1:] == [1] * (len(lengths) - 1)


def test_the_answer_grows_and_is_stopped_at_once(talker):
    conversation, stop = Conversation(), threading.Event()
    conversation.ask("What is it?", [image("red")])
    parts = []
    for part in talker.stream(conversation, Decoding(400), stop):
        parts.append(part)
        if len(parts) == 5:
            stop.set()
    assert parts[-1].finish_reason == STOPPED and parts[-1].tokens < 12
    assert [part.finish_reason for part in parts[:-1]] == [""] * (len(parts) - 1)
    conversation.answer(parts[-1].text)
    conversation.ask("Go on.")
    assert answered(talker, conversation) == evaluated(talker.engine, without_last(conversation))


def without_last(conversation):
    return Conversation(conversation.system, conversation.turns[:-1])


def test_a_chat_that_waits_for_another_is_stopped_at_once(talker):
    first, second, stop = Conversation(), Conversation(), threading.Event()
    first.ask("What is it?")
    second.ask("And mine?")
    stream = talker.stream(first, Decoding(400), threading.Event())
    next(stream)
    stop.set()
    assert [part.finish_reason for part in talker.stream(second, Decoding(), stop)] == ["waiting", STOPPED]
    stream.close()
    assert answered(talker, second).text


def test_a_reader_that_goes_away_ends_the_generation(talker):
    conversation = Conversation()
    conversation.ask("What is it?")
    stream = talker.stream(conversation, Decoding(400), threading.Event())
    next(stream)
    stream.close()
    computed = len(talker._kept.marks)
    expected = evaluated(talker.engine, conversation)
    assert answered(talker, conversation) == expected and computed < 300


def test_sampling_is_asked_for(talker):
    def texts(temperature):
        found = set()
        for _ in range(4):
            conversation = Conversation()
            conversation.ask("What is it?", [image("red")])
            found.add(answered(talker, conversation, 12, temperature).text)
        return found

    assert len(texts(0.0)) == 1 < len(texts(2.0))


def test_too_long_a_conversation_is_said_and_nothing_is_computed(talker):
    conversation = Conversation()
    conversation.ask("word " * 600)
    with pytest.raises(TooLongError, match="takes 512, the answer included"):
        answered(talker, conversation)
    conversation = Conversation()
    conversation.ask("What?")
    (*_, last) = talker.stream(conversation, Decoding(10_000), threading.Event())
    assert last.finish_reason in {"stop", "length"} and last.tokens < 512


def test_a_text_only_model_refuses_an_image_and_goes_on(text_model):
    talker = local(text_model)
    conversation = Conversation()
    conversation.ask("What is it?", [image("red")])
    with pytest.raises(EvalError, match="text-only model, which sees no images"):
        answered(talker, conversation)
    conversation.take_back()
    for question in ("One?", "Two?"):
        conversation.ask(question)
        expected = evaluated(talker.engine, conversation)
        assert answered(talker, conversation) == expected


def test_a_placeholder_in_the_text_is_one_message(talker):
    conversation = Conversation()
    conversation.ask("What is <image>?")
    with pytest.raises(EvalError, match="literal '<image>'"):
        answered(talker, conversation)


def test_an_image_that_a_processor_cannot_cut_is_one_message_and_the_chat_goes_on(tmp_path):
    talker = local(seeing(tmp_path, "qwen2_5_vl"))
    thin = tmp_path / "thin.png"
    Image.new("RGB", (1, 300)).save(thin)
    conversation = Conversation()
    conversation.ask("What is it?", [attach(thin)])
    with pytest.raises(EvalError, match="cannot be shown this conversation: ValueError: absolute aspect ratio"):
        answered(talker, conversation)
    conversation.ask("And without it?")
    assert answered(talker, conversation) == evaluated(talker.engine, without_last(conversation))


ROPES = {"dynamic": False, "linear": True}


@pytest.mark.parametrize("kind", ROPES)
def test_positions_that_depend_on_the_length_are_computed_again(text_model, tmp_path, kind):
    folder = tmp_path / kind
    shutil.copytree(text_model, folder)
    config = json.loads((folder / "config.json").read_text())
    rope = {"rope_type": kind, "rope_theta": 10_000.0, "factor": 2.0}
    (folder / "config.json").write_text(json.dumps(config | {"rope_parameters": rope}))
    talker = local(folder)
    assert (talker._kept is not None) is ROPES[kind]
    conversation = Conversation()
    for question in ("One?", "Two?"):
        conversation.ask(question)
        expected = evaluated(talker.engine, conversation)
        assert answered(talker, conversation) == expected


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_answers_as_evaluation_does(tmp_path, family):
    talker = local(seeing(tmp_path, family))
    seen: list[int] = []
    tower = next(module for name, module in talker.engine.model.named_modules() if name.endswith(TOWERS))
    tower.register_forward_pre_hook(lambda *_: seen.append(1))
    conversation = Conversation()
    for question, images in [("What is it?", [image("red")]), ("Sure?", []), ("And this?", [image("blue")])]:
        conversation.ask(question, images)
        expected = evaluated(talker.engine, conversation)
        seen.clear()
        assert answered(talker, conversation) == expected
        assert bool(seen) is (bool(images) or family not in KEEPING)
