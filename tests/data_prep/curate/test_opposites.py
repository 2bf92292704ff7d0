"""Words that became their opposites, and sides that changed their organs."""

import pytest

from data_prep.curate.checks import Translation, findings

OPPOSITES = [
    ("before meals", "قبل الوجبات", "بعد الوجبات"),
    ("a high fever", "حمى مرتفعة", "حمى منخفضة"),
    ("a large cyst", "كيس كبير", "كيس صغير"),
    ("the anterior wall", "الجدار الأمامي", "الجدار الخلفي"),
    ("the distal third", "الثلث القاصي", "الثلث الداني"),
    ("the medial meniscus", "الغضروف الهلالي الإنسي", "الغضروف الهلالي الوحشي"),
    ("the upper pole", "القطب العلوي", "القطب السفلي"),
    ("her symptoms improved", "تحسنت أعراضها", "تفاقمت أعراضها"),
]
OTHER_WORDS = [
    ("There is nothing wrong with your heart.", "قلبك سليم وطبيعي."),
    ("No abnormality is seen in the chest.", "الصدر طبيعي."),
    ("Low back pain and hypertension.", "ألم في أسفل الظهر وارتفاع ضغط الدم."),
    ("The small bowel is dilated, with splenomegaly.", "الأمعاء الدقيقة متوسعة، مع تضخم الطحال."),
    ("She has been looked after at home since her fall two weeks ago.", "تُرعى في المنزل منذ سقوطها قبل أسبوعين."),
    ("No previous surgery; review in two weeks.", "لا جراحات سابقة، والمراجعة بعد أسبوعين."),
]
ANOTHER_ORDER = [
    ("The right kidney measures 10.2 cm and the left 11.4 cm.", "الكلية اليسرى 11.4 سم والكلية اليمنى 10.2 سم."),
    ("The right lung shows an effusion; the left is clear.", "الرئة اليسرى صافية، أما اليمنى فتُظهر انصباباً."),
    ("The left knee is swollen and the right ankle bruised.", "الكاحل الأيمن مكدوم، والركبة اليسرى متورمة."),
]


def polarity(source: str, made: str, source_language: str = "en", language: str = "ar") -> list[str]:
    return [
        found.detail for found in findings(Translation((source,), (made,), source_language, language), ["polarity"])
    ]


def sides(source: str, made: str) -> list[str]:
    return [found.detail for found in findings(Translation((source,), (made,), "en", "ar"), ["sides"])]


@pytest.mark.parametrize(("english", "arabic", "opposite"), OPPOSITES)
def test_an_opposite_is_found_in_both_directions(english, arabic, opposite):
    assert not polarity(english, arabic)
    assert not polarity(arabic, english, "ar", "en")
    assert polarity(english, opposite)
    assert polarity(opposite, english, "ar", "en")


@pytest.mark.parametrize(("source", "made"), OTHER_WORDS)
def test_other_words_for_the_same_are_no_opposites(source, made):
    assert not polarity(source, made)


@pytest.mark.parametrize(("source", "made"), ANOTHER_ORDER)
def test_two_sides_may_be_named_in_another_order(source, made):
    assert not sides(source, made)


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("The right kidney measures 10.2 cm and the left 11.4 cm.", "الكلية اليسرى 10.2 سم والكلية اليمنى 11.4 سم."),
        ("The left knee is swollen and the right ankle bruised.", "الركبة اليمنى متورمة، والكاحل الأيسر مكدوم."),
    ],
)
def test_exchanged_sides_are_found(source, made):
    assert sides(source, made)


@pytest.mark.parametrize("text", ["dextrocardia", "dextroscoliosis"])
def test_a_prefix_may_say_a_side(text):
    assert not sides(f"There is {text}.", "الانزياح نحو اليمين.")
