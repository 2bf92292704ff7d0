"""Repair mojibake: UTF-8 decoded as Windows-1252 and similar encodings, or as Windows-1256.

The first is repaired by ftfy. The second is the usual mojibake of Arabic (القلب becomes ط§ظ„ظ‚ظ„ط¨), which ftfy does
not repair: it is undone if the whole text re-encodes to valid UTF-8, which correct Arabic does not.
"""

import re

import ftfy

_NOT_LEADS = bytes(range(0xC2)) + bytes(range(0xD4, 0x100))
"""All bytes except the UTF-8 lead bytes of U+0080 to U+04FF, which mojibake of Western encodings contains."""
_LEADS = re.compile("[\x80-\x9f\u00ac\u00c0-\u04ff√]")

_STAYING = re.compile("â€|ï»¿|ï¿½|[ÃÂ][\x80-\xbf]|(?:[ØÙ][\x80-\xbf†‡ˆ‰Š‹Œ…„‚ƒ˜™š›œžŸ–—‘’“”•]){3}")
_LOST = re.compile(r"(?:\?{2,} ){2}\?{2,}")
_SHORTEST = 8


def decoded(text: str) -> str:
    """The text with mojibake decoded correctly; other text unchanged."""
    if _read_as_1256(text):
        try:
            return text.encode("cp1256").decode()
        except UnicodeError:
            return text
    if text.encode("utf-8", "surrogatepass").translate(None, _NOT_LEADS) and _LEADS.search(text):
        return ftfy.fix_encoding(text)
    return text


def garbled(text: str) -> str:
    """The evidence that a text has lost characters or is mojibake beyond repair; empty for a good text."""
    if "?? ??" in text and (lost := _LOST.search(text)):
        return lost[0]
    if text.isascii():
        return ""
    if "\ufffd" in text:
        return "U+FFFD"
    if _read_as_1256(text) and len(text) >= _SHORTEST:
        return text[:_SHORTEST]
    if any(lead in text for lead in "âïÃÂØÙ") and (staying := _STAYING.search(text)):
        return staying[0]
    return ""


def _read_as_1256(text: str) -> bool:
    """Whether at least a quarter of the characters are ط and ظ, the UTF-8 lead bytes of Arabic letters."""
    return 4 * (text.count("ط") + text.count("ظ")) >= len(text) > 1
