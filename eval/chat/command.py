"""The verb `chat` of `python -m eval`: which models answer, and where the chat takes place."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence

from data_prep import local_page
from eval.chat.session import Session
from eval.chat.talker import Decoding, Talker
from eval.described import connection_of
from eval.errors import EvalError
from eval.model import Settings
from eval.options import CHAT_PASSWORD

USER = "chat"
"""The name that the page's login asks for beside the password."""


def chat(options: argparse.Namespace, settings: Settings) -> None:
    """Chat until the user ends it.

    Raises:
        EvalError: no model or an unusable one, a wrong option, a port in use, no password where one is needed.
    """
    if not 0 <= options.temperature < math.inf:
        raise EvalError(f"--temperature {options.temperature:g}: 0 or more.")
    decoding = Decoding(options.max_new_tokens or Decoding.max_new_tokens, options.temperature)
    password = None
    if options.web:  # before a model is loaded, which takes minutes
        try:
            password = local_page.read_password(options.host, options.password_file, CHAT_PASSWORD)
            local_page.check_free(options.host, options.port)
        except local_page.PageError as error:
            raise EvalError(str(error)) from None
    talkers = _talkers(options, settings)

    def session() -> Session:
        return Session(talkers, decoding, options.system, drops_oldest=options.drop_oldest)

    if not options.web:
        from eval.chat.terminal import Terminal

        Terminal(session()).run()
        return
    from eval.chat.web.page import serve  # gradio takes seconds to import

    login = None if password is None else lambda name, given: local_page.same(given, password) and name == USER
    serve(session, (options.host, options.port), login)


def _talkers(options: argparse.Namespace, settings: Settings) -> Sequence[Talker]:
    if options.base_url:
        from eval.chat.server import served
        from eval.engines.sent_images import PreparedImages

        local_page.without_proxy()
        connection = connection_of(options)
        prepared = (PreparedImages(options.prepare_images),) if options.prepare_images else ()
        return served(connection, options.model, *prepared)
    if options.api_key_variable:
        raise EvalError("--api-key-variable belongs to --base-url.")
    if options.prepare_images:
        raise EvalError("--prepare-images belongs to --base-url: a checkpoint's own processor prepares its images.")
    if not options.model:
        raise EvalError("--model: give a checkpoint folder, or the address of a server with --base-url.")
    from eval.chat.local import LocalTalker
    from eval.model import Checkpoint

    checkpoints = [Checkpoint(model, settings) for model in options.model]  # all checked before the first is loaded
    return [LocalTalker(checkpoint) for checkpoint in checkpoints]
