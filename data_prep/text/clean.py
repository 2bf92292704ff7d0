"""Clean text without losing content. Arabic keeps its spelling: diacritics, tatweel, hamza, digits."""

import html
import re
import unicodedata

import ftfy

from data_prep.rows import Message, Part, text_part

_PASSES = 5

_ORDINARY = bytes(range(0x20, 0x7F)).translate(None, b"&<") + b"\n" + bytes(range(0x80, 0xC0)) + b"\xd8\xd9"
"""The UTF-8 bytes of text in which only blanks may need repair: ASCII, and U+0600 to U+067F."""

_LETTER_MARK = "\u061c"
_BREAKS = "\x0b\x0c\x85\u2028\u2029"
_CONTROLS = "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"
_DIRECTIONS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_NOTHING = "\u00ad\u180e\u200b\u2060-\u2064\ufeff\ufff9-\ufffc\U000e0000-\U000e007f"
_ODD = re.compile(f"[\r\u200c\u200d{_BREAKS}{_CONTROLS}{_DIRECTIONS}{_NOTHING}]")
_NEWLINE = re.compile(f"\r\n?|[{_BREAKS}]")
_INVISIBLE = re.compile(f"[{_CONTROLS}{_DIRECTIONS}{_NOTHING}]")
_ARABIC_LETTERS = "\u0620-\u065f\u066e-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufefc"
_PICTOGRAPHS = "\ufe0f\u2600-\u27bf\U0001f000-\U0001faff"
_STRAY_JOINER = re.compile(f"(?<![{_ARABIC_LETTERS}{_PICTOGRAPHS}])[\u200c\u200d]+")
_UNMARKED = re.compile("[^\u064b-\u0652\u0670]+")

_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_BLOCK_NAMES = (
    "p|br|hr|div|li|ul|ol|dl|dt|dd|table|tbody|thead|tr|h[1-6]|blockquote|section"
    "|disp-formula|disp-quote|list-item|table-wrap|jats:(?:p|title|sec|list|list-item|label|disp-formula)"
)
_INLINE_NAMES = (
    "em|strong|span|font|small|big|mark|sub|sup|td|th|center|strike|del|ins|cite"
    "|xref|bold|italic|underline|monospace|overline|ext-link|named-content|styled-content|inline-formula|inline-graphic"
    "|inline-supplementary-material|tex-math|milestone-(?:start|end)|(?:jats|mml|ali|xlink):[a-z][a-z0-9-]*|o:p"
)
_PAIR_NAMES = "a|b|i|u|sc|roman|sans-serif|uri|email|abbrev|title|label|caption|sec|fig"
"""HTML, and JATS, which tags articles of PubMed Central. The last are words as well, and go as a pair only."""
_ATTRIBUTES = r"""(?:\s+[a-z][a-z0-9:._-]*\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s<>"']+))*\s*/?"""
_FLAGS = re.IGNORECASE | re.DOTALL

_SUPERSCRIPT = re.compile(r"<sup>([-0-9+−,() ]{1,20})</sup>", _FLAGS)
_BLOCK = re.compile(rf"(?<!\s)\s*(?:</?(?:{_BLOCK_NAMES}){_ATTRIBUTES}>\s*)+", _FLAGS)
_PAIRED = re.compile(rf"<(?P<end>/)?(?P<name>{_PAIR_NAMES})(?(end)\s*|{_ATTRIBUTES})>", _FLAGS)
_APART = 5_000
"""The most characters between two tags of a pair."""
_INLINE = re.compile(rf"</?(?:{_INLINE_NAMES}){_ATTRIBUTES}>|<!--.*?-->", _FLAGS)
_RAISED = str.maketrans("0123456789+-−()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾")


def cleaned(text: str) -> str:
    """The text in NFC, with LF line ends, without mojibake, HTML, invisible characters and trailing blanks.

    Zero-width joiners stay if they shape Arabic script or join pictographs; all other formatting characters go,
    including directional ones. Arabic vowel marks keep the order in which they were typed, which plain NFC would
    change.
    """
    if _is_ordinary(text):
        return text.strip()
    for _ in range(_PASSES):
        better = _repaired(text)
        if better == text:
            break
        text = better
    return text


def repair(messages: list[Message]) -> list[Message]:
    """The turns with every text cleaned; texts that become empty are dropped."""
    return [{"role": message["role"], "content": _parts(message["content"])} for message in messages]


def _parts(parts: list[Part]) -> list[Part]:
    kept: list[Part] = []
    for part in parts:
        if part["type"] == "image":
            kept.append(part)
        elif text := cleaned(part.get("text") or ""):
            kept.append(text_part(text))
    return kept


def _is_ordinary(text: str) -> bool:
    if not text.isascii() and (_LETTER_MARK in text or not unicodedata.is_normalized("NFC", text)):
        return False
    return " \n" not in text and not text.encode("utf-8", "surrogatepass").translate(None, _ORDINARY)


def _repaired(text: str) -> str:
    text = without_markup(decoded(text))
    if _ODD.search(text):
        text = _STRAY_JOINER.sub("", _INVISIBLE.sub("", _NEWLINE.sub("\n", text)))
    if not unicodedata.is_normalized("NFC", text):
        text = _UNMARKED.sub(lambda run: unicodedata.normalize("NFC", run[0]), text)
    return "\n".join([line.rstrip() for line in text.split("\n")]).strip()


def without_markup(text: str) -> str:
    """The text with entities unescaped and tags of HTML and JATS replaced by line breaks or superscripts, or removed.

    Only unmistakable tags are converted: "<0.05", "p < 0.001 and n > 5" and "a<b>c" stay.
    """
    if "&" in text:
        text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    if "<" in text and ">" in text:
        text = _SUPERSCRIPT.sub(lambda raised: raised[1].translate(_RAISED), text)
        text = _BLOCK.sub("\n", text)
        text = _without_pairs(text)
        text = _INLINE.sub("", text)
    return text


def _without_pairs(text: str) -> str:
    """The text without the tags that are closed by one of their own name; nested pairs of one name count."""
    opened: dict[str, list[re.Match[str]]] = {}
    pairs: list[tuple[int, int]] = []
    for tag in _PAIRED.finditer(text):
        before = opened.setdefault(tag["name"].lower(), [])
        if not tag["end"]:
            before.append(tag)
        elif before and tag.start() - before[-1].end() <= _APART:
            pairs += [before.pop().span(), tag.span()]
    ends = [0, *(end for _, end in sorted(pairs))]
    starts = [*(start for start, _ in sorted(pairs)), len(text)]
    return "".join([text[end:start] for end, start in zip(ends, starts, strict=True)])


# Mojibake: UTF-8 decoded as Windows-1252 and the like, which ftfy repairs, or as Windows-1256, the usual mojibake of
# Arabic (القلب becomes ط§ظ„ظ‚ظ„ط¨), which ftfy does not. That is undone if the whole text re-encodes to valid UTF-8,
# which correct Arabic does not.
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
