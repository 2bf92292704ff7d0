"""Ways in which a translator says the same, each of which passes every check, and errors that look like them."""

import pytest

from data_prep.curate.checks import Rewriting, Translation, findings

SAME = [
    ("Yes.", "أجل."),
    ("It is, yes.", "نعم، هي كذلك."),
    ("Unfortunately not.", "لا، للأسف."),
    ("None at all.", "لا، إطلاقاً."),
    ("No, the left lung is normal.", "كلا، الرئة اليسرى سليمة."),
    ("I doubt that it is serious.", "لا أظن أنه خطير."),
    ("No one in the family has epilepsy.", "ما من أحد في العائلة مصاب بالصرع."),
    ("Malignancy is not excluded.", "الخباثة غير مستبعدة."),
    ("Never take this with alcohol.", "إياك أن تتناول هذا مع الكحول."),
    ("Do not drive until tomorrow.", "امتنع عن القيادة إلى الغد."),
    ("Vaccination is free of charge.", "التطعيم مجاني."),
    ("Normal heart size.", "حجم القلب غير متضخم."),
    ("You shouldn't drive for 24 hours after it.", "ينبغي ألا تقود قبل مضي 24 ساعة عليه."),
    ("Do not exceed eight tablets a day.", "لا تتجاوز ثمانية أقراص في اليوم."),
    ("I'm not sure which tablet it is.", "لست متأكداً أي قرص هو."),
    ("The right one is larger than the left.", "اليمنى أكبر من اليسرى."),
    ("Right-to-left shunt.", "تحويلة من اليمين إلى اليسار."),
    ("The operation left her with a scar.", "خلّفت العملية ندبة."),
    ("You have the right to a second opinion.", "من حقك الحصول على رأي ثانٍ."),
    ("ANA positive, dsDNA negative.", "أضداد ANA إيجابية، و dsDNA سلبية."),
    ("D-dimer was raised.", "كان ثنائي دي مرتفعاً."),
    ("Hounsfield units were measured.", "قيست وحدات هاونسفيلد."),
    ("Tranexamic acid was given.", "أُعطي حمض الترانيكساميك."),
    ("Instil latanoprost 0.005% at night.", "قطّر لاتانوبروست ٠٫٠٠٥٪ ليلاً."),
    ("A photograph of the nylon sutures.", "صورة فوتوغرافية لخيوط النايلون."),
    ("The troponin was normal.", "كان التروبونين طبيعياً."),
    ("<image>\nDescribe the image.", "<image>\nصف الصورة."),
    ("Which drug? A. Vancomycin B. Rifaximin", "أي دواء؟ أ. فانكومايسين ب. ريفاكسيمين"),
]
ERRORS = [
    ("polarity", "Positive for CK7 and TTF-1, negative for p40.", "سلبية لـ CK7 و TTF-1، إيجابية لـ p40."),
    ("negation", "Do not exceed eight tablets a day.", "يمكنك أن تتجاوز ثمانية أقراص في اليوم."),
    ("negation", "A negative result does not exclude infection.", "النتيجة السلبية تنفي العدوى."),
    ("negation", "He is sure.", "لست متأكداً."),
    ("sides", "Bilateral emboli and right heart strain.", "صمات في الجانب الأيسر وإجهاد القلب الأيمن."),
    ("drugs", "Instil latanoprost 0.005% at night.", "قطّر تيمولول ٠٫٠٠٥٪ ليلاً."),
    ("language", "This image is normal.", "الصورة دي طبيعية."),
    (
        "sentences",
        "Unless the bleeding stops, a transfusion is required.",
        "سيلزم الدم ما لم يقف النزف. النزف غزير. هو شاحب.",
    ),
    ("transliterated", "Pleural effusion was seen.", "شوهد بليورال إفيوجن."),
]
OPTIONS = [
    ("Which drug? A. Vancomycin B. Rifaximin C. Colistin", "أي دواء؟ أ. فانكومايسين ب. ريفاكسيمين"),
    ("Which nerve?\nA. Radial\nB. Ulnar\nAnswer: B", "أي عصب؟\nأ. الكعبري\nب. الزندي\nالإجابة: أ"),
]
FULL_ANSWERS = [
    ("Is the patient male?", "no", "The patient is female."),
    ("Is the lesion benign?", "no", "The lesion is malignant."),
    ("What organ is enlarged?", "spleen", "The spleen is enlarged, which is called splenomegaly."),
    ("Are the lungs clear?", "yes", "The lungs are clear, without consolidation."),
]
WRONG_ANSWERS = [
    ("polarity", "Is the patient male?", "yes", "The patient is female."),
    ("new_terms", "What organ is shown?", "spleen", "The spleen is shown, with splenomegaly."),
    ("new_terms", "Are the lungs clear?", "no", "The lungs are not clear, without a pneumothorax."),
    ("leaked_caption", "What is seen?", "cyst", "The description provided states that there is a cyst."),
    ("refusal", "What is seen?", "cyst", "Unfortunately, I can't help with interpreting this."),
]


def checks_of(source: str, made: str, languages: tuple[str, str] = ("en", "ar"), options: bool = False) -> list[str]:
    return [found.check for found in findings(Translation((source,), (made,), *languages, options=options))]


@pytest.mark.parametrize(("english", "arabic"), SAME)
def test_the_same_said_otherwise_passes_in_both_directions(english, arabic):
    assert not checks_of(english, arabic)
    assert not checks_of(arabic, english, ("ar", "en"))


@pytest.mark.parametrize(("check", "source", "made"), ERRORS)
def test_an_error_is_found_by_its_check(check, source, made):
    assert check in checks_of(source, made)


@pytest.mark.parametrize(("source", "made"), OPTIONS)
def test_options_in_a_line_and_the_named_answer_are_compared(source, made):
    assert "options" in checks_of(source, made, options=True)


@pytest.mark.parametrize(("question", "answer", "made"), FULL_ANSWERS)
def test_a_full_answer_in_other_words_passes(question, answer, made):
    assert not findings(Rewriting(question, answer, (made,)))


@pytest.mark.parametrize(("check", "question", "answer", "made"), WRONG_ANSWERS)
def test_a_wrong_full_answer_is_found(check, question, answer, made):
    assert check in {found.check for found in findings(Rewriting(question, answer, (made,)))}
