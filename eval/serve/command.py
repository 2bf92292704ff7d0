"""The verb `serve` of `python -m eval`: vLLM serves a checkpoint, once it was seen to answer as transformers does."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import Any

from data_prep import local_page
from data_prep.llm.connection import ServerError, connect
from eval.checkpoint import has_vision, read_config
from eval.engines.openai_engine import Server
from eval.engines.placement import Placement
from eval.engines.prompt import Prompts
from eval.errors import EvalError, say
from eval.hub import Source, locate, short_name
from eval.model import Settings, default_device
from eval.serve.check import check_answers, check_prompts
from eval.serve.probes import Probe, probes
from eval.serve.reference import Answer, reference, why_no_room
from eval.serve.vllm_server import VllmServer, check_environment, running, why_ended

TOWERS = ("clip_vision_model", "siglip_vision_model", "pixtral")
"""Vision towers of a LLaVA that vLLM serves."""


def serve(options: argparse.Namespace) -> None:
    """Serve until the user ends it.

    Raises:
        EvalError: no vLLM, a port in use, a checkpoint that vLLM does not serve, or other prompts or answers than
            transformers'.
    """
    check_environment()
    local_page.without_proxy(options.host)
    source = locate(options.model)
    server = _server(options, source)
    prompts = Prompts(server.folder, server.template)
    asked = probes(sees=prompts.sees)
    for item, _ in asked:
        prompts.render(item)
    expected = _expected(server, tokens_only=options.tokens_only)
    say(f"vLLM loads {source.name} ({server.dtype} on {server.device}; log: {options.log})")
    for number in local_page.ending_signals():  # by an exception, which ends the server, too
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        with running(server, options.log) as process:
            _check(server, options, asked, expected)
            print(f"{server.name}: {server.address}/v1", flush=True)
            process.wait()
            raise EvalError(f"vLLM ended: {why_ended(options.log)} (log: {options.log})")
    except KeyboardInterrupt:
        say("ended")


def _server(options: argparse.Namespace, source: Source) -> VllmServer:
    """Describe the server.

    Raises:
        EvalError: the first thing that is wrong with the options or the checkpoint.
    """
    try:
        local_page.check_free(options.host, options.port)
        key = connect("http://localhost/v1", options.api_key_variable, options=("--host", "--api-key-variable")).key
    except (local_page.PageError, ServerError) as error:
        raise EvalError(str(error)) from None
    if not options.api_key_variable and not local_page.is_local(options.host):
        raise EvalError(
            f"--host {options.host}: others can reach it. Give a key that clients must send: --api-key-variable NAME "
            "of an environment variable."
        )
    config, device = read_config(source.folder), default_device()
    Placement(tensor_parallel=options.tensor_parallel).check(config, "vllm", device)
    if has_vision(source.folder):
        _check_tower(source, config)
    if options.chat_template_file and not options.chat_template_file.is_file():
        raise EvalError(f"--chat-template-file {options.chat_template_file}: no such file.")
    return VllmServer(
        source.folder,
        options.served_name or name_of(source.name),
        dtype_of(config) if options.dtype == "auto" else options.dtype,
        device,
        options.chat_template_file,
        options.tensor_parallel,
        options.host,
        options.port,
        key if options.api_key_variable else None,
        tuple(options.vllm_options),
    )


def name_of(model: str) -> str:
    """Return the name under which a model is served: its folder's, or the run's for .../RUN/merged."""
    return short_name(model) if Path(model).name else Path(model).resolve().name


def dtype_of(config: dict[str, Any]) -> str:
    """Return the precision in which a checkpoint is stored; vLLM's own default would halve float32."""
    text = config.get("text_config") or {}
    found = (part.get(key) for part in (config, text) for key in ("dtype", "torch_dtype"))
    return str(next(filter(None, found), "bfloat16")).removeprefix("torch.")


def _check_tower(source: Source, config: dict[str, Any]) -> None:
    tower = (config.get("vision_config") or {}).get("model_type")
    if config.get("model_type") == "llava" and tower not in TOWERS:
        raise EvalError(
            f"{source.name}: vLLM serves a LLaVA with the towers {', '.join(TOWERS)}, and this one has {tower}. "
            f"Talk to it without a server: python -m eval chat --model {source.name}"
        )


def _expected(server: VllmServer, *, tokens_only: bool) -> list[Answer]:
    """Ask transformers first, while the memory is free; return nothing where its answers are not compared."""
    if tokens_only:
        return []
    if why := why_no_room(server.folder, server.device):
        say(f"only the prompts are compared, not the answers: {why}")
        return []
    say(f"transformers answers {server.folder} two questions, to compare")
    return reference(server.folder, server.dtype, server.device, server.template)


def _check(server: VllmServer, options: argparse.Namespace, asked: list[Probe], expected: list[Answer]) -> None:
    connection = connect(f"{server.address}/v1", options.api_key_variable, timeout=600.0)
    settings = Settings(chat_template=server.template)
    check_prompts(Server(server.name, connection, settings, checkpoint=str(server.folder)), asked)
    say("prompts: the tokens of the checkpoint's own processor")
    if expected:
        for line in check_answers(connection, server.name, asked, expected, server.dtype):
            say(line)
