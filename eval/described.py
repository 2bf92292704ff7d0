"""What the command line's options describe: a model with its settings, and a judge."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import fields
from typing import TYPE_CHECKING

from eval.errors import EvalError
from eval.judge.client import SERVERS_OWN, JudgeSettings
from eval.options import SERVER

if TYPE_CHECKING:
    from data_prep.llm.connection import Connection
    from eval.engines.engine import Model
    from eval.model import Settings

SERVER_BATCH_FACTOR = 4
"""Prompts in one batch of a server, per concurrent request: few requests then wait for the batch's slowest answer."""
VLLM_BATCH = 2048
"""Prompts that vLLM is handed at once: enough that it seldom runs dry, few enough that a killed run loses minutes."""


def judge_settings(options: Namespace) -> JudgeSettings:
    """Make the judge's settings; options that were not given keep the defaults of JudgeSettings."""
    given = {field.name: getattr(options, f"judge_{field.name}", None) for field in fields(JudgeSettings)}
    settings = {name: value for name, value in given.items() if value is not None}
    if settings.get("temperature") == SERVERS_OWN:
        settings["temperature"] = None
    return JudgeSettings(**settings)


def settings_of(options: Namespace, batch_size: int | None = None) -> Settings:
    """Make the settings of a checkpoint; `batch_size` is used where none is given."""
    from eval.engines.placement import Placement
    from eval.model import Settings

    given = vars(options)
    placed = {field.name: given[field.name] for field in fields(Placement) if field.name in given}
    return Settings(
        given.get("batch_size") or batch_size or Settings.batch_size,
        options.max_new_tokens,
        options.dtype,
        without_images=given.get("without_images", False),
        chat_template=given.get("chat_template_file"),
        placement=Placement(**placed),
    )


def connection_of(options: Namespace) -> Connection:
    """Describe the connection to the server that the options name.

    Raises:
        EvalError: the address is none, or there is no key for it.
    """
    from data_prep.llm.connection import ServerError, connect

    limits = {name: getattr(options, name) for name in ("concurrency", "timeout") if hasattr(options, name)}
    flags = ("--base-url", "--api-key-variable")
    try:
        return connect(options.base_url, options.api_key_variable, options=flags, **limits)
    except ServerError as error:
        raise EvalError(str(error)) from None


def model_of(options: Namespace) -> Model:
    """Describe the model that is asked: a checkpoint, or one behind a server.

    Raises:
        EvalError: options that do not fit together, no such checkpoint, or no key for the server.
    """
    if options.engine == "openai":
        from eval.engines.openai_engine import Server
        from eval.engines.sent_images import PreparedImages

        connection = connection_of(options)
        settings = settings_of(options, SERVER_BATCH_FACTOR * options.concurrency)
        if settings.placement.header() or settings.chat_template:
            raise EvalError("Where and how a server loads its model is told to the server, not here.")
        temperature = None if options.temperature == SERVERS_OWN else options.temperature
        prepared = PreparedImages(options.prepare_images) if options.prepare_images else None
        told = (temperature, options.server_extras, options.checkpoint, prepared)
        return Server(options.model, connection, settings, *told)
    if any(getattr(options, flag.strip("-").replace("-", "_")) for flag in SERVER):
        raise EvalError(f"{', '.join(SERVER[:-1])} and {SERVER[-1]} belong to --engine openai.")
    from eval.model import Checkpoint

    batch_size = VLLM_BATCH if options.engine == "vllm" else None
    return Checkpoint(options.model, settings_of(options, batch_size), options.engine)
