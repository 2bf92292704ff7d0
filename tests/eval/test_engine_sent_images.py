"""Images that the client prepares: the server's processor sees in them what the checkpoint sees in the image itself."""

import base64
import io
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from werkzeug import Response

from data_prep.images.prepared import image_processor
from data_prep.llm.connection import Connection
from eval import predict
from eval.cli import main
from eval.engines.openai_engine import Server
from eval.engines.sent_images import PreparedImages, once
from eval.errors import EvalError
from eval.images import KEPT, read_image
from eval.model import Settings
from eval.predict import Questions
from eval.predictions import read_predictions
from tests.eval.chat.streaming_server import StreamingServer
from tests.eval.test_engine_openai import CHAT, reply
from tests.helpers import core_builders as hand
from tests.helpers import eval_builders as make
from tests.helpers.tiny_seeing import seeing

WIDE = make.noise((90, 40), 3, "JPEG")


def sent_images(body):
    """The images of a request, decoded."""
    urls = [
        part["image_url"]["url"]
        for message in body["messages"]
        if isinstance(message["content"], list)
        for part in message["content"]
        if part["type"] == "image_url"
    ]
    return [Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) for url in urls]


def assert_seen_alike(sent, original, folder):
    """One processor makes the same of both, but for the rounding to whole colours."""
    processor = image_processor(Path(folder))
    seen, wanted = (processor(each.convert("RGB"), return_tensors="np")["pixel_values"] for each in (sent, original))
    step = 0.5 / 255 / min(processor.image_std)
    assert seen.shape == wanted.shape and np.abs(seen - wanted).max() <= 1.01 * step
    assert sent.size == (seen.shape[3], seen.shape[2]) and sent.format == "PNG"


@pytest.fixture
def asked(httpserver):
    """A server that answers: its address, and the bodies of the chat completions that it was asked."""
    bodies = []

    def answer(request):
        bodies.append(json.loads(request.data))
        return Response(json.dumps(reply("Yes.")), content_type="application/json")

    httpserver.expect_request(CHAT).respond_with_handler(answer)
    return SimpleNamespace(url=httpserver.url_for("/v1"), bodies=bodies)


def run(asked, data, out, *more):
    given = ["run", "--model", "m", "--engine", "openai", "--base-url", asked.url, "--data", data]
    return main([*map(str, [*given, "--split", "train", "--out", out, *more])])


class Wide(hand.Hand):
    """A benchmark whose images are all the same wide one."""

    def image(self, name):
        return WIDE


def test_a_run_sends_what_the_checkpoint_sees_and_keeps_the_hash_of_the_file(asked, llava, tmp_path):
    hand.write_benchmark(tmp_path, "hand", [])
    items = [hand.item("one", images=["x.jpg"]), hand.item("two", images=["x.jpg", "y.jpg"]), hand.item("none")]
    questions = Questions(Wide("hand", tmp_path), items, {"benchmark": {"name": "hand"}})
    connection = Connection(asked.url, timeout=5.0)
    server = Server("m", connection, Settings(max_new_tokens=5), prepared=PreparedImages(Path(llava)))
    predict.run(server, questions, tmp_path / "p.jsonl")
    sent = [image for body in asked.bodies for image in sent_images(body)]
    assert len(sent) == 3
    original = read_image(WIDE, "x.jpg")
    for image in sent:
        assert_seen_alike(image, original.image, llava)
    lines = {line.item: line for line in read_predictions(tmp_path / "p.jsonl").lines}
    assert lines["two"].image_hashes == [original.sha256] * 2


def test_the_header_says_how_images_were_prepared(asked, llava, data, tmp_path):
    assert run(asked, data, tmp_path, "--prepare-images", llava) == 0
    prepared = read_predictions(tmp_path / "predictions/train.jsonl").header["images_prepared"]
    assert "ImageProcessor" in prepared["processor"] and len(prepared["sha256"]) == 64


def test_answers_to_prepared_images_and_to_others_share_no_file(asked, llava, data, tmp_path, capsys):
    assert run(asked, data, tmp_path) == 0 and asked.bodies
    assert "images_prepared" not in read_predictions(tmp_path / "predictions/train.jsonl").header
    asked.bodies.clear()
    assert run(asked, data, tmp_path, "--prepare-images", llava) == 1 and not asked.bodies
    assert "images_prepared" in capsys.readouterr().err


@pytest.mark.parametrize("size", [(90, 40), (31, 77), (28, 28)])
def test_an_image_of_any_shape_is_seen_as_it_is(llava, size):
    image = read_image(make.noise(size, 5), "x")
    sent = Image.open(io.BytesIO(base64.b64decode(PreparedImages(Path(llava))(image).partition(",")[2])))
    assert_seen_alike(sent, image.image, llava)


def test_a_chat_sends_what_the_checkpoint_sees(llava, tmp_path, monkeypatch):
    scan = tmp_path / "scan.jpg"
    scan.write_bytes(WIDE)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"/image {scan}\nWhat is it?\n/quit\n"))
    with StreamingServer() as server:
        assert main(["chat", "--base-url", server.url, "--prepare-images", str(llava)]) == 0
        (image,) = sent_images(server.requests[0])
    assert_seen_alike(image, read_image(WIDE, "scan.jpg").image, llava)


def test_a_chat_with_a_checkpoint_prepares_by_itself(llava, capsys):
    assert main(["chat", "--model", str(llava), "--prepare-images", str(llava)]) == 1
    assert "--prepare-images belongs to --base-url" in capsys.readouterr().err


@pytest.mark.parametrize("family", ["llava_next", "qwen2_5_vl"])
def test_a_processor_that_cuts_images_is_refused(tmp_path, family):
    with pytest.raises(EvalError, match=f"--prepare-images {tmp_path}.*tiles or patches"):
        PreparedImages(Path(seeing(tmp_path / family, family)))


def test_a_folder_without_a_processor_is_refused_before_anything_is_asked(asked, data, tmp_path, capsys):
    for folder in (tmp_path / "nowhere", tmp_path):
        assert run(asked, data, tmp_path / "out", "--prepare-images", folder) == 1
        assert f"--prepare-images {folder}: " in capsys.readouterr().err
    assert not asked.bodies and not (tmp_path / "out").exists()


def test_questions_about_one_image_encode_it_once():
    encoded = []

    def url_of(image):
        encoded.append(image.sha256)
        return image.data_url()

    url = once(url_of)
    images = [read_image(make.noise((8, 8), seed, "PNG"), str(seed)) for seed in range(KEPT + 1)]
    for image in images:
        assert [url(image) for _ in range(3)] == [image.data_url()] * 3
    assert encoded == [image.sha256 for image in images]
    url(images[-1])
    assert len(encoded) == len(images)
    url(images[0])  # longer ago than the last KEPT
    assert encoded[len(images) :] == [images[0].sha256]
