"""A live OpenAI-compatible server with a real language model: llama.cpp serving SmolLM2."""

import pytest

from data_prep.llm.connection import Connection
from eval.benchmarks.data_split import DataSplit, Selection
from eval.engines.openai_engine import Server
from eval.model import Settings
from eval.predict import questions_of, run
from eval.predictions import read_predictions
from tests.helpers.live_server import smollm2


@pytest.fixture(scope="module")
def url():
    with smollm2(n_ctx=1024, n_parallel=2) as address:
        yield address


def test_answers_of_a_live_server(url, data, tmp_path):
    server = Server("smollm2", Connection(url, concurrency=2, retries=0), Settings(4, max_new_tokens=8))
    path = tmp_path / "train.jsonl"
    run(server, questions_of(DataSplit(data, Selection("train", tasks=("text_qa", "vqa_closed")))), path)
    by_item = {line.item: line for line in read_predictions(path).lines}
    text, image = by_item["text-en#0"], by_item["closed-en#0"]
    assert text.output.isascii() and len(text.output.split()) > 2
    assert (text.tokens, text.finish_reason) == (8, "length") and not by_item["text-ar#0"].error
    # This model has no eyes, and the server says so: an error of those items alone.
    assert "image" in image.error and not image.output
