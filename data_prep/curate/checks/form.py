"""Form of a made text: turns, sentences, length, remarks about the task and repeated prompts."""

import re
from collections.abc import Iterator

from data_prep.curate.checks.subject import Rewriting, Translation
from data_prep.curate.compared import normalised
from data_prep.text.leak import leak
from data_prep.text.refusal import refusal

_SENTENCE_END = re.compile(
    r"(?<![0-9A-Z])(?<!\be\.g)(?<!\bi\.e)(?<!\b[Ff]ig)(?<!\bDr)(?<!\bvs)(?<!\bno)[.!?؟]+(?=\s|$)"
    r"|(?<=[0-9A-Z])[.!?؟]+(?=\s*(?:\n|$|[A-Z\u0620-\u064a]))|\n+"
)
_OPTION = re.compile(r"^[ \t]*\(?\w{1,2}[.)][ \t]", re.M)
_WORD = re.compile(r"\w")
_JOINT = re.compile(
    r"[,;:،؛](?=\s)|\b(?:and|but|or|which|who|while|whereas|although)\b|(?<=\s)و(?!ريد|ذم|رم|جه|جود|ظيف|قت|صف|زن|فا|ضع"
    r"|احد|سط|راث|قاي|حد|اضح|عا|عي|لاد|رك|تر|خز|لد|رق|ظاي|صل|سيل|ثيق|جبة|جع)(?=\w\w)|(?<=\s)(?:أو|لكن|ولكن"
    r"|بينما|حيث|أما)\b"
)
"""Commas and conjunctions; not Arabic words that begin with their letter."""
_SHORT = re.compile(r"\b[A-Z][A-Za-z]?[A-Z0-9][A-Za-z0-9]{0,4}\b|[<>≤≥±=&→↑↓]")
_WRITTEN_OUT = 16
"""Characters by which an abbreviation grows when it is written out."""
_BRACKETS = re.compile(r"\([^()]{0,60}\)")
_JOINED = 0.55
_COMPLETE = 0.9
"""Shares of the usual length under which a text with fewer sentences lacks some: with as many clauses, with fewer."""
_LONGER = 1.28
"""The share of the usual length from which on a further sentence is not a part of a long one."""
_LONG = 40
_LIMITS = ((150, 0.68, 1.6), (60, 0.55, 1.9), (25, 0.25, 2.2), (0, 0.2, 4.0))
"""From how many characters of the source which shares of its length are allowed."""
_ANSWER_LIMIT = 400
_PER_CHARACTER = 12
_CAPTION_FACTOR = 6
_LEAST_WORDS = {"en": 3, "ar": 2}

