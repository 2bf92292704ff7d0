"""A model's answer made ready to read a choice in it: one spelling, option texts found, clauses told apart.

The texts of options are replaced by marks, one private-use character an option, so that neither the letters nor the
negations inside them ("Vitamin C", "No uptake") are taken for the answer's own.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from eval.metrics.choice_cues import DENIES, IS, LINK, RIGHT, words
from eval.metrics.option_letters import ARABIC, LETTERS, letter_of
from eval.metrics.text_match import normalise, one_alphabet, without_marks

_FIRST_MARK = 0xE000
MARK = f"[\ue000-{chr(_FIRST_MARK + len(LETTERS) - 1)}]"
"""Pattern of the mark of an option's text."""
_ONE_LETTER = f"[{LETTERS}{LETTERS.lower()}{''.join(sorted(set(map(one_alphabet, ARABIC))))}]"
LETTER = rf"(?<!\w)(?<!\w['’]){_ONE_LETTER}(?!\w)(?!['’]\w)"
"""Pattern of a letter that is a word by itself, in a text of `readable`."""

_SPECIAL = re.compile(r"<\|[^|>]*\|>|</?s>|<(?:eos|end_of_turn|start_of_turn|pad)>")
_LATEX = re.compile(r"\\(?:text|textbf|mathrm|mathbf|mathit)\s*\{([^{}]*)\}")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_ABBREVIATION = re.compile(r"\b(?:i\.\s?e|e\.\s?g|vs|etc)\.,?", re.IGNORECASE)
_ENGLISH_ORDINALS = ("first", "second", "third", "fourth", "fifth")
_ARABIC_ORDINALS = tuple(map(one_alphabet, ("الأول", "الثاني", "الثالث", "الرابع", "الخامس")))
_ORDINAL = re.compile(
    rf"\b(?P<en>{'|'.join(_ENGLISH_ORDINALS)})\s+(?:option|choice|answer)\b"
    rf"|(?<!\w)الخيار\s+(?P<ar>{'|'.join(_ARABIC_ORDINALS)})(?!\w)",
    re.IGNORECASE,
)
_SPACES = re.compile(r"[^\S\n]+")
_EMPHASIS = re.compile(r"[*`#$~]|(?<!\w)_+|_+(?!\w)")
_LIST_NUMBER = re.compile(r"^[ \t]*\d{1,2}[.)][ \t]+(?=\S)", re.MULTILINE)
_BRACKETED = re.compile(rf"[(\[{{]\s*({LETTER})\s*[)\]}}]")
_CLOSED = re.compile(rf"({LETTER})\s*[)\]]")

_SMALL_WORDS = frozenset(map(normalise, ("yes", "no", "maybe", "true", "false", "نعم", "لا", "ربما", "صح", "خطأ")))
"""Options that are common words: they are an answer where they are a clause, or where a keyword is before them."""
_ARTICLE = "(?:[وفبك]?ال|لل|[وفبكل])?"
_YES_LIKE = frozenset(map(normalise, ("yes", "نعم")))

_SPLIT = re.compile(
    r"\n+|[;:!?؛؟،–—=]|[.,](?!\d)|(?<!\d)[.,]|(?<!\S)-|-(?!\S)"
    r"|\b(?=(?:but|so|therefore|thus|hence|while|whereas|because|since|rather than|instead of|due to|given)\b)"
    rf"|\b(?=and (?:option )?{LETTER} (?:is|was)\b)|(?<!\w)(?=و\s*(?:الخيار )?{LETTER}\s+(?:خطا|خاطئ|غير|صحيح|صواب))"
    rf"|\b(?=(?:and )?not (?:option |choice )?(?:{LETTER}|{MARK}))|\b(?=(?:no|without)\b[^.,;\n]{{0,30}}{MARK})"
    r"|(?<!\w)(?=(?:بل|لكن|ولكن|لذلك|لذا|اذن|وبالتالي|بالتالي|بينما|لان|لانه|لانها|بسبب|نظرا|وليس|وليست|بدلا|وانما)(?!\w))",
    re.IGNORECASE,
)
_LETTER_LIST = re.compile(
    rf"({LETTER})\s*[,،]\s*(?:and |or |nor |و\s?|او )?(?={LETTER}\s*(?:[,،.;!؟\n]|$|(?:and|or|nor|و|او)(?!\w)))"
)
_CALLED_RIGHT = re.compile(rf"\W*(?:{MARK}\W*)?(?:{IS}\W+(?:{LINK}\W+){{0,4}})?(?:{RIGHT}|{words('yes', 'نعم')})")
_ECHOED = re.compile(rf"(?P<letter>{LETTER})[\s.:);,،-]*(?P<mark>{MARK})[ \t]*[.,;،]?")
_LISTED = re.compile(
    rf"^[ \t]*[-•>]?[ \t]*(?:option |الخيار )?(?P<letter>{LETTER})[ \t]*[.:);-](?P<rest>.*)$",
    re.MULTILINE | re.IGNORECASE,
)


def readable(text: str) -> str:
    """Return a text in one spelling: compatible characters unified (NFKC), without emphasis and invisible marks.

    Arabic letters and digits are written one way, the numbers of a numbered list are removed, "the second option" is
    written as option B, and a letter in brackets stands without them, as a capital.
    """
    text = _LATEX.sub(r"\1", _SPECIAL.sub(" ", unicodedata.normalize("NFKC", text)))
    text = one_alphabet(without_marks(_INVISIBLE.sub("", text)))
    text = _EMPHASIS.sub("", "".join(map(_digit, text)))
    text = _ORDINAL.sub(_named_by_letter, text)
    text = _SPACES.sub(" ", text)
    if len(_LIST_NUMBER.findall(text)) > 1:
        text = _LIST_NUMBER.sub("", text)
    return _CLOSED.sub(lambda found: f"{found[1].upper()}; ", _BRACKETED.sub(_unbracketed, text))


