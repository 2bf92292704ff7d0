"""Conversations with a talker, for the tests: ask and read the whole answer, and what evaluation would answer."""

import threading

from eval.chat.attachment import Attachment
from eval.chat.local import LocalTalker
from eval.chat.talker import Decoding
from eval.engines.engine import Request
from eval.model import Checkpoint, Settings
from tests.helpers import eval_builders as make

TOKENS = 6


def image(colour):
    return Attachment(f"{colour}.png", make.png(colour))


def local(folder):
    return LocalTalker(Checkpoint(folder, Settings(dtype="float32")))


def answered(talker, conversation, tokens=TOKENS, temperature=0.0):
    """Answer the conversation's question; return the last part of the stream."""
    *_, last = talker.stream(conversation, Decoding(tokens, temperature), threading.Event())
    conversation.answer(last.text)
    return last


def evaluated(engine, conversation, tokens=TOKENS):
    """The answer of evaluation's engine to the conversation's question, computed from its beginning."""
    item = conversation.item()
    images = tuple(each.decoded for each in conversation.images())
    return engine.answer([Request(item, engine.prompt(item), images)], tokens)[0]
