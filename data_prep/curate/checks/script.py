"""The language of a translation: its script, words left in the source's language, words written only by their sound."""

import re
from collections.abc import Iterator

from data_prep.curate.checks import skeleton
from data_prep.curate.checks.drugs import is_drug
from data_prep.curate.checks.listed import listed
from data_prep.curate.checks.number_words import bare
from data_prep.curate.checks.subject import Rewriting, Translation
from data_prep.curate.checks.units import UNITS
from data_prep.curate.compared import normalised, words
from data_prep.rows import Reject
from data_prep.text.language import ENOUGH, arabic_share, check

_ARABIC_WORD = re.compile("[\u0620-\u065f\u0670-\u06d3]{2,}")
_BRACKETS = re.compile(r"[(\[][^()\[\]]{0,120}[)\]]|<\w{1,20}>")
"""What stands in brackets, and placeholders."""
_LATIN = re.compile(r"[A-Za-z][A-Za-z'’]*(?:-[A-Za-z]+)*")
_LATIN_ENDING = re.compile(r"(?:us|um|ae|ii|is|ensis|coli|[^aeiou]i|phila|bacter|oides|ens|ans|osa|ica|cola|itis)$")
_LONG_WORD = 4
_FEW = 3
_SHORT_TURN = 25
_SOUNDS = 4
"""Consonants of a word that is recognised alone; of those with one less it takes two."""
_FUNCTION = frozenset(
    listed(
        "the of and is are was were with in on at to from for by this that these there not no has have had be "
        "been an it its "
        "as or which shows show left right"
    )
)
_FOREIGN = frozenset(
    listed(
        "le la les des du de et est une dans avec pour sur el los las una con por para der die das und ist mit "
        "ein eine nicht "
        "bu ve bir ile"
    )
)
_EPONYM = re.compile(
    r"([A-Z][a-z]+)(?:['’]s? |-[A-Z]| (?:disease|syndrome|sign|fracture|line|score|test|classification|tumou?r"
    r"|cell|body"
    r"|bodies|operation|procedure|reflex|law|stain|virus|node|duct|index|criteria|palsy|hernia|ulcer|lymphoma"
    r"|sarcoma|\w+itis|unit|scale|agar|ganglion|triangle|triad|angle|view|man(?:o)?euver|method|technique|formula"
    r"|equation|phenomenon|ring|corpuscle|forceps|clamp|class|grade|level|stage"
    r"|space|pouch|point|plexus|loop|(?:skin )?type)s?\b)"
)
_DOSED = re.compile(r"([A-Za-z]{4,})\s+(?:[0-9.,]+\s?(?:(?:mg|mcg|µg|g|units?|IU|ml|mL)\b|%)|acid\b)")
"""Names before a dose or strength are those of drugs, and those of acids are loans too."""
_PERSIAN = re.compile(
    r"(?<!\w)(?:است|این|این|در|را|که|می|برای|نیست|با|هستند|شده|دارد|یک|ہے|ہیں|میں|کے|کی|نہیں|اور|سے|وجود دارد"
    r"|نشان|دیده|بیمار|تصویر)(?!\w)"
)
_PERSIAN_LETTERS = re.compile("[پچژکیےٹڈڑںہھ]")
_DIALECT = re.compile(
    r"(?<!\w)[وف]?(?:مش|مفيش|مافيش|ده|(?:^|(?<=\n)|(?<=[.،؟:] ))دي(?!-)"
    r"|[بل]?ال(?!فيتامين)\w{2,} دي(?!-)|عشان|علشان|إيه|ايه|ازاي|إزاي|كده|كدا"
    r"|بتاع\w*|اللي|شو|هيك|هاد|هاي|هيدا"
    r"|كتير|وين|ليش|شنو"
    r"|هسه|واجد|ماكو|أكو|بدي|بدك|بدو|منيح|لسه|دلوقتي|إحنا|احنا|انتو|مو|موجوده؟ بس|عندو|شوية|شويه|برضه|برضو|زي|فين"
    r"|ليه|بيبان|"
    r"بيظهر|بتظهر|بيبين|بتبين|(?:فيه?ا?|أي|اي) حاج[ةه](?! (?:إلى|الى|ل))|كويس\w*|مافي|يعني ايش|ايش|إيش|مب|وايد"
    r"|عم (?:ي|ت|ب)\w+)(?!\w)"
)
_NOT_LOANS = frozenset(
    listed(
        "spine urine intestine line decline skin brain pain vein margin control side disease increase decrease "
        "dose nose "
        "close atrium thin chin groin bone stone gallstone origin machine begin within contain remain base case phase"
    )
)
_LOANS = re.compile(
    r"(?:prostat\w*|pancrea\w*|leuk\w*|thalass\w*|\w*emia|mitral|protocol\w*|positron\w*|alpha|gamma|beta"
    r"|robot\w*|lymph\w*|influenza"
    r"|plast\w+|lupus|platin\w*|\w*graphy|aort\w*|corona\w*|fibr\w+|gangren\w*|cobalt|asbest\w*|silic\w*"
    r"|ketone\w*|capsul\w*|ampou?l\w*|proteins?|gen(?:e|om)\w*|chromosom\w*|cholest\w*|cream|microb\w*|phobi\w*"
    r"|schizo\w*|mechan\w*|routin\w*|\w+olog(?:y|ical|ic)|academ\w*|classic\w*|clinic\w*|silicon\w*|latex|rheumat\w*"
    r"|ha?emophil\w*|phosph\w*|chlor\w*|iod\w*|cat(?:h)?eter\w*|balloon\w*|massage|hysteri\w*|c?esarean"
    r"|micro\w*|video\w*|digital|candida|mel\w+|diphther\w*|parkinson\w*|alzheimer\w*|isotop\w*|enzym\w*"
    r"|cortis\w*|eosin\w*|basal|in|ine|ol|ose|ium|ase|gen|ide|oma|one|ate|oid|itis|virus|viral|bacteri\w+"
    r"|hormon\w+|vitamin\w*|film\w*|laser|doppler"
    r"|computer|radio|doctor|centim\w+|millim\w+|\w*gram\w*|\w*lit(?:er|re)s?|\w*met(?:er|re)s?|card|test"
    r"|alcohol\w*|gas|"
    r"chlamydia|salmonella|\w+cocc\w+|cholera|malaria|eczema|anemia|tetanus|typhoid|\w*plasm\w*|cyto\w+|\w+yl|nitr\w+|sul(?:f|ph)\w+|serum|collagen|keratin"
    r"|gel|colon|"
    r"nicotin\w*|antigen\w*|technolog\w+|percent\w*|parasit\w+|tuberc\w+|dynam\w+|strateg\w+|hist\w+|electron\w*"
    r"|system\w*|photo\w*|\bgraphs?|nylon|teflon|dacron|polyester|polymer\w*|poly\w+ene|ceramic\w*|carbon\w*"
    r"|zinc|nickel|gela?tin\w*|glycer\w*)$"
)


