"""The checkpoint's chat template: the base's own, after content parts became one string each.

The base's template sees plain strings, so any base works; the placeholder stands at its image's own position.
The same text serves training, `axolotl inference`, evaluation and whoever loads the checkpoint later.
"""

from __future__ import annotations

import json
from typing import Any

from bimedix2_plugin.vocabulary import PLACEHOLDER

_PARTS_TO_STRINGS = """\
{%- set joined = namespace(turns=[]) -%}
__SYSTEM__
{%- for message in messages -%}
{%- if message['content'] is string -%}
{%- set joined.turns = joined.turns + [message] -%}
{%- else -%}
{%- set parts = namespace(texts=[]) -%}
{%- for part in message['content'] -%}
{%- set parts.texts = parts.texts + ([__PLACEHOLDER__] if part['type'] == 'image' else [part['text'] | trim]) -%}
{%- endfor -%}
{%- set joined.turns = joined.turns + [dict(message, content=parts.texts | join('\\n'))] -%}
{%- endif -%}
{%- endfor -%}
{%- set messages = joined.turns -%}
"""

_SYSTEM = """\
{%- if messages and messages[0]['role'] != 'system' -%}
{%- set joined.turns = [{'role': 'system', 'content': __TEXT__}] -%}
{%- endif -%}"""


def with_parts(template: str, system: str | None) -> str:
    """Put the joining of parts, and the recipe's system text, before a base's template.

    Args:
        template: the base's own Jinja template, over string contents.
        system: text of the system turn where a conversation has none; None leaves that to the template.
    """
    turn = _SYSTEM.replace("__TEXT__", _literal(system)) if system else ""
    joining = _PARTS_TO_STRINGS.replace("__SYSTEM__", turn).replace("__PLACEHOLDER__", _literal(PLACEHOLDER))
    return joining + template


def joined(content: str | list[dict[str, Any]]) -> str:
    """Join one message's parts as the template does: trimmed texts and placeholders, a line each."""
    if isinstance(content, str):
        return content
    return "\n".join(PLACEHOLDER if part["type"] == "image" else (part["text"] or "").strip() for part in content)


def base_template(tokenizer: Any, choice: str | None, jinja: str | None) -> str:
    """Return the template text that a recipe's `chat_template:` names, by Axolotl's own rules.

    Raises:
        ValueError: the name is unknown, or the tokenizer has none of its own.
    """
    from axolotl.utils.chat_templates import get_chat_template

    return get_chat_template(choice or "tokenizer_default", jinja_template=jinja, tokenizer=tokenizer)


def _literal(text: str) -> str:
    """Write a string as a Jinja literal."""
    return "'" + json.dumps(text, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"
