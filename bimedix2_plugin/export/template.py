"""The chat template in the exported file: the checkpoint's, with the line breaks that llama.cpp's server leaves out.

The server joins the parts of a message with an image into one string, in which the marker of the image touches the
text. Training has a line break there, as the checkpoint's template puts it between parts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bimedix2_plugin.model.placeholder import PLACEHOLDER

_BREAK_LINES = """\
{%- set broken = namespace(turns=[]) -%}
{%- for message in messages -%}
{%- if message['content'] is string and '<__media_' in message['content'] -%}
{%- set parts = namespace(texts=[]) -%}
{%- for piece in message['content'].split('<__media_') -%}
{%- set halves = [piece] if loop.first else piece.split('__>', 1) -%}
{%- if not loop.first -%}{%- set parts.texts = parts.texts + ['<__media_' + halves[0] + '__>'] -%}{%- endif -%}
{%- set text = halves | last | trim -%}
{%- if text -%}{%- set parts.texts = parts.texts + [text] -%}{%- endif -%}
{%- endfor -%}
{%- set broken.turns = broken.turns + [dict(message, content=parts.texts | join('\\n'))] -%}
{%- else -%}
{%- set broken.turns = broken.turns + [message] -%}
{%- endif -%}
{%- endfor -%}
{%- set messages = broken.turns -%}
"""


def for_llama_cpp(folder: Path) -> str:
    """Return the template for the exported file of a checkpoint's folder; "" if it has none.

    Only a template that puts a line break between an image and a text gets the lines above.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    if not tokenizer.chat_template:
        return ""
    return _BREAK_LINES + tokenizer.chat_template if _breaks_lines(tokenizer) else str(tokenizer.chat_template)


def _breaks_lines(tokenizer: Any) -> bool:
    parts = [{"type": "image"}, {"type": "text", "text": "a question"}]
    try:
        given, joined = (
            tokenizer.apply_chat_template([{"role": "user", "content": content}], tokenize=False)
            for content in (parts, f"{PLACEHOLDER}\na question")
        )
    except Exception:  # a template may raise anything on parts that it does not know
        return False
    return bool(given == joined)
