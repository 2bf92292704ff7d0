"""A row that is not looked at would have passed every check, and none would have changed it."""

import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data_prep import rows
from data_prep.rows import Reject, Sample, image_part, text_part
from data_prep.text import (
    clean,
    identity,
    identity_names,
    identity_numbers,
    language,
    leak,
    prefilter,
    refusal,
    rejections,
)
from data_prep.text.normalise import ALPHABET
from data_prep.text.parts import Parts


def needs_checks(samples):
    try:
        return prefilter.needs_checks(Parts.of(samples))
    except UnicodeEncodeError:  # a lone surrogate: such a block is checked whole
        return np.ones(len(samples), bool)


CUES = [cue for cues, _ in identity_names._PATTERNS for cue in cues]
CUES += [cue for pattern in identity_numbers._PATTERNS for cue in pattern.cues]
CUES += [*refusal.CUES, *leak.CUES]
NAMES = ["John Smith", "Crohn", "فاطمة الزهراني", "عَلِيّ", "عبدالله", "عبد الرحمن", "محمد"]
TITLES = ["Mr ", "Mrs. ", "Dr. ", "Prof\n", "My name is ", "Patient's name: ", "a man named ", "a woman, called "]
TITLES += [
    "السيدة ",
    "للدكتور/ ",
    "د. ",
    "المريض ",
    "الطفلة: ",
    "اسمي ",
    "يُدعى ",
    "تدعى ",
    "الاسم الكامل: ",
    "اسم المريض : ",
]
NUMBERS = ["12/03/1980", "1//2", "٣", "12 May 1980", "+966 55 123 4567", "123-45-6789", "0551234567", "1234567", "12"]
LABELS = ["born on ", "DOB: ", "MRN ", "Phone: ", "رقم الملف ", "هاتف: ", "passport no. ", "تاريخ الميلاد ", "مواليد "]
ACROSS = [
    "My MRN number is",
    "What is the patient's date of birth?",
    "Phone",
    "رقم ملفك",
    "What is her name?",
    "My name is",
]
ACROSS += ["Patient name:", "ما اسم المريض؟", "ما اسمها؟", "الاسم الكامل هو :", "Mrs.", "متى ولد المريض؟"]
ODD = [
    "طظطظطظطظ",
    "&lt;b&gt;",
    "<b>x</b>",
    "<image>",
    "<xref rid='b1'>1</xref>",
    "<mml:mi>",
    "<jats:p>",
    "<sc>x</sc>",
    "[INST]",
    "[**Name**]",
    "\u200f",
    "\ufffd",
    "?? ?? ??",
    "طظطظ",
    "ط",
    " \n",
    "\u064f\u0651",
]
ODD += [
    "ا\u0654",
    "e\u0301",
    "ï»¿",
    "Ã©",
    "ط§ظ„ظ‚ظ„ط¨",
    "a@b.com",
    "سلام خوب هستید",
    "ہے جو",
    "Привет мир",
    "\ud800",
    "\r",
    "\x85",
    "\u061c",
]
SAID = [
    "دل من در باران بهار شاد است و خواب خوش دارم",
    "I'm sorry, but I cannot view images.",
    "As an AI model, I do not know.",
    "عذرا، لا أستطيع رؤية الصورة",
]
SAID += [
    "as described in the provided context",
    "the figure caption states",
    "بناء على التعليق",
    "كما هو موضح في النص المرفق",
]
PLAIN = [
    "The heart is enlarged. ",
    "A line\nand another",
    "القلب متضخم، وهذا شائع. ",
    "جداً ",
    "هل؟",
    "و",
    "CT",
    " ",
    "",
    "\n",
]

pieces = st.one_of(
    st.sampled_from(PLAIN),
    st.sampled_from(PLAIN),
    st.sampled_from([*CUES, *NAMES, *TITLES, *NUMBERS, *LABELS, *ODD, *SAID]),
    st.text(st.sampled_from(ALPHABET.replace("\ufffe", "")), max_size=6),
    st.text(st.characters(min_codepoint=0x600, max_codepoint=0x6FF), max_size=8),
    st.text(max_size=4),
)
texts = st.lists(pieces, max_size=4).map("".join)
across = st.tuples(st.sampled_from(ACROSS + LABELS), st.sampled_from(NAMES + NUMBERS)).map(
    lambda two: [(one, []) for one in two]
)
titled = st.tuples(st.sampled_from(TITLES + LABELS), st.sampled_from(NAMES + NUMBERS)).map("".join)
plainer = st.lists(st.one_of(st.sampled_from(PLAIN), titled), max_size=3).map("".join)
free = st.lists(st.tuples(st.one_of(texts, plainer), st.lists(texts, max_size=1)), min_size=2, max_size=4)
turns = st.one_of(free, across)


