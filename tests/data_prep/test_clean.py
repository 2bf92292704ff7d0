"""Repairs of text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.rows import image_part, text_part
from data_prep.text.clean import cleaned, decoded, garbled, repair, without_markup

ARABIC = "يُظهِرُ التصويرُ (MRI) آفةً فى الفصّ الصدغيّ، بقياس ٣٫٥ سم… إلى اليســـار؟ مُحَمَّد"
MEDICAL = "Ménière’s, Sjögren: ≥ 5 µg/dL ± 0.3 °C × ½ – β-blocker 10⁹/L «x» naïve √2 ¬ 50€"

JUNK = st.sampled_from(
    [
        *"ab لٌّ\u200cé&<>;#/\n\t\r \u00a0\u202e\ufeff\u200b\u0308ط",
        "&amp;",
        "&lt;",
        "<b>",
        "</b>",
        "<br>",
        "Ã©",
        "â€™",
        "<sup>2</sup>",
        "<xref rid='b1'>",
        "</xref>",
        "<sc>",
        "</sc>",
        "<mml:mi>",
        "<jats:p>",
        "&lt;italic&gt;",
    ]
)


@pytest.mark.parametrize(
    "text",
    ["", "The lungs are clear.", ARABIC, MEDICAL, "می‌شود", "طب", "👩‍⚕️ doctor", "a\n\nb", "H&E, AT&T; R&D", "ﷺ ﻻ"],
)
def test_good_text_stays(text):
    assert cleaned(text) == text


@pytest.mark.parametrize(
    "text, expected",
    [
        ("a \t\r\nb\rc\u2028d  ", "a\nb\nc\nd"),
        ("\n a\n\n", "a"),
        ("a \nb", "a\nb"),
        ("نعم\u061c لا", "نعم لا"),
        ("a\x00b\x7f\x1b\u00adc", "abc"),
        ("\ufeffno\u200bmal \u2060x\u061c", "nomal x"),
        ("\u202eabc\u202c \u200eنعم\u200f \u2067x\u2069", "abc نعم x"),
        ("x\u200cy \u200dz", "xy z"),
        ("ه\u200d و ب\u200cا", "ه\u200d و ب\u200cا"),
        ("Me\u0301nie\u0300re", "Ménière"),
        ("ا\u0654 و\u0654", "أ ؤ"),
        ("&lt;0.05 &amp; 5&nbsp;mg &#956;g &#x202e;", "<0.05 & 5\u00a0mg μg"),
        ("&amp;lt;b&amp;gt;", "<b>"),
        ("schÃ¶n dâ€™accord", "schön d’accord"),
    ],
)
def test_repairs(text, expected):
    assert cleaned(text) == expected


@pytest.mark.parametrize("typed", ["م\u0651\u064e", "م\u064e\u0651"])
def test_arabic_marks_keep_the_order_in_which_they_were_typed(typed):
    assert cleaned(typed) == typed
    assert cleaned(f"{typed} e\u0301") == f"{typed} é"


@pytest.mark.parametrize(
    "text",
    [
        "p <0.05",
        "p < 0.001 and n > 5",
        "a<b>c",
        "<5 or >10",
        "if a <b and c> d",
        "x <y@z.org>",
        "<- ->",
        "<3",
        "<Figure 1>",
        "5 <p and q> 2",
        "<sc> is short for subcutaneous, <title> for a title",
        "x <label y> z, <sec>, <fig>, </i>",
        "ratio <a:b>, <m:f> and <mmol:l>",
    ],
)
def test_what_is_not_a_tag_stays(text):
    assert without_markup(text) == text


@pytest.mark.parametrize(
    "text, expected",
    [
        ("one<br>two<BR/>three", "one\ntwo\nthree"),
        ('<p class="x">One.</p> <p>Two.</p>', "\nOne.\nTwo.\n"),
        ("<ul>\n <li>a</li>\n <li>b</li>\n</ul>", "\na\nb\n"),
        ("<b>bold</b> and <i>it</i> <a href='http://x.org'>link</a>", "bold and it link"),
        ('<strong>x</strong><span style="color:red">y</span><!-- z -->', "xy"),
        ("CO<sub>2</sub>, 10<sup>-9</sup>/L, Ca<sup>2+</sup>, 5<sup>th</sup>", "CO2, 10⁻⁹/L, Ca²⁺, 5th"),
        ("&lt;b&gt;x&lt;/b&gt;", "x"),
        ("<b><b><i>x</i></b> y</b> a<b>c", "x y a<b>c"),
        (
            'as in <xref ref-type="bibr" rid="CR1">1</xref>, <xref ref-type="fig" rid="F1">Fig. 1</xref>',
            "as in 1, Fig. 1",
        ),
        (
            "<italic>E. coli</italic>, <bold>(A)</bold> <sc>l</sc>-dopa <underline>x</underline>",
            "E. coli, (A) l-dopa x",
        ),
        ('<ext-link ext-link-type="uri" xlink:href="http://x.org/a?b=1">here</ext-link>', "here"),
        ('<named-content content-type="gene">TP53</named-content><inline-graphic xlink:href="a.gif"/>', "TP53"),
        ("<inline-formula><mml:math id='M1'><mml:mi>p</mml:mi><mml:mo>=</mml:mo></mml:math></inline-formula>", "p="),
        ("<jats:title>Aim</jats:title><jats:p>One <jats:italic>x</jats:italic>.</jats:p>", "\nAim\nOne x.\n"),
        ("10<sup>-9</sup><xref><sup>2</sup></xref>", "10⁻⁹²"),
    ],
)
def test_markup_becomes_text(text, expected):
    assert without_markup(text) == expected


@pytest.mark.parametrize("encoding", ["latin-1", "sloppy-windows-1252", "cp1256"])
def test_garbled_arabic_is_decoded(encoding):
    text = "الصورة تظهر كسرًا في العظم"
    assert garbled(text.encode().decode(encoding))
    assert decoded(text.encode().decode(encoding)) == text


@pytest.mark.parametrize(
    "text", [ARABIC, MEDICAL, "طفل", "ظ", "ط ظ", "What???", "?? or ??", "gâteau", "Ø 5 mm", "Ùltim"]
)
def test_good_text_is_not_garbled(text):
    assert decoded(text) == text
    assert garbled(text) == ""


@pytest.mark.parametrize("text", ["lost \ufffd", "???? ?? ????? ???", "dâ€?accord", "Ø§Ù„Ù€ï¿½ Ø", "ط§ظ„ظ‚ظ„ط¨ 中"])
def test_what_stays_garbled_is_told(text):
    assert garbled(cleaned(text))


@given(st.one_of(st.lists(JUNK, max_size=12).map("".join), st.text(max_size=40)))
def test_twice_is_once(text):
    assert cleaned(cleaned(text)) == cleaned(text)


@given(st.text(st.characters(min_codepoint=0x621, max_codepoint=0x669), max_size=60))
def test_arabic_letters_marks_and_digits_stay(text):
    assert unicodedata.normalize("NFC", cleaned(text)) == unicodedata.normalize("NFC", text)


def test_repair_cleans_every_text_and_drops_what_is_empty():
    user = {"role": "user", "content": [text_part("\u200b"), image_part(), text_part(" What?\r\n")]}
    answer = {"role": "assistant", "content": [{"type": "text", "text": None}, text_part("&lt;5")]}
    assert repair([user, answer]) == [
        {"role": "user", "content": [image_part(), text_part("What?")]},
        {"role": "assistant", "content": [text_part("<5")]},
    ]
    assert user["content"][2]["text"] == " What?\r\n"


LESS = st.sampled_from(
    ["p <0.05", "p < 0.001 and n > 5", "a<b>c", "<5 or >10", "x<y and y>z", "n<10", "<Figure 1>", "T<sc>"]
)
TAGS = [
    "xref",
    "italic",
    "bold",
    "sc",
    "ext-link",
    "named-content",
    "inline-formula",
    "mml:math",
    "jats:p",
    "sup",
    "b",
    "p",
]
TAGS_WITH = st.tuples(st.sampled_from(TAGS), st.sampled_from(["", ' rid="F1"', " xlink:href='u' id=x"]))


@given(st.lists(st.one_of(LESS, st.sampled_from(["The dose", "of 5 mg,", "النسبة"])), max_size=8).map(" ".join))
def test_comparisons_are_never_taken_for_tags(text):
    assert without_markup(text) == text


@given(st.lists(TAGS_WITH, min_size=1, max_size=8))
def test_tags_around_a_text_go_however_they_are_nested(tags):
    opening = "".join(f"<{name}{attributes}>" for name, attributes in tags)
    closing = "".join(f"</{name}>" for name, _ in reversed(tags))
    assert cleaned(f"{opening}p <0.05{closing}") == "p <0.05"
