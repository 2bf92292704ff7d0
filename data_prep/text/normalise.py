"""Normalise texts for comparison. Rows keep their original text; the normalised form is never written.

Case, accents, Arabic diacritics, tatweel and punctuation are removed; alef, waw and ya lose their hamza, ta marbuta
becomes ha, alef maqsura ya, and a lone hamza is removed; every digit becomes its ASCII digit. The signs
+ < > ≤ ≥ ± % stay, since CD4+ is not CD4.
"""

import codecs
import unicodedata

_KEPT_SIGNS = "+<>≤≥±%"
_ALIKE = str.maketrans("ٱىةیکھہے", "ايهيكههي", "ءـ")
_COMMON = "،؛؟٪ٰٱپچژگکی°´·«»×–—‘’“”•…≤≥±µαβγδμáàâäåçéèêëíïñóôöøúüÉ\u00a0\u200b\u200c\u200d\u200e\u200f"


def normalised(text: str) -> str:
    """The normalised text: words and signs separated by one blank. Idempotent."""
    return normalised_all([text])[0]


def normalised_all(texts: list[str]) -> list[str]:
    """Normalise each text. Blanks are collapsed in all texts at once, one per line, which halves the time."""
    folded = [_folded(text) for text in texts]
    lines = _NEWLINE.join([line or b"" for line in folded])
    for sign in _SIGNS:
        if sign in lines:
            lines = lines.replace(sign, b" " + sign + b" ")
    while b"  " in lines:
        lines = lines.replace(b"  ", b" ")
    lines = lines.replace(b" " + _NEWLINE, _NEWLINE).replace(_NEWLINE + b" ", _NEWLINE).strip(b" ")
    known = codecs.charmap_decode(lines, "strict", ALPHABET)[0].split("\n")
    return [
        " ".join(text.translate(_PLAIN).split()) if line is None else compared
        for text, line, compared in zip(texts, folded, known, strict=False)  # an empty list gives one empty line
    ]


def _folded(text: str) -> bytes | None:
    """The text encoded in CODE and folded; None if CODE lacks one of its characters."""
    try:
        return codecs.charmap_encode(text, "strict", CODE)[0].translate(_FOLDED, _DROPPED)
    except UnicodeEncodeError:
        return None


def words(text: str) -> list[str]:
    """The words and signs of `normalised(text)`."""
    return normalised(text).split()


def plain(character: str) -> str:
    """The normalised form of one character: a blank, nothing, letters and digits, or a sign between blanks."""
    if character in _KEPT_SIGNS:
        return f" {character} "
    unified = unicodedata.normalize("NFKD", character).casefold().translate(_ALIKE)
    once = "".join(map(_unmarked, unified))
    return once if once in (character, "", " ") else "".join(map(plain, once))


def _unmarked(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Nd":
        return str(unicodedata.decimal(character))
    if kind in ("Mn", "Me", "Cf"):
        return ""
    return character if character.isalnum() or character in _KEPT_SIGNS else " "


class _Plain(dict[int, str]):
    """`plain` of every character, for `str.translate`; filled lazily."""

    def __missing__(self, code: int) -> str:
        self[code] = plain(chr(code))
        return self[code]


def _alphabet() -> str:
    """At most 256 characters, those of most English and Arabic text, whose normalised form has at most one character.

    A text of these is encoded with one byte per character and folded as bytes, five times as fast as `str.translate`.
    The unused positions hold U+FFFE, which the codec treats as undefined.
    """
    candidates = [*map(chr, range(0x80)), *map(chr, range(0x621, 0x653)), *map(chr, range(0x660, 0x66A)), *_COMMON]
    single = [character for character in candidates if len(plain(character).strip()) <= 1]
    return "".join(dict.fromkeys(single)).ljust(256, "\ufffe")


_PLAIN = _Plain()
ALPHABET = _alphabet()
CODE = codecs.charmap_build(ALPHABET)
_PLACES = {character: place for place, character in enumerate(ALPHABET)}
_FOLDED = bytes(_PLACES.get(plain(character).strip() or " ", 0) for character in ALPHABET)
_DROPPED = bytes(place for place, character in enumerate(ALPHABET) if plain(character) == "")
_NEWLINE = bytes([_PLACES["\n"]])
_SIGNS = [bytes([_PLACES[sign]]) for sign in _KEPT_SIGNS]