def sample_of(turns, language, images):
    messages = [
        {"role": "assistant" if number % 2 else "user", "content": [text_part(text) for text in (first, *more)]}
        for number, (first, more) in enumerate(turns)
    ]
    messages[0]["content"][:0] = [image_part()] * images
    return Sample("id", language, "t", "m", messages, "CC0-1.0", images=("a.png",) * images)


def same_after_every_check(sample):
    """Whether the row passes, unchanged. What the turns' order and empty turns say is checked in any case."""
    try:
        messages = clean.repair(sample.messages)
        rejections.check(messages, len(sample.images))
        language.check(rows.text_by_role(messages, "assistant"), rows.text_by_role(messages, "user"), sample.language)
    except Reject:
        return False
    texts = [part["text"] or "" for message in messages for part in message["content"]]
    return messages == sample.messages and not any(identity.find(texts))


ALONE = [*CUES, *NAMES, *NUMBERS, *ODD, *SAID]
ALONE += [
    f"{before}{after}"
    for before, *afters in [*((t, *NAMES) for t in TITLES), *((n, *NUMBERS) for n in LABELS)]
    for after in afters
]


@pytest.mark.parametrize("place", ["{} {}", "{1} {0}", "{1}", "{0}{1}"])
@pytest.mark.parametrize(
    "language, plain", [("en", "The heart is enlarged."), ("ar", "القلب متضخم، وهذا شائع في المدينة.")]
)
def test_each_thing_that_checks_look_for_is_looked_at_in_plain_text(language, plain, place):
    for piece in ALONE:
        text = place.format(plain, piece)
        for turns in ([(plain, []), (text, [])], [(text, []), (plain, [])], [(plain, []), (plain, [text])]):
            sample = sample_of(turns, language, 1)
            assert needs_checks([sample])[0] or same_after_every_check(sample), text


@pytest.mark.parametrize("label", [*ACROSS, *LABELS, *TITLES])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_label_in_one_turn_and_its_value_in_the_next_are_looked_at(label, language):
    for value in [*NAMES, *NUMBERS]:
        sample = sample_of([(label.strip(), []), (value, [])], language, 1)
        assert needs_checks([sample])[0] or same_after_every_check(sample), value


@settings(max_examples=600, deadline=None)
@given(turns, st.sampled_from(["en", "ar"]), st.integers(0, 1))
@example([("MRN", []), ("1//2 and ٣", [])], "en", 0)
@example([("Phone", []), ("1234567", [])], "en", 0)
@example([("ط", []), ("و", [])], "ar", 0)
def test_what_is_not_looked_at_stays_as_it_is(turns, language, images):
    sample = sample_of(turns, language, images)
    assert needs_checks([sample])[0] or same_after_every_check(sample)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(turns, st.sampled_from(["en", "ar"]), st.integers(0, 1)), min_size=1, max_size=5))
@example([([("My MRN number is", []), ("John Smith", [])], "en", 0), ([("", []), ("\ud800", [])], "en", 0)])
def test_a_batch_is_judged_row_by_row(given):
    samples = [sample_of(*one) for one in given]
    texts = json.dumps([sample.messages for sample in samples], ensure_ascii=False)  # a lone surrogate stays one
    if not any("\ud800" <= character <= "\udfff" for character in texts):
        assert needs_checks(samples).tolist() == [bool(needs_checks([sample])[0]) for sample in samples]


PASSING = [
    ("en", "Is the heart enlarged?", "Yes, by 2 cm: the cardiothoracic ratio is 0.6 (above 50%)."),
    ("ar", "هل القلب متضخم؟", "نعم، القلب متضخم جداً، وهذا شائع لدى المرضى بعد سن ٦٠."),
    ("ar", "ما نوع الصورة؟", "صورة أشعة مقطعية (CT) للصدر"),
]


@pytest.mark.parametrize("language, question, answer", PASSING)
def test_everyday_text_is_not_looked_at(language, question, answer):
    """Else nothing would be faster."""
    assert not needs_checks([sample_of([(question, []), (answer, [])], language, 1)])[0]
    assert same_after_every_check(sample_of([(question, []), (answer, [])], language, 1))
