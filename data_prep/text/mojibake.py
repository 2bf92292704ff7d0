"""Text that was decoded with the wrong encoding: UTF-8 read as Windows-1252 and its like, or as Windows-1256.

The first is what ftfy repairs. The second is the usual garbling of Arabic (القلب becomes ط§ظ„ظ‚ظ„ط¨), which ftfy
does not know: it is undone when the whole text turns back into valid UTF-8, which good Arabic cannot.
"""

import re

import ftfy

_NOT_LEADS = bytes(range(0xC2)) + bytes(range(0xD4, 0x100))
"""All UTF-8 bytes but the first ones of U+0080 to U+04FF, where mojibake of Western encodings has characters."""
_LEADS = re.compile("[\x80-\x9f\u00ac\u00c0-\u04ff√]")

_STAYING = re.compile("â€|ï»¿|ï¿½|[ÃÂ][\x80-\xbf]|(?:[ØÙ][\x80-\xbf†‡ˆ‰Š‹Œ…„‚ƒ˜™š›œžŸ–—‘’“”•]){3}")
_LOST = re.compile(r"(?:\?{2,} ){2}\?{2,}")
_SHORTEST = 8


def decoded(text: str) -> str:
    """The text with mojibake turned back into what it was; other text as it is."""
    if _read_as_1256(text):
        try:
            return text.encode("cp1256").decode()
        except UnicodeError:
            return text
    if text.encode("utf-8", "surrogatepass").translate(None, _NOT_LEADS) and _LEADS.search(text):
        return ftfy.fix_encoding(text)
    return text


def garbled(text: str) -> str:
    """What shows that a text has lost characters, or was decoded wrongly beyond repair; empty for a good text."""
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
    """Whether a quarter of the characters or more are ط and ظ, the first bytes of Arabic letters in UTF-8."""
    return 4 * (text.count("ط") + text.count("ظ")) >= len(text) > 1
