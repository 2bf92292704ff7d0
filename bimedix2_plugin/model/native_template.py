"""The chat template of a base that already sees: its own, with the recipe's system text and an end for each answer.

A template that writes no BOS although the tokenizer adds one (LLaVA-1.5's), or closes no answer with a special token,
is completed: a rendered conversation then holds every token that the model sees.
"""

from __future__ import annotations

from typing import Any

from jinja2 import TemplateError

from bimedix2_plugin.model.chat_template import end_of_turn, literal

# Each piece sets `messages` to a changed copy; contents may be strings or lists of parts.
_SYSTEM = """\
{%- if messages and messages[0]['role'] != 'system' -%}
{%- set messages = [{'role': 'system', 'content': [{'type': 'text', 'text': __TEXT__}]}] + messages -%}
{%- endif -%}
"""
_FOLDED = """\
{%- if messages and messages[0]['role'] != 'system' -%}
{%- set first = messages[0]['content'] -%}
{%- set parts = [{'type': 'text', 'text': first}] if first is string else first -%}
{%- set opening = [{'type': 'text', 'text': __TEXT__ + '\\n\\n'}] -%}
{%- set messages = [dict(messages[0], content=opening + parts)] + messages[1:] -%}
{%- endif -%}
"""
_CLOSED = """\
{%- set closed = namespace(turns=[]) -%}
{%- for turn in messages -%}
{%- if turn['role'] == 'assistant' -%}
{%- set parts = [{'type': 'text', 'text': turn['content']}] if turn['content'] is string else turn['content'] -%}
{%- set last = dict(parts[-1], text=parts[-1]['text'] + eos_token) -%}
{%- set closed.turns = closed.turns + [dict(turn, content=parts[:-1] + [last])] -%}
{%- else -%}
{%- set closed.turns = closed.turns + [turn] -%}
{%- endif -%}
{%- endfor -%}
{%- set messages = closed.turns -%}
"""


def native_template(tokenizer: Any, template: str, system: str | None) -> str:
    """Return the checkpoint's template.

    Args:
        tokenizer: the base's.
        template: the base's own, or the recipe's.
        system: text for conversations without a system turn; None leaves that to the template.
    """
    tokenizer.chat_template = template
    before = ""
    if system:
        piece = _SYSTEM if _takes_system(tokenizer) else _FOLDED
        before += piece.replace("__TEXT__", literal(system))
    if end_of_turn(tokenizer) is None and tokenizer.eos_token:
        before += _CLOSED
    if _lacks_bos(tokenizer):
        before += "{{- bos_token -}}\n"
    return before + template


def _takes_system(tokenizer: Any) -> bool:
    """Whether the template writes a system turn's text before the user's."""
    turns = [_turn("system", "a system text"), _turn("user", "a question")]
    try:
        text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    except TemplateError:
        return False
    return "a system text" in text.partition("a question")[0]


def _lacks_bos(tokenizer: Any) -> bool:
    """Whether the tokenizer puts a BOS before every text, and the template does not."""
    if tokenizer.bos_token_id is None or tokenizer("").input_ids[:1] != [tokenizer.bos_token_id]:
        return False
    try:
        text = tokenizer.apply_chat_template([_turn("user", "a question")], tokenize=False)
    except TemplateError:
        return False
    return not text.startswith(tokenizer.bos_token)


def _turn(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "content": [{"type": "text", "text": text}]}