# Patterns read the beginning or end of a text in lower case.
_OPENING = re.compile(
    r"^\W*(?:(?:sure|certainly|of course|okay|ok|absolutely)\W+)?(?:here(?: is|'s|’s| are)\b[^\n:]{0,80}"
    r"(?:translat|rewrit|answer|text|version|conversation|sentence|response|dialogue)"
    r"|(?:the )?(?:translation|translated text|rewritten|full answer|answer|output|response|revised)\b[^\n:]{0,40}:"
    r"|(?:sure|certainly|of course|absolutely)\s*[!,.:]|i (?:have|'ve) (?:translated|rewritten)"
    r"|(?:بالتأكيد|بالطبع|حسنًا|حسنا|طبعا|طبعًا)\s*[!،,.:]|(?:إليك|اليك|إليكم|فيما يلي|هذه هي|هذا هو|هذه ترجمة"
    r"|تنبيه|تنويه)"
    r"[^\n:]{0,60}(?:ترجم|الإجابة|إجابة|النص|نص|الصياغة|صياغة|الجواب|الحوار|المحادثة)"
    r"|(?:ال)?(?:ترجمة|إجابة|جواب|نص المترجم|صياغة)(?: \S{1,20}){0,4}\s*:)"
)
_REMARK = re.compile(
    r"(?:^|\n)\s*(?:or|alternatively|أو)\s*:"
    r"|(?:^|[\n.!?؟(\[،,;]\s*)(?:و)?\**(?:(?:translator['’]?s? )?note\**\s*:|please note\b|as an ai\b|as a "
    r"(?:large )?language model|disclaimer\s*:|(?:تنبيه|تنويه)\s*:|هذه الترجمة|في النص الأصلي|ملاحظة(?: "
    r"المترجم)?\**\s*:|ملحوظة\s*:"
    r"|(?:i )?hope (?:this|that) helps|let me know if|feel free to|i (?:have|'ve|’ve) (?:translated|rewritten"
    r"|kept|added)"
    r"|آمل أن|أتمنى أن|أرجو أن (?:يكون|تكون)|إذا كان لديك|إذا كنت بحاجة|لا تتردد|يرجى ملاحظة|لقد (?:ترجمت|قمت"
    r"|أعدت|حافظت)"
    r"|تمت الترجمة|ترجمت|is there anything else|(?:it is|it's) (?:important|recommended|advisable|essential) to "
    r"(?:consult|see|seek|talk)"
    r"|(?:please |always )?(?:consult|see) (?:a|your) (?:doctor|physician|health)|(?:من المهم|يرجى|ينصح|يُنصح"
    r"|ينبغي|يجب) (?:ب|دائما |دائمًا )?(?:مراجعة|استشارة) (?:ال)?(?:طبيب|أخصائي|مختص)|would you like me|هل "
    r"(?:تحتاج|تريد|ترغب|تود|هناك (?:شيء|سؤال) آخر))"
)
_OPENER = re.compile(r"^\W*(?:sure|certainly|of course|absolutely|بالتأكيد|بالطبع|طبع|حسن)\w*\W*$")
"""A reply in a dialogue may begin so."""
_SAID_TOO = [
    (re.compile(remark), re.compile(source))
    for remark, source in (
        (r"(?:answer|response|إجابة|اجابة|جواب).*:", r"answer|response|reply|إجابة|اجابة|جواب"),
        (r"hope|آمل|أتمنى|أرجو", r"hope|wish|آمل|أمل|أتمنى|أرجو|نأمل|نتمنى"),
        (r"إذا كان لديك|إذا كنت", r"\b(?:if|when|should) you\b"),
        (
            r"هل (?:تحتاج|تريد|ترغب|تود|هناك)|would you like|anything else",
            r"\b(?:do|would|will|is) (?:you|there)\b|هل ",
        ),
        (
            r"consult|see|مراجعة|استشارة",
            r"\b(?:consult|see|visit|contact|ask|speak|talk|seek)\b|doctor|physician|راجع|مراجع|استشر|استشار"
            r"|تستشير|زيار",
        ),
        (r"note|ملاحظ|ملحوظ|تنبيه|تنويه", r"\bnote\b|n\.b\.|attention|caution|warning|ملاحظ|ملحوظ|تنبيه|تنويه|تحذير"),
        (r"free to|تتردد", r"hesitate|free to|تتردد"),
        (
            _OPENER.pattern,
            r"^\W*(?:sure|certainly|of course|absolutely|yes|ok|okay|well|fine|all right|بالتأكيد|بالطبع|طبع"
            r"|حسن|أجل|نعم)",
        ),
    )
]
"""What a text may say in a dialogue or beside options, with the words of its source for it."""
_FENCE = re.compile(r"```|^\s*(?:###|\*\*translation|<\w+>)|<\|", re.M)
_ECHO = re.compile(
    r"\b(?:translate|rewrite|rephrase) (?:the |this |these |following |short |all |each )+(?:\w+ )?(?:text|answer"
    r"|following|"
    r"turns?|question|sentence|into|row|conversation|dialogue|caption)|\binto (?:modern standard )?(?:arabic"
    r"|english)\b"
    r"|(?:as|in|into) a (?:full|complete) sentence\b|\bshort answer\b|\byou are an? (?:\w+ ){0,3}(?:translator"
    r"|assistant|"
    r"writer|expert|editor)|\b(?:write|generate|create) a (?:conversation|dialogue)\b|\bdo not add\b|\bkeep "
    r"(?:the )?(?:"
    r"numbers|units|letters|drug)|\bquestion:|\bplease (?:rewrite|translate|rephrase)|\bthe instruction|\byour task"
    r"|(?:^|\W)(?:أعد|اعد|قم بإعادة) (?:صياغة|كتابة)|(?:^|\W)(?:ترجم|قم بترجمة) |إلى العربية الفصحى|الإجابة "
    r"القصيرة|السؤال\s*:"
    r"|في جملة كاملة|أنت مترجم|أنت مساعد|لا تضف|حافظ على (?:الأرقام|أسماء)"
)


def turns(made: Translation) -> Iterator[str]:
    """Another number of turns, or a turn without text."""
    if len(made.source) != len(made.made):
        yield f"{len(made.made)} turns instead of {len(made.source)}"
    for number, source, text in made.turns():
        if source.strip() and not text.strip() and number <= len(made.made):
            yield f"turn {number} is empty"