def language(made: Translation) -> Iterator[str]:
    """A translation in another language than the one asked for."""
    whole = "\n".join(made.made)
    if found := _wrong(whole, made.language, "\n".join(made.source)):
        yield found
        return
    for number, source, text in made.turns():
        if _wrong_turn(text, source, made.language):
            yield f"turn {number} is not in the language asked for"


def _wrong_turn(text: str, source: str, wanted: str) -> bool:
    share = arabic_share(text)
    if wanted == "en":
        return share > 0.5
    if share < ENOUGH and sum(map(str.isalpha, text)) >= _SHORT_TURN:
        return True
    untouched = share == 0 and _lower(text) and len(_LATIN.findall(text)) > 1
    return untouched or bool(_other_arabic(text))


def _other_arabic(text: str) -> str:
    """Words of Persian, Urdu or a dialect in a text; "" if it is Modern Standard Arabic."""
    found = _PERSIAN.findall(text)
    letters = _PERSIAN_LETTERS.findall(text)
    if len(found) > 1 or (found and letters) or len(letters) > 1 + len(text.split()) // 4:
        return "Persian or Urdu"
    dialect = _DIALECT.findall(text)
    return f"dialect: {dialect[0]}" if dialect else ""


def _wrong(text: str, wanted: str, source: str) -> str:
    if wanted == "ar" and normalised(text) == normalised(source) and not _lower(text):
        return ""
    try:
        check(text, "", wanted)
    except Reject as error:
        return error.detail
    if wanted == "ar" and (found := _other_arabic(text)):
        return found
    if wanted == "en":
        if text and arabic_share(text) > 0.5:
            return "the text is Arabic"
        here = words(text)
        foreign, own = _FOREIGN.intersection(here), _FUNCTION.intersection(here)
        if len(here) > 3 and foreign and len(own) < len(foreign):
            return "the text is in another language of Latin script"
    return ""


