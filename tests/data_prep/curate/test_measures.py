"""Units, lengths of time and counts that two languages write differently, and the errors beside them."""

import pytest

from data_prep.curate.checks import Translation, findings
from data_prep.curate.checks.quantities import quantities

SAME = [
    ("The volume is 120 cm3.", "الحجم 120 سنتيمتراً مكعباً."),
    ("Flush with 10 cc of saline.", "اغسل بـ 10 سم³ من المحلول."),
    ("The body mass index is 31 kg/m2.", "منسب كتلة الجسم 31 كغ/م²."),
    ("The interval is 220 ms.", "الفترة 220 ملي ثانية."),
    ("TE 100 ms, thickness 5 mm.", "TE 100 م.ث، والسماكة 5 مم."),
    ("The complex lasts 0.14 s.", "يدوم المركّب 0.14 ثانية."),
    ("The layer is 412 µm thick and the effusion 450 mL.", "سماكة الطبقة 412 ميكرومتراً والانصباب 450 ميليلتراً."),
    ("The rate is 148 beats per minute.", "المعدل 148 ضربة في الدقيقة."),
    ("The scanner has 1.5 T.", "قوة الجهاز 1.5 تسلا."),
    ("The pressure was 28 cmH2O.", "كان الضغط 28 سم ماء."),
    ("The child weighs 12.4 kg (27 lb).", "وزن الطفل 12.4 كغ (27 رطلاً)."),
    ("Give 1 g every 8 hours.", "أعطِ غراماً واحداً كل ثماني ساعات."),
    ("40 mmol in 1 litre of saline.", "40 ملي مول في لتر من المحلول."),
    ("The cyst is 2 cm wide.", "عرض الكيسة سنتيمتران."),
    ("It needed 2 units of blood.", "احتاج إلى وحدتي دم."),
    ("It lasts 90 minutes.", "يستغرق ساعة ونصفاً."),
    ("It is below 1%.", "هو أقل من واحد في المئة."),
    ("She was born at 29+4 weeks.", "وُلدت في الأسبوع 29 و4 أيام."),
    ("He was given six cycles every 21 days.", "أُعطي العلاج لست دورات كل 21 يوماً."),
    ("It arrived at 9:30 am.", "وصلت الساعة التاسعة والنصف صباحاً."),
    ("On Tuesday and Wednesday.", "يومي الثلاثاء والأربعاء."),
    ("He had COVID-19 in August.", "أصيب بكوفيد-١٩ في شهر غشت."),
]
OTHER = [
    ("numbers", "It was withheld for two days.", "أُوقف الوارفارين يوماً واحداً."),
    ("numbers", "Give 1 g of it.", "أعطِ 2 غ منه."),
    ("numbers", "In August 2020.", "في شتنبر 2020."),
    ("units", "The interval is 220 ms.", "الفترة 220 ثانية."),
    ("units", "The complex lasts 0.14 s.", "يدوم المركّب 0.14 دقيقة."),
    ("units", "The girl weighs 3.4 kg.", "وزن البنت 3.4 رطل."),
    ("units", "The pressure is 90/50 mmHg.", "الضغط 90/50 كيلوباسكال."),
    ("units", "Flush with 10 cc of saline.", "اغسل بـ 10 سم من المحلول."),
]


def of_numbers(source: str, made: str, source_language: str = "en", language: str = "ar") -> list[str]:
    checks = ["numbers", "units"]
    return [found.check for found in findings(Translation((source,), (made,), source_language, language), checks)]


@pytest.mark.parametrize(("english", "arabic"), SAME)
def test_the_same_measure_passes_in_both_directions(english, arabic):
    assert not of_numbers(english, arabic)
    assert not of_numbers(arabic, english, "ar", "en")


@pytest.mark.parametrize(("check", "source", "made"), OTHER)
def test_another_measure_is_found(check, source, made):
    assert check in of_numbers(source, made)


@pytest.mark.parametrize("spelt", ["ملغ", "ملّيغراماً", "ميليغرامات", "ملي غرام", "مليغرام", "ميللي غرام", "ملغم"])
def test_a_metric_unit_is_known_in_its_spellings(spelt):
    assert quantities(f"الجرعة 15 {spelt} يومياً.").units == {"15": {"mg"}}


def test_an_exponent_is_no_number():
    assert set(quantities("3.5 cm3, 1.73 m2 and 31 كغ/م٢").values) == {"3.5", "1.73", "31"}


def test_a_number_after_a_unit_is_no_exponent():
    assert set(quantities("5 cm 2 nodules and 4 m 3 steps").values) == {"5", "2", "4", "3"}