def sentences(made: Translation) -> Iterator[str]:
    """Sentences that are lost or added: their number, that of the clauses and the length say so."""
    scale = 1.15 if made.source_language == "ar" else 0.88
    for number, source, text in made.turns():
        wanted, found = _count(source), _count(text)
        ratio = len(text) / (len(source) * scale or 1)
        short = _extent(text, source) / (len(source) * scale or 1)
        clauses = _clauses(text) - _clauses(source)
        lacks = ratio < _JOINED if clauses >= 0 else short < _COMPLETE
        longer = (clauses > 0 and ratio > _LONGER) or (found > _clauses(source) and ratio > _COMPLETE)
        if (found < wanted and (lacks or (wanted - found > wanted * 0.4 and wanted > 3))) or (
            found > wanted and longer and len(text) > _LONG
        ):
            yield f"turn {number} has {found} sentences instead of {wanted}"


def _count(text: str) -> int:
    return sum(1 for part in _SENTENCE_END.split(_OPTION.sub("", text)) if part and _WORD.search(part))


def _clauses(text: str) -> int:
    """About how many clauses a text has: joined sentences keep their number."""
    return _count(text) + len(_JOINT.findall(text))


def _extent(text: str, other: str) -> int:
    """The length of a text, its abbreviations and signs that the other lacks written out."""
    return len(text) + _WRITTEN_OUT * sum(short not in other for short in _SHORT.findall(text))


def length_ratio(made: Translation) -> Iterator[str]:
    """A turn that is far shorter or longer than its source."""
    scale = 1.15 if made.source_language == "ar" else 0.88
    for number, source, text in made.turns():
        if source.strip() and text.strip():
            low, high = next(limits[1:] for limits in _LIMITS if len(source) >= limits[0])
            short, long = (
                _extent(text, source) < low * len(source) * scale,
                len(text) > high * _extent(source, _BRACKETS.sub("", text)) * scale,
            )
            if text.isupper() and not long:
                continue
            if (short and len(source) > 12) or (long and len(text) > _LONG):
                yield f"turn {number} has {len(text)} characters for {len(source)}"


def _remark(text: str, source: str) -> str:
    folded, known = text.lower(), source.lower()
    for pattern in (_OPENING, _REMARK, _FENCE, _ECHO):
        if (found := pattern.search(folded)) and not pattern.search(known) and not _asked_for(found[0], known):
            return found[0].strip()
    return ""


def _asked_for(remark: str, source: str) -> bool:
    """Whether the source says, in its own language and place, what would else be a remark."""
    return any(said.search(remark) and told.search(source) for said, told in _SAID_TOO)


def remarks(made: Translation) -> Iterator[str]:
    """Words about the task, code fences or a repeated prompt."""
    for number, source, text in made.turns():
        if found := _remark(text, source):
            yield f"turn {number} has an added remark: {found[:60]!r}"


def remarks_of_rewriting(made: Rewriting) -> Iterator[str]:
    """Words about the task, code fences or a repeated prompt."""
    for number, text in enumerate(made.made):
        found = _remark(text, made.known)
        if found and not (made.conversation and number % 2 and _OPENER.match(found)):
            yield f"an added remark: {found[:60]!r}"


def prompt_echo(made: Rewriting) -> Iterator[str]:
    """The prompt's instruction, or the question, before the answer."""
    for text in made.made:
        found = _ECHO.search(text.lower())
        if found and not _ECHO.search(made.known.lower()):
            yield f"the prompt is repeated: {found[0].strip()[:60]!r}"
    question = normalised(made.question)
    repeated = len(question.split()) > 3 and any(question in normalised(text) for text in made.made)
    if repeated and re.search("[?؟]", "".join(made.made)):
        yield "the question is repeated"


def length_of_rewriting(made: Rewriting) -> Iterator[str]:
    """An answer that is no sentence or very long, or a conversation far longer than its caption."""
    if made.conversation:
        allowed = max(_ANSWER_LIMIT, _CAPTION_FACTOR * len(made.caption))
    else:
        allowed = max(_ANSWER_LIMIT, _PER_CHARACTER * len(made.answer))
    length = len(made.answers)
    if length > allowed:
        yield f"{length} characters, at most {allowed}"
    for text in made.made if not made.conversation else made.made[1::2]:
        least = 1 if made.conversation else _LEAST_WORDS[made.language]
        if len(text.split()) < least:
            yield f"{text.strip()!r} is no whole sentence"


def refusals(made: Rewriting) -> Iterator[str]:
    """A refusal to answer."""
    for text in made.made if not made.conversation else made.made[1::2]:
        if found := refusal(text):
            yield f"a refusal: {found[:60]!r}"


def leaked_caption(made: Rewriting) -> Iterator[str]:
    """An answer that cites the caption."""
    answers = made.made[1::2] if made.conversation else made.made
    questions = made.made[::2] if made.conversation else (made.question,)
    for question, answer in zip(questions, answers, strict=False):
        if found := leak(answer, question):
            yield f"the caption is cited: {found!r}"
