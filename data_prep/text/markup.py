"""Convert HTML left in text: entities and simple tags become plain text.

Only unmistakable tags are converted: "<0.05", "p < 0.001 and n > 5" and "a<b>c" stay.
"""

import html
import re

_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_BLOCK_NAMES = "p|br|hr|div|li|ul|ol|dl|dt|dd|table|tbody|thead|tr|h[1-6]|blockquote|section"
_INLINE_NAMES = "em|strong|span|font|small|big|mark|sub|sup|td|th|center|strike|del|ins|cite"
_SHORT_NAMES = "a|b|i|u"
_ATTRIBUTES = r"""(?:\s+[a-z-]+\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s<>"']+))*\s*/?"""
_FLAGS = re.IGNORECASE | re.DOTALL

_SUPERSCRIPT = re.compile(r"<sup>([-0-9+−,() ]{1,20})</sup>", _FLAGS)
_BLOCK = re.compile(rf"(?<!\s)\s*(?:</?(?:{_BLOCK_NAMES}){_ATTRIBUTES}>\s*)+", _FLAGS)
_PAIR = re.compile(rf"<({_SHORT_NAMES}){_ATTRIBUTES}>(.{{0,5000}}?)</\1\s*>", _FLAGS)
_INLINE = re.compile(rf"</?(?:{_INLINE_NAMES}){_ATTRIBUTES}>|<!--.*?-->", _FLAGS)
_RAISED = str.maketrans("0123456789+-−()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾")


def without_markup(text: str) -> str:
    """The text with entities unescaped and tags replaced by line breaks or superscript digits, or removed."""
    if "&" in text:
        text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    if "<" in text and ">" in text:
        text = _SUPERSCRIPT.sub(lambda raised: raised[1].translate(_RAISED), text)
        text = _BLOCK.sub("\n", text)
        text = _PAIR.sub(r"\2", text)
        text = _INLINE.sub("", text)
    return text
