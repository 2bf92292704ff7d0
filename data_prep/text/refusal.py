"""Detect refusals in the phrases of language models, English and Arabic.

A refusal is one of the first two sentences of an answer, or any sentence of a short one. It is recognised by who cannot
do what: "I cannot view images" is a refusal, "I cannot see a fracture" and "I'm sorry to hear that" are not.
"""

import re

from data_prep.text.normalise import normalised

_SHORT = 200
_OPENING = 400
_SENTENCE_END = re.compile(r"[.!?؟\n]+")
CUES = (
    *("sorry", "apolog", "an ai", "a language", "a large", "a text", "i can", "i'm ", "i’m ", "i am ", "i do"),
    *(
        "عذر",
        "عتذر",
        "آسف",
        "اسف ",
        "اسف،",
        "أسف",
        "صفتي",
        "عتباري",
        "كوني",
        "نموذج",
        "ستطيع",
        "مكنني",
        "قادر",
        "أنا ",
        "انا ",
    ),
)

# Patterns read `normalised` text: an apostrophe is a blank, ة is ه, ى is ي, and a lone hamza is nothing.
_CANNOT = (
    r"(?:can ?not|can t|cant|(?:am |m )?(?:unable to|not able to)|(?:will not|won t) be able to|could not|couldn t"
    r"|must decline|(?:do not|don t) (?:\w+ )?have)"
)
_IMAGES = (
    r"(?:(?:the|this|that|any|your|actual|attached|uploaded|provided|specific|medical) )*"
    r"(?:images?|pictures?|photos?|photographs?|attachments?|files?|scans?|x ?rays?)\b"
)
_SEE = rf"(?:\w+ly )?(?:see|view|access|open|analy[sz]e|interpret|process|look at|display|examine) {_IMAGES}"
_HELP = (
    r"(?:assist|help)(?: you)? with (?:that|this|your|(?:identify|interpret|diagnos|analy[sz]|describ|read)ing)\b"
    r"|comply\b|ful ?fill? (?:that|this|your)\b"
    r"|provide (?:any |you with )?(?:medical|personal|personali[sz]ed|professional) (?:advice|diagnos[ie]s)"
    r"|answer (?:that|this|your) (?:question|request)"
)
_MODEL = (
    r"an? (?:(?:large|medical|text|based|only|helpful|virtual|digital|health|healthcare|multimodal) )*"
    r"(?:ai|artificial intelligence|language model|llm|chatbot|assistant)\b"
)
_ENGLISH = re.compile(
    r"(?:(?:hello|hi|oh|well|unfortunately) )?(?:"
    r"(?:i (?:m |am )?|we (?:re |are )?|my )?(?:\w+ )?(?:sorry|apologies|apologi[sz]e)\b"
    rf"(?! (?:to hear|to learn|for your|that you|about|you)\b).*\b(?:i|we) {_CANNOT}"
    rf"|as {_MODEL}.*\bi (?:{_CANNOT}|am not|m not|do not|don t)"
    rf"|i (?:am|m) (?:just |only |simply )?{_MODEL}.*\b(?:not|cannot|can t|unable|don t)\b"
    rf"|i {_CANNOT} (?:{_SEE}|{_HELP})"
    rf"|i (?:do not|don t) (?:\w+ly )?have (?:the )?(?:ability|capability|capacity|access) to (?:{_SEE}|{_IMAGES})"
    r")"
)

_CANNOT_AR = (
    r"(?:(?:لا|لن|لم) (?:استطيع|استطع|يمكنني|اتمكن من|اقدر علي)|غير قادره? علي|لست قادرا? علي"
    r"|ليس (?:بامكاني|بمقدوري|لدي)|يتعذر علي)"
)
_SEE_AR = (
    r"(?:رويه|مشاهده|عرض|تحليل|الاطلاع علي|الوصول الي|فتح|تفسير|معاينه|قراه) (?:هذه |هذا |اي |تلك )?"
    r"(?:ال)?(?:صوره|صور|ملف|ملفات|مرفق|مرفقات|اشعه)\b"
)
_HELP_AR = (
    r"(?:مساعدتك|المساعده) في (?:هذا|ذلك)|الاجابه (?:علي|عن) (?:هذا|سوالك)|تلبيه"
    r"|تقديم (?:اي )?(?:ال)?(?:نصيحه|نصايح|مشوره|استشاره|استشارات|تشخيص|تشخيصات) (?:ال)?طبي"
)
_MODEL_AR = (
    r"(?:(?:بصفتي|باعتباري|كوني|لكوني|بما انني|انا|انني)(?: مجرد)? |ك)"
    r"(?:نموذجا?|مساعدا?|برنامجا?|روبوتا?)? ?(?:ال|لل)?(?:لغوي|لغه|ذكا|ذكي|افتراضي|محادثه)"
)
_ARABIC = re.compile(
    r"(?:(?:مرحبا|للاسف) )?(?:"
    r"(?:انا |انني )?(?:عذرا|اعتذر|نعتذر|معذره|المعذره|اسف|اسفه)\b(?! (?:لسماع|لما|لمعرفه|علي ما|لانك)\b)"
    rf".*\b{_CANNOT_AR}"
    rf"|{_MODEL_AR}.*\bو?(?:لا|لن|لست|ليس|غير)\b"
    rf"|(?:انا |انني )?{_CANNOT_AR} (?:{_SEE_AR}|{_HELP_AR})"
    r")"
)


def refusal(answer: str) -> str:
    """The sentence of an answer that refuses; empty if there is none."""
    opening = answer[:_OPENING]
    folded = opening.lower()
    if not any(cue in folded for cue in CUES):
        return ""
    sentences = [sentence for sentence in _SENTENCE_END.split(opening) if sentence.strip()]
    for sentence in sentences if len(answer) <= _SHORT else sentences[:2]:
        compared = normalised(sentence)
        if _ENGLISH.match(compared) or _ARABIC.match(compared):
            return sentence.strip()
    return ""