def without_echo(text: str, options: Mapping[str, str]) -> str:
    """Remove a list of the options from a marked text: each with its text, or each with a remark behind its letter.

    A remark that calls the option right stays, as a sentence.
    """
    wanted = max(2, len(options) - (len(options) > 3))
    listed = _longest_run(_LISTED.finditer(text))
    if len(listed) >= max(wanted, 3):
        return _cut(text, {match: _verdict(letter, match["rest"]) for letter, match in listed.items()})
    echo = _longest_run(
        found for found in _ECHOED.finditer(text) if letter_of(found["letter"]) == marked_letter(found["mark"])
    )
    return _cut(text, dict.fromkeys(echo.values(), "")) if len(echo) >= wanted else text


def _longest_run(found: Iterable[re.Match[str]]) -> dict[str, re.Match[str]]:
    """The most matches in a row whose letters ascend, by letter; the first of equally long rows."""
    runs: list[dict[str, re.Match[str]]] = [{}]
    for match in found:
        letter = letter_of(match["letter"]) or ""
        if runs[-1] and letter <= max(runs[-1]):
            runs.append({})
        runs[-1][letter] = match
    return max(runs, key=len)


def _verdict(letter: str, remark: str) -> str:
    return f"{letter} is correct" if _CALLED_RIGHT.match(remark) and not re.search(DENIES, remark) else ""


def _cut(text: str, replacements: Mapping[re.Match[str], str]) -> str:
    for match in sorted(replacements, key=lambda match: -match.start()):
        text = f"{text[: match.start()]} {replacements[match]} {text[match.end() :]}"
    return text


def marked(text: str, options: Mapping[str, str]) -> str:
    """Replace each option's text by its mark: whole words, the longest first, Arabic with or without its article.

    Options of the same text have the mark of the first. An option that is itself a letter is only looked for behind
    its own letter.
    """
    for letter, option in options.items():
        if letter_of(option):
            own = rf"(?<!\w)({letter}[\s.):;]+){re.escape(option.strip())}(?!\w)"
            text = re.sub(own, rf"\g<1>{mark_of(letter)} ", text)
    patterns: dict[str, str] = {}
    for letter, option in options.items():
        if (words := normalise(option)) and letter_of(option) is None:
            patterns.setdefault(words, letter)
    for words in sorted(patterns, key=len, reverse=True):
        pattern = _pattern_of(words)
        text = re.sub(pattern, f" {mark_of(patterns[words])} ", text, flags=re.IGNORECASE)
    return text


def mark_of(letter: str) -> str:
    """The mark of an option's text."""
    return chr(_FIRST_MARK + LETTERS.index(letter))


def marked_letter(mark: str) -> str:
    """The option whose mark this is."""
    return LETTERS[ord(mark) - _FIRST_MARK]


def clauses_of(text: str) -> Sequence[str]:
    """Split a text into clauses at punctuation and at conjunctions, which begin the next clause."""
    text = _LETTER_LIST.sub(r"\1 and ", _ABBREVIATION.sub(" ", text))
    return [clause for part in _SPLIT.split(text) if (clause := part.strip(" \t\"'«»“”‘’()[]{}"))]


def _unbracketed(found: re.Match[str]) -> str:
    at_start = not found.string[: found.start()].rpartition("\n")[2].strip(" \t-•>")
    letter = found[1].upper()
    return f"{letter}; " if at_start else letter


def _named_by_letter(found: re.Match[str]) -> str:
    if found["en"]:
        return f"option {LETTERS[_ENGLISH_ORDINALS.index(found['en'].lower())]}"
    return f"الخيار {LETTERS[_ARABIC_ORDINALS.index(found['ar'])]}"


def _digit(character: str) -> str:
    value = unicodedata.decimal(character, None)
    return character if value is None else str(value)


def _pattern_of(words: str) -> str:
    digits = "".join(map(_digit, words))
    tokens = re.findall(r"\d+|[^\W\d_]+|[^\w\s]", digits)
    if digits in _SMALL_WORDS:
        # "no fracture" is no "no", but "no, ..." and "no it is not" are; "yes" is one wherever a clause starts.
        behind = "" if digits in _YES_LIKE else r"(?=\s*(?:$|[^\w\s]|(?:it|there|this|that|the|they|he|she|لا|ليس)\b))"
        return rf"(?<![\w'’]){re.escape(digits)}(?![\w'’]){behind}"
    pattern = _word(tokens[0])
    for before, token in itertools.pairwise(tokens):
        joined = (before.isalpha() and token.isalpha()) or (before.isdigit() and token.isdigit())
        pattern += (r"\W+" if joined else r"\W*") + _word(token)
    start = r"(?<!\d)(?<!\d[.,/])" if tokens[0].isdigit() else r"(?<!\w)" if tokens[0].isalpha() else ""
    end = r"(?![\w])(?![.,/]\d)" if tokens[-1].isdigit() else r"(?!\w)" if tokens[-1].isalpha() else ""
    return f"{start}{pattern}{end}"


def _word(token: str) -> str:
    arabic = len(token) > 2 and "\u0620" <= token[0] <= "\u064a"
    return (_ARTICLE if arabic else "") + re.escape(token)
