"""A full answer says what the short one says, and nothing more."""

import re
from collections.abc import Iterator

from data_prep.curate.checks.listed import listed
from data_prep.curate.checks.negation import first_word, language_in, negated
from data_prep.curate.checks.number_words import value_of_words
from data_prep.curate.checks.numbers import may_be
from data_prep.curate.checks.opposites import SOUND
from data_prep.curate.checks.pathology import concepts_in, disease_words, stated
from data_prep.curate.checks.quantities import quantities
from data_prep.curate.checks.sides import sides_in
from data_prep.curate.checks.subject import Rewriting
from data_prep.curate.checks.units import UNITS
from data_prep.curate.compared import normalised, words
from data_prep.curate.stems import root, roots

_SMALL = frozenset(
    map(root, listed("the a an of in on and or with to at is are by from both في من علي الي و او مع عن هو هي ل ب"))
)
_ENOUGH = 0.5
_LONG_WORD = 9
_SIDES = frozenset(("left", "right", "both", "bilateral"))
_ENLARGED = re.compile(r"enlarg|megal|dilat|big|increased size|size is increased|كبير|متضخم|تضخم|ضخام")
_MEGALY = {
    **{"cardio": "heart|cardi|قلب", "spleno": "spleen|splen|طحال", "hepato": "liver|hepat|كبد"},
    **{"nephro": "kidney|renal|كلي", "cardi": "heart|cardi|قلب"},
}
"""Organs of which the word for their enlargement is made."""
_GENERIC = re.compile(r"mass|tumou?r|neoplas|lesion|cancer|malignan|inflam|ورم|كتل|التهاب|سرطان|آفة")
# Words of one meaning, English then Arabic in the form of data_prep.text.normalise.
_SAME = [
    {root(word) for word in line.split()}
    for line in (
        "ct computed tomography tomographic cat",
        "mri mr magnetic resonance",
        "xray x ray radiograph radiography plain film roentgenogram",
        "us ultrasound ultrasonography sonography sonogram",
        "pet positron emission",
        "heart cardiac cardiomegaly cardio",
        "lung pulmonary lungs",
        "kidney renal kidneys",
        "liver hepatic hepatomegaly",
        "spleen splenic splenomegaly",
        "brain cerebral head intracranial",
        "stomach gastric",
        "bone osseous skeletal",
        "chest thorax thoracic",
        "belly abdomen abdominal",
        "skin cutaneous dermal",
        "eye ocular",
        "vessel vascular",
        "enlarged enlargement cardiomegaly hepatomegaly splenomegaly megaly",
        "tumor tumour neoplasm mass",
        "cancer carcinoma malignancy malignant",
        "bleeding hemorrhage haemorrhage blood",
        "bilateral both sides bilaterally",
        "swelling edema oedema swollen",
        "inflammation inflamed inflammatory",
        "broken fracture fractured",
        "white hyperintense bright hyperdense",
        "black dark hypointense hypodense",
        "male man",
        "female woman",
        "axial transverse transaxial",
        "he hematoxylin eosin h e haematoxylin",
        "pa posteroanterior posterior anterior",
        "ap anteroposterior anterior posterior",
        "front frontal coronal",
        "erythrocyte red rbc erythrocytes",
        "leukocyte white wbc leukocytes",
        "uterus uterine",
        "artery arterial",
        "vein venous",
        "nerve neural",
        "spine vertebral spinal vertebra",
        "fat adipose lipid fatty",
        "air gas",
        "fluid liquid effusion",
        "dead necrosis necrotic",
        "clot thrombus thrombosis embolus",
        "stroke infarct infarction ischemic",
        "big large enlarged increased",
        "small little tiny",
        "high elevated increased raised",
        "many multiple several numerous",
        "single solitary one",
        "round circular rounded",
        "child pediatric paediatric",
        "above superior over upper",
        "below inferior under lower beneath",
        "front anterior",
        "back posterior behind",
        "center central middle midline centre",
        "gallbladder biliary",
        "endoscopy endoscopic",
        "stain stained staining",
        "gut bowel intestine intestinal",
        "belly abdomen",
        "womb uterus",
        "windpipe trachea tracheal",
        "ventricle ventricular",
        "retina retinal fundus",
        "breast mammary mammogram mammography",
        "كبير متضخم متوسع",
        "يسار ايسر يسري",
        "كلي كلويه كليه",
        "gallstones cholelithiasis stone gallbladder",
        "اشعه سينيه شعاعيه",
        "رنين مغناطيسي",
        "مقطعي طبقي محوري محوسب",
    )
]


