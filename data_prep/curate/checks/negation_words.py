"""Words of negation in English and Arabic, and how many of them a text has.

Patterns read `normalised` text: an apostrophe is a blank, ة is ه, ى is ي, and a lone hamza is nothing.
"""

import re
from typing import NamedTuple

_NEGATIVE_AR = "لا|لم|لن|ما|ليس(?:ت|ا|تا|وا|نا)?"
_BELOW = (
    r"(?:سن\b|السنه|عمر|العمر|ال [0-9]|[0-9]|(?:ال)?(?:مستوي|حد|معدل|متوسط|طبيعي|مجال|مايين|ميين|عتبه|خط|خامسه|عاشره"
    r"|ثانيه|ثالثه|ثامنه)\b|متي|ما\b|قياس|قراءات|ملاحظات|اسم|اسما|مواعيد)"
)
"""What follows the word for "without" where it says "below" or, as a verb, "write down"."""
_COUNTED = r"(?:\w{2,}ات|دقايق|ليال\w?|سنين|مرضي)\b"
"""Plurals before which "I am not" is "for six"."""
_STRONG = {
    "en": re.compile(
        r"\b(?:not|no(?! (?:[0-9]+|longer than)\b)|cannot|never|without|neither|none|nothing|nobody|\w+n t|absent"
        r"|absence|denie[sd]|deny|denying|free of(?! charge)|negative for)\b"
    ),
    "ar": re.compile(
        rf"\b(?:الن|[وف]?(?:لم|لن|غير|دون(?! {_BELOW})|ليس(?:ت|ا|تا|وا|نا)?|اليست?|لست(?! {_COUNTED})"
        r"|بلا|بدون|ما(?= من \w)|ينفي\w*|تنفي|نفي|نفت|انعدام|غياب"
        r"|الا(?= [يت]\w{2,}))|[وف]?لا(?! (?:سيما|بد|يزال|تزال|يزالون|زال|باس|شك|تتردد)\b))\b"
    ),
}
"""Words that deny by grammar, or always by meaning."""
_LEXICAL = {
    "en": re.compile(
        r"\b(?:rul(?:e[sd]?|ing) out|ruled|exclud\w+|fail(?:s|ed|ing)?(?= to\b)|fail(?:s|ed) (?=in\b)|failure (?=to\b)"
        r"|unable|inability|impossible|except|other than|lack(?:s|ed|ing)?|devoid|refus\w+|contraindicat\w+|prohibit\w*"
        r"|forbid\w*|banned)\b"
    ),
    "ar": re.compile(
        r"\b[وفبل]{0,2}(?:ال)?(?:عدم|خلو|خاليا?|خاليه|خال|[يت]خلو|[يتا]ستبعد\w*|استبعاد|مستبعد\w*|[يت]حظر|حظر|محظور\w*"
        r"|ممنوع\w*|[يت]منع|[يت]حرم|م?تعذر\w?|[يت]تعذر|[يت]عجز|عاجز\w*|استحال\w*|[يت]ستحيل|مستحيل\w*|عدا|باستثنا"
        r"|استثن\w*|[يت]فتقر|افتقار|[يت]نعدم|معدوم\w*|[يت]غيب|غايب\w*|انتفا|[يت]نكر|انكر\w*|نفيا|ناف|نافي\w*"
        r"|[يت]?فشل(?! (?:ال)?(?:كل|قلب|كبد|تنفس|عضو|اعض|بطين|كامل|متعدد|حاد|مزمن))|[يت]?خفق|اخف[اق]\w*)\b"
    ),
}
"""Verbs and nouns that deny what follows them: exclusion, inability, lack, prohibition, exception."""
_WEAK = {
    "en": re.compile(
        r"\b(?:un(?!der|it|til|i)\w{4,}|non\w*|negative\w*|free|avoid\w*|prevent\w*|stop\w*|spare[sd]?|sparing"
        r"|declin\w*"
        r"|rarely|hardly|barely|scarcely|seldom|instead|rather than|abnormal\w*|loss|lost|miss(?:es|ed|ing)?|asympt\w*"
        r"|in(?:adequate|sufficient|complete|distinct|visible|significant|determinate|correct|active|accurate|depend"
        r"|operable|curable|effective|fertil|continen|toleran|stabil|direct|frequent|vasive|somn|compat|compet|attent"
        r"|consist|equal|organic|volunt|numer|separab|evitab|capab)\w*"
        r"|afebrile|\w{3,}less|im(?:matur|mobil|balanc|perfora|perfect|palpab)\w*|ir(?:regular|reversible|relevant)\w*"
        r"|dis(?:continu|appear|abilit|comfort|order|charg|satisf|agree)\w*|arrhythm\w*|dysr\w*|mis(?:match|place)\w*"
        r"|a(?:vascular|typical|symmetric|morphous|cellular|febrile|menorr|nuri|plas|pne|tax|phas|gene)\w*"
        r"|intoleran\w+|deficien\w+|rare|false|wrong|otherwise|unless|nor|hetero\w+|ill|resol\w+|blur\w*|obscur\w*"
        r"|persist\w*|remain\w*|still|continu\w*|only|sole\w*|mal(?:nutri|absor|occlu|form|align|posit|rotat|union)\w*"
        r"|poor\w*|no longer|hypo\w+|low\w*|mere\w*|until|sterile|below|w o"
        r"|ns(?:aids?|temi|clc|ip)|na(?:sh|fld|d)|n(?:po|bm|kda|hl|iv)|dnr|contracept\w*|prophyla\w*|little|few|cease\w*|empty"
        r"|skip\w*|omit\w*|forg[eo]t\w*|refrain\w*|abstain\w*|too \w+ to|sub[a-z]{3,}|similar\w*|same|stable|identical"
        r"|at (?:least|most)|up to|within|exceed\w*|lest|away from|over the counter|zero|doubt\w*|nulli\w+)\b"
    ),
    "ar": re.compile(
        r"\b[وفبل]{0,2}(?:ال)?(?:الا|ليلا|كيلا|اياك\w{0,2}|حذار|ا?حذر\w{0,2}|[تي]حذر\w{0,2}|امتنع\w{0,2}|[اتي]متنع\w{0,2}|تحاش\w{0,2}|اجتنب\w{0,2}|تفاد\w{0,2}|سلبي\w*|سالب\w*|[اينت]?فقد\w{0,3}|سوي|نادرا|كلا|بدلا|تجنب|منع"
        r"|عديم\w*|امتناع"
        r"|[يت]متنع|[يت]رفض|رفض\w*|نفي\w*|خلاف|عوضا|مضاد استطباب|مانع\w*|موانع|صفر|[يت]توقف|توقف|كف|فقط|فحسب"
        r"|ابدا|مطلقا|البته"
        r"|قله|نقص|ضعف|عوز"
        r"|الم(?= [يتن]\w\w)|صعوب\w*|اخري|مستاصل\w*|استيصال\w*|مفقود\w*)\b"
    ),
}
"""Words that may stand for a negation: prefixes, exceptives, limits, verbs of ending, of staying and of avoiding."""
_SOFT = {
    "en": re.compile(
        r"\b(?:or not|not only|no doubt|no matter|no (?:more|less|later|fewer) than|not (?:more|less|fewer) than"
        r"|not (?:to )?exceed\w*|not (?:un|infreq)\w+)\b"
    ),
    "ar": re.compile(
        rf"\b[وف]?(?:(?:{_NEGATIVE_AR}) (?:\w+ ){{1,6}}(?:الا|سوي)\b(?! (?:اذا|بعد|عند|في حال\w*|ان)\b| [يت]\w{{2,}})"
        r"|اليس كذلك|(?:ما )?لا [يت](?:قل|زيد|تجاوز|تعدي|تخطي|زيدان|قلان)(?: (?:عن|علي))?|[او]?ام لا"
        r"|ليس\w* (?:فقط|فحسب)"
        r"|بلا (?:شك|ريب|جدال)"
        r"|(?:لا|من دون|دون) (?:بد|شك|ريب|جدال|غني|مفر|مناص|محاله)|غير ان|ليس من النادر|(?:لا|لم|ما) ي?لبث)\b"
    ),
}
"""Negations that may be said without one: a limit ("no more than"), an exception, certainty."""
""
_WITHOUT = re.compile(r"\b(?:without|[وف]?(?:من )?(?:دون|بدون|بلا))\b")
NOT_EXCLUDED = re.compile(
    r"\b(?:(?:can ?not|can t|could not|couldn t|not|never) (?:be )?(?:\w+ )?(?:excluded?|ruled? out)"
    r"|[وف]?(?:لا|لم|لن) (?:\w+ ){0,2}(?:ب|ال)?(?:استبعاد|نفي)\w*"
    r"|(?:غير|ليس\w*) (?:ال)?مستبعد\w*|[وف]?(?:لا|لم|لن) [يت](?:ستبعد\w*|نفي?))\b"
)
"""Two negations that a translation may say as a possibility."""
NOT_EXCEEDED = re.compile(
    r"\b(?:(?:not|never|cannot|\w+n t) (?:\w+ ){0,2}exceed\w*|(?:without|avoid\w*) exceeding"
    r"|[وف]?(?:لا|لم|لن|ما|عدم|دون|غير|الا|منع|حظر) (?:\w+ ){0,2}?[يتم]?تجاوز\w*"
    r"|[وف]?(?:لا|لم|لن|الا) [يت](?:تعدي|تخطي)\w*)\b"
)
"""A limit as the denial of its excess."""
_AGAIN = re.compile(r"\b(?:ولا|ولم|وليس\w*|ولن|او لا|وغير|وبدون|ودون|وبلا|nor|and no|or no|and not)\b")
"""A negation of the same clause said again: Arabic repeats it where English says "or"."""


class Negations(NamedTuple):
    """How many words of each kind a text has.

    Attributes:
        strong: negations by grammar.
        lexical: words that deny what follows them.
        weak: words that a translation may say with a negation.
    """

    strong: int
    lexical: int
    weak: int

    @property
    def denying(self) -> int:
        """The words that are surely negations."""
        return self.strong + self.lexical


def negations(compared: str, language: str) -> Negations:
    """The negations of a normalised text, "en" or "ar". "Cannot be excluded" is none."""
    compared, soft = _SOFT[language].subn(" ", NOT_EXCLUDED.sub(" ", compared))
    strong, lexical, weak = (len(kind[language].findall(compared)) for kind in (_STRONG, _LEXICAL, _WEAK))
    return Negations(strong, lexical, weak + soft)


def without(compared: str) -> int:
    """How often a normalised text says "without"."""
    return len(_WITHOUT.findall(compared))


def once(compared: str, count: int) -> int:
    """The negations of a normalised text without those that are said again in the same clause."""
    return max(min(count, 1), count - len(_AGAIN.findall(compared)))
