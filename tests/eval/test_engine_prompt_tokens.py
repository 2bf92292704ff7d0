"""The tokens that an engine sends for an item are those that training had before the same answer."""

import pytest
from transformers import AutoProcessor, AutoTokenizer

from bimedix2_plugin.data.rendering import IGNORED, Renderer
from bimedix2_plugin.model.compose import compose, load
from bimedix2_plugin.model.request import Request
from bimedix2_plugin.model.vision_language.llava import FixedTokens
from bimedix2_plugin.rehearse import tiny
from data_prep.images.store import ImageStore
from eval.benchmarks.data_split import items_of
from eval.dataset import DataSet
from eval.engines.engine import Request as EngineRequest
from eval.engines.transformers_engine import TransformersEngine
from eval.images import read_image

IMAGE_TOKENS = 4


@pytest.fixture(scope="module", params=["chatml", "llama3"])
def checkpoint(request, tmp_path_factory):
    """A checkpoint folder as `merge-lora` leaves it, for one chat template."""
    folder = tmp_path_factory.mktemp(request.param)
    tiny.llama(folder / "llama", tied=True, style=request.param)
    tiny.clip_vision(folder / "clip")
    base, tower = str(folder / "llama"), str(folder / "clip")
    composed = compose(Request(base=base, tower=tower, system="The paper's text.", root=folder / "composed"))
    load(composed).save_pretrained(folder / "merged")
    AutoProcessor.from_pretrained(composed).save_pretrained(folder / "merged")
    return folder / "merged"


@pytest.fixture(scope="module")
def rows(parts):
    return DataSet.open(parts / "data").rows("train")


def prompt_of_training(renderer, row, turn):
    """What training has before the answer of that assistant turn."""
    ends = [place for place, message in enumerate(row["messages"]) if message["role"] == "assistant"]
    messages = row["messages"][: ends[turn] + 1]
    images = sum(part["type"] == "image" for message in messages for part in message["content"])
    tokens = renderer.tokenise(messages, [(28, 28)] * images)
    labelled = [place for place, label in enumerate(tokens.labels) if label != IGNORED]
    start = next(place for place in reversed(labelled) if place - 1 not in labelled)
    return tokens.input_ids[:start].tolist()


def test_the_engine_sends_trainings_tokens(checkpoint, rows, parts):
    renderer = Renderer(AutoTokenizer.from_pretrained(checkpoint), FixedTokens(IMAGE_TOKENS), "instruct")
    engine = TransformersEngine(checkpoint, "float32", "cpu")
    store = ImageStore(parts / "data" / "images")
    items = {item.id: item for item in items_of(rows)}
    assert {len(item.images) for item in items.values()} == {0, 1, 2}
    assert max(len(item.messages) for item in items.values()) == 5
    images = {id: tuple(read_image(store.bytes(key), key) for key in item.images) for id, item in items.items()}
    inputs = engine.inputs([EngineRequest(item, engine.prompt(item), images[id]) for id, item in items.items()])
    sent = {
        id: ids[mask.bool()].tolist()
        for id, ids, mask in zip(items, inputs["input_ids"], inputs["attention_mask"], strict=True)
    }
    expected = {}
    for row in rows:
        for turn in range(sum(message["role"] == "assistant" for message in row["messages"])):
            expected[f"{row['id']}#{turn}"] = prompt_of_training(renderer, row, turn)
    assert sent == expected
    assert sum(ids.count(renderer.placeholder_id) for ids in sent.values()) == IMAGE_TOKENS * sum(
        len(item.images) for item in items.values()
    )


def test_the_engine_sees_trainings_image(checkpoint, rows, parts):
    store = ImageStore(parts / "data" / "images")
    for key in {key for row in rows for key in row["images"]}:
        assert read_image(store.bytes(key), key).image.tobytes() == store.image(key).tobytes()