def answer_lost(made: Rewriting) -> Iterator[str]:
    """A short answer whose numbers, side or most words the full one lacks."""
    if made.conversation or (first_word(made.answer) and len(made.answer.split()) < 3):
        return
    wanted, found = quantities(made.answer), quantities(made.answers)
    lost = [value for value in wanted.values if value not in found.values and not may_be(value, wanted, found)]
    if lost == ["0"] and negated(made.answers, language_in(made.answers)).denying:
        lost = []
    sides = set(sides_in(made.answer)) - set(sides_in(made.answers))
    if "both" in sides and {"left", "right"} <= set(sides_in(made.answers)):
        sides.discard("both")
    if lost or sides:
        yield f"the answer's {', '.join([*lost, *sorted(sides)])} is missing"
        return
    share, missing = _kept(made.answer, made.answers)
    if share < _ENOUGH or (share == _ENOUGH and _another_disease(made, missing)):
        yield f"the answer's {' '.join(missing)!r} is missing"


def _another_disease(made: Rewriting, missing: list[str]) -> bool:
    other = {word for word in disease_words(made.answers) if word not in words(made.known)}
    return bool(terms_added(made)) or bool(other and any(disease_words(word) for word in missing))


def _kept(answer: str, text: str) -> tuple[float, list[str]]:
    """The share of the answer's words that a text has, in the same form or another, and the others."""
    named = [word for word in words(answer) if root(word) not in _SMALL and word not in UNITS]
    told = [
        word for word in named if not word.isdigit() and word not in _SIDES and value_of_words([word], 0)[0] is None
    ]
    if not told:
        return 1.0, []
    here = roots(text)
    full = set(words(text))
    concepts = concepts_in(text)
    generic = concepts if _GENERIC.search(text.lower()) else concepts - {"mass", "inflam"}
    initials = "".join(word[0] for word in words(text))
    missing = [word for word in told if not _has(word, here, full, generic, initials)]
    return 1 - len(missing) / len(named), missing


def _has(word: str, here: set[str], full: set[str], generic: set[str], initials: str) -> bool:
    short = root(word)
    if short in (here if len(word) < 5 or not word.isascii() else full) or concepts_in(word) & generic:
        return True
    if same_meaning(word, here):
        return True
    if word.isascii() and len(word) > 4 and any(one_word(word, other) for other in full):
        return True
    return word.isascii() and 2 <= len(word) <= 5 and word in initials


def same_meaning(word: str, here: set[str]) -> bool:
    """Whether one of these roots is of a word that means the same."""
    short = root(word)
    return any(short in same and not same.isdisjoint(here) for same in _SAME)


def one_word(one: str, other: str) -> bool:
    """Whether two English words are forms of one: their beginnings are equal for most of the shorter."""
    shorter = min(len(one), len(other))
    same = next((place for place in range(shorter) if one[place] != other[place]), shorter)
    return shorter > 3 and same >= (0.6 if shorter < _LONG_WORD else 0.7) * shorter and same > 3


def new_terms(made: Rewriting) -> Iterator[str]:
    """Findings and diseases that are in neither question, answer nor caption, if they are more than are allowed."""
    found = terms_added(made)
    if len(found) > made.new_terms:
        yield from (f"{word!r} is in neither question, answer nor caption" for word in found)


def terms_added(made: Rewriting) -> list[str]:
    """The findings and diseases that are in neither question, answer nor caption."""
    known, text = made.known, made.answers
    told = roots(known)
    added = concepts_in(text) - concepts_in(known)
    named = {word for word in disease_words(text) if root(word) not in told and not concepts_in(word)}
    denied = _denied(text) if SOUND.search(normalised(known)) and first_word(made.answer) != "no" else set()
    return [word for word in sorted((added | named) - denied) if not _said_otherwise(word, known)]


def _denied(text: str) -> set[str]:
    """The findings that a text only denies: where all is normal, they say no more."""
    return {name for name, values in stated(text).items() if values == {False}}


def _said_otherwise(word: str, known: str) -> bool:
    if word == "mass":
        return bool(re.search(r"\w+oma\b|lesion|nodule|cyst|polyp|abscess|كتل|اف", known.lower()))
    if word == "lesion":
        return bool(concepts_in(known) or disease_words(known))
    if word.endswith(("megal", "megaly")):
        return bool(_ENLARGED.search(known.lower())) and any(
            word.startswith(stem) and re.search(organ, known.lower()) for stem, organ in _MEGALY.items()
        )
    if word == "inflam":
        return bool(re.search("itis|pneumonia|infect|inflam|التهاب", known.lower()))
    return False
