"""The checkpoint's chat template: the base's own, preceded by code that joins content parts into one string.

The base's template gets plain strings, so that any base works; each placeholder stands at its image's position. For a
template without a system turn (Gemma 2), the system text is put before the first user turn. Where a prompt ends with a
text that the template drops before earlier answers (Qwen 3's empty think block), that text is put before every answer:
a conversation then begins with the prompt of each of its turns, in training as in generation.
Training, `axolotl inference`, evaluation and anybody who loads the checkpoint use the same template.
"""

from __future__ import annotations

import json
from typing import Any

from jinja2 import TemplateError

from bimedix2_plugin.model.placeholder import PLACEHOLDER

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
__FOLD____ANSWERS__{%- set messages = joined.turns -%}
"""

_SYSTEM = """\
{%- if messages and messages[0]['role'] != 'system' -%}
{%- set joined.turns = [{'role': 'system', 'content': __TEXT__}] -%}
{%- endif -%}"""


_FOLD = """\
{%- if joined.turns | length > 1 and joined.turns[0]['role'] == 'system' -%}
{%- set opening = joined.turns[0]['content'] + '\\n\\n' + joined.turns[1]['content'] -%}
{%- set joined.turns = [dict(joined.turns[1], content=opening)] + joined.turns[2:] -%}
{%- endif -%}
"""

# Marks the beginning of each answer, without its reasoning; in what the base's template renders, the text then replaces
# the mark, together with the same text before it where the template writes that itself.
_MARK_ANSWERS = """\
{%- set marked = namespace(turns=[]) -%}
{%- for turn in joined.turns -%}
{%- if turn['role'] == 'assistant' and __WITHOUT_THINKING__ -%}
{%- set answer = __MARK__ + (turn['content'].split(__END__) | last | trim) -%}
{%- set marked.turns = marked.turns + [dict(turn, content=answer)] -%}
{%- else -%}
{%- set marked.turns = marked.turns + [turn] -%}
{%- endif -%}
{%- endfor -%}
{%- set joined.turns = marked.turns -%}
"""
_BEGIN = "{%- set rendered -%}\n"
_END = "{% endset -%}\n{{- rendered | replace(__TEXT__ + __MARK__, __MARK__) | replace(__MARK__, __TEXT__) -}}"
_MARK = "\ue002\ue003"

_NO_THINKING = "{%- if enable_thinking is not defined -%}{%- set enable_thinking = false -%}{%- endif -%}\n"


def checkpoint_template(tokenizer: Any, template: str, system: str | None) -> str:
    """Return the checkpoint's template for a base's own and the recipe's system text."""
    system_turn = takes_system(tokenizer, template)
    made = with_parts(template, system, takes_system=system_turn)
    text = _dropped_before_answers(tokenizer, made)
    return with_parts(template, system, takes_system=system_turn, before_answers=text) if text else made


def with_parts(template: str, system: str | None, *, takes_system: bool = True, before_answers: str = "") -> str:
    """Prepend the code that joins parts and inserts the recipe's system text to a base's template.

    Args:
        template: the base's own Jinja template, over string contents.
        system: system text for conversations without one; None leaves that to the template.
        takes_system: whether the template renders a system turn; if not, its text goes into the first user turn.
        before_answers: text that stands before every answer, whether the template puts it there or not, unless the
            caller enables thinking.
    """
    turn = _SYSTEM.replace("__TEXT__", literal(system)) if system else ""
    joining = _PARTS_TO_STRINGS.replace("__SYSTEM__", turn).replace("__PLACEHOLDER__", literal(PLACEHOLDER))
    joining = joining.replace("__FOLD__", "" if takes_system else _FOLD)
    # The training data holds no reasoning, so Qwen 3's prompts disable it unless the caller enables it.
    thinks = "enable_thinking" in template
    if before_answers:
        words = {"__WITHOUT_THINKING__": "not enable_thinking" if thinks else "true", "__MARK__": literal(_MARK)}
        words |= {"__END__": literal(before_answers.rsplit(maxsplit=1)[-1]), "__TEXT__": literal(before_answers)}
        marking, end = (_filled(part, words) for part in (_MARK_ANSWERS, _END))
        template = _BEGIN + template.removesuffix("\n") + end
    else:
        marking = ""
    return (_NO_THINKING if thinks else "") + joining.replace("__ANSWERS__", marking) + template


def _filled(part: str, words: dict[str, str]) -> str:
    for name, text in words.items():
        part = part.replace(name, text)
    return part


def _dropped_before_answers(tokenizer: Any, template: str) -> str:
    """Return the text with which a prompt ends, and without which the template writes an earlier answer, or ""."""
    turns = [{"role": role, "content": f"{number} {role}"} for number in (1, 2) for role in ("user", "assistant")]
    try:
        text = _rendered(tokenizer, template, turns)
        prompt = _rendered(tokenizer, template, turns[:1], add_generation_prompt=True)
    except TemplateError:
        return ""
    before = text.partition(turns[1]["content"])[0]
    rest = prompt[len(before) :]
    return rest if prompt.startswith(before) and rest.strip() else ""


def takes_system(tokenizer: Any, template: str) -> bool:
    """Whether a template renders a system turn, in the same way in a prompt and in a complete conversation.

    Gemma 2's raises an error; Mistral's drops it once the user turn has an answer.
    """
    system, user, answer = ({"role": role, "content": f"a {role}"} for role in ("system", "user", "assistant"))
    try:
        answered = _rendered(tokenizer, template, [system, user, answer])
        prompt = _rendered(tokenizer, template, [system, user], add_generation_prompt=True)
    except TemplateError:
        return False
    before = [text.partition(user["content"])[0] for text in (answered, prompt)]
    return before[0] == before[1] and system["content"] in before[0]


def end_of_turn(tokenizer: Any) -> int | None:
    """Return the id of the special token that ends an assistant turn, or None."""
    texts = {"user": "a question", "assistant": "an answer"}
    turns = [{"role": role, "content": [{"type": "text", "text": text}]} for role, text in texts.items()]
    try:
        _, answer, closing = _rendered(tokenizer, tokenizer.chat_template, turns).rpartition("an answer")
    except TemplateError:
        return None
    if not answer:
        return None
    ids = tokenizer.encode(closing, add_special_tokens=False)
    added = tokenizer.added_tokens_decoder
    return ids[0] if ids and ids[0] in added and added[ids[0]].special else None


def _rendered(tokenizer: Any, template: str, turns: list[dict[str, Any]], **kwargs: Any) -> str:
    return tokenizer.apply_chat_template(turns, chat_template=template, tokenize=False, **kwargs)


def joined(content: str | list[dict[str, Any]]) -> str:
    """Join one message's parts as the template does: trimmed texts and placeholders, one per line."""
    if isinstance(content, str):
        return content
    return "\n".join(PLACEHOLDER if part["type"] == "image" else (part["text"] or "").strip() for part in content)


def base_template(tokenizer: Any, choice: str | None, jinja: str | None) -> str:
    """Return the template that a recipe's `chat_template:` names, by Axolotl's rules.

    Raises:
        ValueError: the name is unknown, or the tokenizer has no chat template.
    """
    from axolotl.utils.chat_templates import get_chat_template

    return get_chat_template(choice or "tokenizer_default", jinja_template=jinja, tokenizer=tokenizer)


def literal(text: str) -> str:
    """Write a string as a Jinja literal."""
    return "'" + json.dumps(text, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"
