"""The form in which two texts are compared. It is never written: rows keep their text as it is.

Case, accents, Arabic diacritics and tatweel, and punctuation do not count; the hamza forms of alef, waw and ya
are those letters, ta marbuta is ha, alef maqsura is ya, a lone hamza is nothing; every digit is its ASCII digit.
The signs + < > ≤ ≥ ± % stay, since CD4+ is not CD4.
"""

import codecs
import unicodedata

_KEPT_SIGNS = "+<>≤≥±%"
_ALIKE = str.maketrans("ٱىةیکھہے", "ايهيكههي", "ءـ")
_COMMON = "،؛؟٪ٰٱپچژگکی°´·«»×–—‘’“”•…≤≥±µαβγδμáàâäåçéèêëíïñóôöøúüÉ\u00a0\u200b\u200c\u200d\u200e\u200f"


def normalised(text: str) -> str:
    """The text for comparing: words and signs with one blank between them. Applied twice, it changes nothing more."""
    return normalised_all([text])[0]


def normalised_all(texts: list[str]) -> list[str]:
    """Each text for comparing. Blanks are put in order in all texts at once, one a line, which halves the time."""
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
        for text, line, compared in zip(texts, folded, known, strict=False)  # of no text one line is left
    ]


def _folded(text: str) -> bytes | None:
    """The text in CODE with each character as it is compared; None when CODE has not all of its characters."""
    try:
        return codecs.charmap_encode(text, "strict", CODE)[0].translate(_FOLDED, _DROPPED)
    except UnicodeEncodeError:
        return None


def words(text: str) -> list[str]:
    """The words and signs of `normalised(text)`."""
    return normalised(text).split()


def plain(character: str) -> str:
    """What one character is for comparing: a blank, nothing, one or more letters and digits, or a sign in blanks."""
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
    """`plain` of every character, for `str.translate`; filled as characters are met."""

    def __missing__(self, code: int) -> str:
        self[code] = plain(chr(code))
        return self[code]


def _alphabet() -> str:
    """At most 256 characters, those of most English and Arabic text, each with at most one character for comparing.

    A text of these is coded in one byte a character and folded as bytes, in a fifth of the time that `str.translate`
    takes. The other places hold U+FFFE, which the codec takes for "no character".
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