def _lower(text: str) -> bool:
    return any(word.islower() and len(word) > 2 for word in _LATIN.findall(text))


def untranslated(made: Translation) -> Iterator[str]:
    """Words left in the source's language that are no abbreviations, drugs, names or explanations in brackets."""
    for number, source, text in made.turns():
        bare = _BRACKETS.sub(" ", text) if made.language == "ar" else text
        left = _ARABIC_WORD.findall(text) if made.language == "en" else _left_english(bare, source)
        if left:
            yield f"turn {number} leaves {' '.join(left[:5])!r} untranslated"


def _left_english(text: str, source: str) -> list[str]:
    if text.isascii() and not _lower(text):
        return []
    left: list[str] = []
    before = ""
    known = set(source.lower().split()) if source else set()
    for word in _LATIN.findall(text):
        name = word.lower()
        species = bool(before and before[0].isupper() and not before.isupper() and _LATIN_ENDING.search(name))
        proper = not word.islower() and (word[1:] != word[1:].lower() or word.isupper() or name not in known)
        title = word[0].isupper() and word[1:].islower()
        if not (
            len(word) < _LONG_WORD - (name in _FUNCTION)
            or name in UNITS
            or is_drug(name)
            or species
            or (proper and not title)
            or (title and (name not in _common(source) or _LATIN_ENDING.search(name)))
        ):
            left.append(word)
        before = word
    return left


def _common(source: str) -> set[str]:
    """Words that stand in the source without a capital, or as the first word of a sentence."""
    first = {found.lower() for found in re.findall(r"(?:^|[.!?\n:]\s*)([A-Z][a-z]+)", source)}
    return {word for word in _LATIN.findall(source) if word.islower()} | first


def transliterated(made: Translation) -> Iterator[str]:
    """English words of the source that an Arabic text only spells by their sound."""
    if made.language != "ar":
        yield from _latinised(made)
        return
    for number, source, text in made.turns():
        common = _common(source) - {name.lower() for name in _EPONYM.findall(source)}
        candidates = {
            skeleton.english(word): word
            for word in _LATIN.findall(source)
            if len(word) > 3 and word.lower() in common and not _loan(word.lower())
        }
        dosed = set(_DOSED.findall(source))
        candidates = {one: word for one, word in candidates.items() if len(one) >= _SOUNDS - 1 and word not in dosed}
        short: set[str] = set()
        for one in words(text) if candidates else ():
            if len(one) < _SOUNDS - 1 or one.isascii():
                continue
            sounds = skeleton.arabic_forms(one)
            for wanted, word in candidates.items():
                heard = wanted in sounds
                if len(wanted) < _SOUNDS and (not heard or len(bare(one)) < 2 * len(wanted)):
                    short |= {word} if heard else set()
                elif heard or (len(wanted) >= _SOUNDS and any(skeleton.alike(wanted, sound) for sound in sounds)):
                    yield f"turn {number} spells {word!r} by its sound"
        if len(short) > 1 and 3 * len(short) >= len(_LATIN.findall(source)):
            yield f"turn {number} spells {' and '.join(sorted(short))!r} by their sound"


def _loan(word: str) -> bool:
    if word.rstrip("s") in _NOT_LOANS:
        return False
    return is_drug(word) or bool(_LOANS.search(word)) or bool(_LOANS.search(word.rstrip("s")))


def _latinised(made: Translation) -> Iterator[str]:
    for number, source, text in made.turns():
        spelt = {skeleton.arabic(word): word for word in words(source) if len(word) > 4 and not word.isascii()}
        spelt = {one: word for one, word in spelt.items() if len(one) >= 4}
        known = {*_DOSED.findall(text), *_EPONYM.findall(text)} if spelt else set()
        for word in _LATIN.findall(text) if spelt else ():
            name = word in known or (word.istitle() and not text.lstrip().startswith(word))
            if len(word) > 5 and not name and skeleton.english(word) in spelt and not _loan(word.lower()):
                yield f"turn {number} spells {spelt[skeleton.english(word)]!r} by its sound"


def language_of_rewriting(made: Rewriting) -> Iterator[str]:
    """A made text in another language than the row's."""
    if found := _wrong("\n".join(made.made), made.language, ""):
        yield found
        return
    for text in made.made:
        if sum(map(str.isalpha, text)) >= _SHORT_TURN and (arabic_share(text) > 0.5) != (made.language == "ar"):
            yield "a turn is not in the row's language"
