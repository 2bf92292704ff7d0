"""Findings and structures that an image may show, as concepts with their words in both languages."""

import re
from collections.abc import Iterator

from data_prep.curate.checks.subject import Rewriting
from data_prep.curate.compared import normalised
from data_prep.curate.stems import roots

# English stems; Arabic stems in the form of data_prep.text.normalise. A $ ends a whole word, since a short stem also
# begins other words: صم "embolus" and صمام "valve", with the article الم "pain" and every word of a plain م.
_CONCEPTS = """
effusion|pleural fluid;انصباب
edema|oedema|swelling|swollen;وذم|تورم|استسقا
fractur;كسر|كسور|مكسور
dislocat|subluxat;خلع|انخلاع
mass$|masses$|tumo|neoplas|cancer|malignan|carcinoma|sarcoma|lymphoma|glioma|glioblastoma|adenoma|meningioma|melanoma|blastoma;كتل|ورم|اورام|سرطان|ساركوما|خبيث
metasta;نقايل|نقيل|انبثاث
invasion|invad|infiltrating;غزو|اجتياح
nodul;عقيد|عقيدات
cyst;كيس
pneumothora|collapsed lung;استرواح|هوايي الصدر
pneumonia|infiltrat|consolidat;التهاب ري|التهاب الري|ذات الري|ارتشاح|تصلد|تكثف
atelecta;انخماص
emphysem;انتفاخ الري|نفاخ
cardiomegal|enlarged heart|heart is enlarged|cardiac enlarge;تضخم القلب|تضخم في القلب|القلب متضخم
hemorrhag|haemorrhag|bleed|hematoma|haematoma;نزف|نزيف|ورم دموي
infarct|ischemi|ischaemi|stroke;احتشا|اقفار|سكت
thromb|embol|clot$|clots$|clott;خثر|صمه$|صمات$|انصمام|جلط
necro;نخر
calcif;تكلس
fibro;تليف|ليفي
inflam|itis;التهاب
abscess;خراج
ulcer;قرح
polyp;سليل|سلايل|زايده لحمي|زوايد لحمي
herni;فتق
obstruct;انسداد|انسداد
perforat;انثقاب
stenos|narrowing;تضيق
aneurysm;ام الدم|تمدد الاوعي
dissect;تسلخ
dilat;توسع
lymph;لمفي|لمفاوي
adenopath|enlarged lymph|enlarged node;اعتلال العقد|تضخم العقد
osteoporo|osteopeni;هشاش
arthr|degenerat;مفصل تنكسي|تنكس
scolio;جنف
lesion;افه$|افات$
cirrho;تشمع|تليف الكبد
steato|fatty liver;تشحم|دهني
ascites;استسقا|حبن
stone|gallstone|cholelith|nephrolith|urolith|calculi|calculus|lithiasis;حصا|حصي
hydroneph;موه الكلي|استسقا الكلي
tubercul;سل$|سلي$|سليه$|درن
granulom;حبيبوم
hyperpl;فرط تنسج
dyspla;خلل التنسج|ثدن
atroph;ضمور
amyloid;نشواني|اميلويد
midline shift;انزياح|انحراف الخط
hydroceph;استسقا الراس|موه الراس
pacemaker|catheter|tube$|tubes$|wire$|wires$|stent|prosthe|implant;ناظم|قسطر|انبوب|دعام|طرف صناعي|زرع
mitos|mitotic;انقسام
pneumoperit|free air;هوا حر
eosinophil;حمضات|خلايا حمضي
neutrophil;عدلات
lymphocyt;لمفاوي
air bronch;مخطط قصبي|قصبي هوايي
opacit|opaci;عتام|كثاف|تعتيم
cavit;تجويف|كهف|تكهف
retinopath;اعتلال الشبكي
exudat;نضح
erosio;تاكل$|تاكلات$|متاكل
perfusion;تروي
fever|pain$|pains$|painful;حمي$|الم$|الما$|الام$|مولم
diabet;سكري
hypertens;ارتفاع ضغط
smok;تدخين|مدخن
surgery|surgical|biops|treatment|therapy|chemotherap|radiotherap|antibiotic;جراح|خزع|علاج|مضاد
"""


