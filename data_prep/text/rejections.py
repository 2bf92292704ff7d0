"""Reject rows whose text cannot be repaired, each with its reason in the ledger.

LLaVA-Med's own cleaning (llava/instruct/instruct_postprocess.py) drops turns that mention the caption and turns that
apologise; the patterns here are our own, and narrower.
"""

import re

from data_prep.rows import Message, Reject, text_of
from data_prep.text.clean import garbled
from data_prep.text.leak import leak
from data_prep.text.refusal import refusal

_PLACEHOLDER = re.compile(
    r"</?(?:image|img|im_start|im_end|im_patch|im_token|imagehere|video)(?:[ _]?\d+)?\s*/?>|<img\s[^<>]*>"
    r"|<start_of_image>|<end_of_image>|<image_soft_token>",
    re.IGNORECASE,
)
_TOKEN = re.compile(
    r"<\|[a-zA-Z0-9_ ]{1,40}\|>|</?s>|<(?:bos|eos|pad|unk)>|<(?:start|end)_of_turn>|<</?SYS>>"
    r"|\[/?(?:INST|IMG|IMAGE|SYSTEM_PROMPT|AVAILABLE_TOOLS|IMG_BREAK|IMG_END)\]"
)

_SHOWN = 60


def check(messages: list[Message], images: int) -> None:
    """Raise Reject for the first turn that is garbled, contains a special token, refuses, or leaks a caption."""
    questions = ""
    for number, message in enumerate(messages, start=1):
        text = text_of([message])
        turn = f"turn {number} ({message['role']})"
        check_not_garbled(text, turn)
        check_no_special_token(text, turn)
        if message["role"] != "assistant":
            questions = f"{questions}\n{text}" if questions else text
            continue
        if phrase := refusal(text):
            raise Reject("refusal", f"{turn}: {phrase[:_SHOWN]!r}")
        if images and (phrase := leak(text, questions)):
            raise Reject("leaked_caption", f"{turn}: {phrase!r}")


def check_not_garbled(text: str, turn: str) -> None:
    """Raise Reject for lost characters, lone surrogates and mojibake."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Reject("broken_text", f"{turn}: a lone surrogate, character {error.start + 1}") from error
    if sign := garbled(text):
        raise Reject("broken_text", f"{turn}: {sign!a}")


def check_no_special_token(text: str, turn: str) -> None:
    """Raise Reject for an image placeholder, or a special token of a chat template, written out in the text."""
    if ("<" in text and ">" in text) or "[" in text:
        found = _PLACEHOLDER.search(text) or _TOKEN.search(text)
        if found:
            raise Reject("placeholder", f"{turn}: {found[0]!r}")