def _compiled() -> list[tuple[str, re.Pattern[str]]]:
    rows = [line.replace("$", r"\b").split(";") for line in _CONCEPTS.strip().splitlines()]
    found = []
    for english, arabic in rows:
        name = english.split("|")[0].removesuffix(r"\b")
        anywhere = [rf"\b(?:{english})" if "itis" not in english else r"\binflam|itis\b"]
        anywhere += [rf"\b[وفبلك]{{0,2}}(?:ال|ل)?(?:{arabic})"]
        found.append((name, re.compile("|".join(anywhere))))
    return found


CONCEPTS = _compiled()
_SUFFIXES = re.compile(r"\b\w{3,}(?:itis|oma|omas|osis|emia|pathy|megaly|ectasis|plasia|rrhage|penia)\b")
_DENIED = re.compile(
    r"\b(?:no|not|without|absen\w+|free of|never|neither|nor|\w+n t|cannot|negative for|fails to|lacks?|lacking|denies"
    r"|denied|ruled out|excluded|devoid|لا|لم|لن|ليس\w*|غير|دون|بدون|عدم|بلا|ولا|ولم|خال\w*|[يت]خلو|خلو|غياب|انعدام"
    r"|استبعاد|[ايت]ستبعد\w*|[ين]نفي)\b"
)
_CLAUSE = re.compile(r"[.;!?؟\n؛]+(?!\d)|\b(?:but|although|however|لكن|ولكن)\b|,")
_PARTS = re.compile(
    r"[.;!?؟\n؛]+(?!\d)|, (?=but|although|however)"
    r"|\s(?=(?:(?:and |but )?without|(?:and|but|with) (?:no|not))\b|(?:مع )?(?:دون|بدون|بلا|وبدون|ودون|ولا|وعدم|عدم)\b)"
)
"""Ends of what one negation may deny."""
_ANSWER = re.compile(r"^\W*(?:(yes|نعم|أجل)|(no|لا|كلا))\b", re.I)


def concepts_in(text: str) -> set[str]:
    """The names of the concepts that a text speaks of, and further words that end like names of diseases."""
    compared = normalised(text)
    named = {name for name, pattern in CONCEPTS if pattern.search(compared)}
    return named


def disease_words(text: str) -> set[str]:
    """Words that end like names of diseases."""
    return set(_SUFFIXES.findall(normalised(text)))


def stated(text: str) -> dict[str, set[bool]]:
    """For each concept of a text whether it is said to be there, denied, or both."""
    found: dict[str, set[bool]] = {}
    for sentence in _PARTS.split(text):
        compared = normalised(sentence)
        denied = _DENIED.search(compared)
        for name, pattern in CONCEPTS:
            if place := pattern.search(compared):
                found.setdefault(name, set()).add(denied is None or denied.start() > place.end() + 25)
    return found


def contradictions(made: Rewriting) -> Iterator[str]:
    """Answers of a conversation that deny what the caption says, or say what it denies."""
    told = stated(made.caption)
    for question, answer in zip(made.made[::2], made.made[1::2], strict=False):
        said = stated(answer)
        if found := _ANSWER.match(answer):
            asked = concepts_in(question)
            if not asked.intersection(told) and _against(question, made.caption, found[2] is None):
                yield f"the caption answers otherwise to {question[:60]!r}"
            said = {name: {found[2] is None} for name in asked} | {k: v for k, v in said.items() if k not in asked}
        for name, values in said.items():
            if name in told and not values & told[name]:
                yield f"the caption says otherwise about {name}"


def _against(question: str, caption: str, affirmed: bool) -> bool:
    """Whether the clause of a caption with most of a question's words says the opposite of an answer."""
    asked = {word for word in roots(question) if len(word) > 2} - _ASKING
    best, denied = 0.0, False
    for clause in _PARTS.split(caption):
        shared = len(asked & roots(clause)) / (len(asked) or 1)
        if shared > best:
            best, denied = shared, bool(_DENIED.search(normalised(clause)))
    return best >= _MOST and denied == affirmed


_MOST = 0.6
_ASKING = roots(
    "is are was were there any the does do this that image figure show seen visible present evidence can you see "
    "have has "
    "هل يوجد توجد هناك في الصوره تظهر يظهر هذه الشكل دليل علي وجود"
)
