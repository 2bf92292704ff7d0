"""What may tell who a person is, and what may not."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.text.identity import MASKS, find, masked
from tests.helpers.data_fixtures import built, llava_mixture

IDENTITIES = [
    ("name", "Mr. Smith has pain.", "Smith"),
    ("name", "Mrs Anna-Maria O'Neil was seen.", "Anna-Maria O'Neil"),
    ("name", "Reviewed with Dr. J. Al-Hassan today", "J. Al-Hassan"),
    ("name", "Dr. Ahmed Hassan described it? No: Dr. Ahmed Hassan reviewed it.", "Ahmed Hassan"),
    ("name", "Patient Name: SMITH, JOHN", "SMITH, JOHN"),
    ("name", "patient's name is Mary Ann Jones, aged 4", "Mary Ann Jones"),
    ("name", "A 30-year-old woman named Sarah came.", "Sarah"),
    ("name", "Will Miss Smith recover?", "Smith"),
    ("name", "Miss Jane Smith was seen.", "Jane Smith"),
    ("name", "Seen with Miss Jones, who has asthma", "Jones"),
    ("name", "Was Miss O'Neil admitted?", "O'Neil"),
    ("name", "My mother and Miss Khan came", "Khan"),
    ("name", "My name is Omar Khan.", "Omar Khan"),
    ("name", "زار السيد محمد بن سالم العيادة", "محمد بن سالم"),
    ("name", "السيدة فَاطِمة الشمري التي تعاني", "فَاطِمة الشمري"),
    ("name", "فحص الدكتور احمد علي المريض", "احمد علي"),
    ("name", "راجعه د. خالد عبد الله اليوم", "خالد عبد الله"),
    ("name", "اسم المريض: سعيد القحطاني العمر: ٤٥", "سعيد القحطاني"),
    ("name", "مريضة تُدعى مريم عمرها ٣٠", "مريم"),
    ("name", "للمريض يوسف حسن موعد", "يوسف حسن"),
    ("birth_date", "DOB: 03/04/1971", "03/04/1971"),
    ("birth_date", "Date of birth is 1971-04-03.", "1971-04-03"),
    ("birth_date", "born on March 4th, 1971", "March 4th, 1971"),
    ("birth_date", "born 4 Mar 1971", "4 Mar 1971"),
    ("birth_date", "تاريخ الميلاد: ٣/٤/١٩٧١", "٣/٤/١٩٧١"),
    ("birth_date", "وُلدت في ٤ مارس ١٩٧١", "٤ مارس ١٩٧١"),
    ("birth_date", "تاريخ ميلاده ١٥ رمضان ١٤٢٠", "١٥ رمضان ١٤٢٠"),
    ("record_number", "MRN: 12345678", "12345678"),
    ("record_number", "Medical record number AB-12345", "AB-12345"),
    ("record_number", "hospital no. 4455-66", "4455-66"),
    ("record_number", "رقم الملف الطبي: ١٢٣٤٥٦", "١٢٣٤٥٦"),
    ("phone", "Call +966 50 123 4567 now", "+966 50 123 4567"),
    ("phone", "at (555) 123-4567.", "(555) 123-4567"),
    ("phone", "Tel. no. 01 234 56 78", "01 234 56 78"),
    ("phone", "رقم الهاتف: ٠١٢٣٤٥٦٧٨", "٠١٢٣٤٥٦٧٨"),
    ("phone", "أرسل إلى ٠٥٠١٢٣٤٥٦٧", "٠٥٠١٢٣٤٥٦٧"),
    ("email", "Write to a.b-c@mail.example.org.", "a.b-c@mail.example.org"),
    ("national_id", "her SSN 123-45-6789", "123-45-6789"),
    ("national_id", "Emirates ID 784-1990-1234567-1", "784-1990-1234567-1"),
    ("national_id", "Passport number: A1234567", "A1234567"),
    ("national_id", "رقم الهوية الوطنية: ١٠٢٣٤٥٦٧٨٩", "١٠٢٣٤٥٦٧٨٩"),
    ("national_id", "الرقم القومي 29001011234567", "29001011234567"),
]

NOT_IDENTITIES = [
    "Down syndrome, Crohn's disease and Dr. Crohn described it in 1932.",
    "Dr. Virginia Apgar first introduced the score; Dr. Alzheimer's patients",
    "MR imaging and MS lesions; Ms. B and Mr. X were anonymous",
    "Brand name: Tylenol. The name of the drug is aspirin. family name: Poxviridae. Patient name: Unknown",
    "Patient name: ___ DOB: ___ Dr. ___ and Mr. [**Known lastname 123**]",
    "Name: [**First Name8 (NamePattern2) **] MRN: [**Numeric Identifier 12345678**] tel [**Fax (1) 555-123-4567**]",
    "A 45-year-old man, BP 120/80-140/90, 3-5 mg every 6-8 h, on 03/04/1971",
    "The study of 12/05/2019 was compared with 2018-03-04.",
    "born at 38 weeks in 1990 with 3200 g; a newborn of 12-14 days",
    "PMID: 12345678, doi 10.1000/123.456.7890, NCT01234567, GenBank accession number AB123456",
    "Glucose 5.5 mmol/L, WBC 12000, platelets 150-400, CD4+ 200, T(11;14)(q13;q32), c.1521_1523del",
    "Refraction +2.50 -1.25 x 180; HU +40 to +60; 1-800-273-8255, 800-273-8255 and 988",
    "The record number of patients was 1000; file formats; 2000000 cells per field",
    "Contact @radiology; p<0.05@day 3",
    "السيدة تعاني من ألم، والسيد المريض سليم، والمريض كريم",
    "وصف الدكتور كرون المرض، واسم الدواء باراسيتامول",
    "يجب حث المريض على الحركة، والمريض علي أن يستريح",
    "عمره ٤٥ سنة، الضغط ١٢٠/٨٠، الجرعة ٥٠٠-١٠٠٠ ملغ، في ٣/٤/٢٠١٩",
    "ولد في الأسبوع ٣٨ بوزن ٣٢٠٠ غرام، من مواليد ١٩٨٠",
    "المريض تركي وعمره ٣٠، والمريضة آمنة وللمريض حصة من العلاج",
    "متلازمة داون ومرض كرون، رقم السرير ١٢",
    "Will we miss cancers? Will We Miss Cancers? We miss cancers. Miss Cancers",
    "Why Radiologists Miss Fractures; AI Can Miss Sepsis, and Doctors Miss Heart Attacks; Hit or Miss Transform",
    "They never Miss Doses. Near-Miss Neonates. Do not miss Paget disease. Miss Rates of CT",
    "Tel: see below\n1. Rest",
    "What is the name of the muscle? Soleus. His name for it was strange. What is her age? Sixty",
    "ما اسم المرض؟ الربو. ما اسمها؟ الشبكية. ما اسم المريض؟ غير معروف",
    "How many images per patient ID? 1200 images. In what year was insulin born? 1921",
]

CONVERSATIONS = [
    (["My MRN number is", "12345678 and I am in pain"], [[], ["12345678"]]),
    (["What is the patient's MRN?", "It is AB-1234."], [[], ["AB-1234"]]),
    (["Patient name:", "John Smith"], [[], ["John Smith"]]),
    (["What is the patient's name on the film?", "It is SMITH, JOHN, aged 4."], [[], ["SMITH, JOHN"]]),
    (["Hello", "What was his name?", "Omar", "My name is"], [[], [], ["Omar"], []]),
    (["My name is", "Omar Khan"], [[], ["Omar Khan"]]),
    (["She is Mrs.", "Jones."], [[], ["Jones"]]),
    (["What is the patient's date of birth?", "12/03/1961"], [[], ["12/03/1961"]]),
    (["When was the patient born?", "On 4 March 1971."], [[], ["4 March 1971"]]),
    (["What is the phone number of the clinic?", "01 234 56 78", "3 lesions"], [[], ["01 234 56 78"], []]),
    (["Phone: 01 234 567", "8 patients"], [["01 234 567"], []]),
    (["ما اسم المريض؟", "سعيد القحطاني"], [[], ["سعيد القحطاني"]]),
    (["اسم المريض:", "جورج حداد"], [[], ["جورج حداد"]]),
    (["ما اسمها؟", "اسمها فاطمة الشمري."], [[], ["فاطمة الشمري"]]),
    (["رقم الملف:", "١٢٣٤٥٦"], [[], ["١٢٣٤٥٦"]]),
    (["ما رقم ملفك الطبي؟", "رقم ملفي هو ١٢٣٤٥٦"], [[], ["١٢٣٤٥٦"]]),
    (["متى وُلد المريض؟", "١٢/٣/١٩٦١"], [[], ["١٢/٣/١٩٦١"]]),
]

ANSWERS_WITHOUT_ONE = [
    ("What is the patient's name?", "The image shows no name."),
    ("What is the patient's name?", "Unknown. Not shown."),
    ("Patient name:", "Not visible"),
    ("What is the last name?", "Unfortunately, it is masked."),
    ("What is her name?", "Anonymous."),
    ("I saw my Dr.", "Good."),
    ("Is it Dr.", "Smith's fracture?"),
    ("What is the date of birth?", "It is not in the image of 03/04/2019."),
    ("How many images per patient ID?", "1200 images"),
    ("ما اسم المريض؟", "غير معروف"),
    ("ما اسم المريض؟", "لا يظهر الاسم"),
    ("ما اسم المرض؟", "الربو"),
    ("ما اسمها؟", "الشبكية"),
    ("ما تاريخ ميلاد المريض؟", "لا يظهر في الصورة"),
]


def shown(texts):
    return [[text[one.start : one.end] for one in found] for text, found in zip(texts, find(texts), strict=True)]


@pytest.mark.parametrize("kind, text, value", IDENTITIES)
def test_identities_are_found(kind, text, value):
    assert [(one.kind, text[one.start : one.end]) for one in find([text])[0]] == [(kind, value)]


@pytest.mark.parametrize("text", NOT_IDENTITIES)
def test_what_looks_like_one_is_not(text):
    assert shown([text]) == [[]]
    assert masked([text], "en") == [text]


@pytest.mark.parametrize("texts, values", CONVERSATIONS)
def test_what_spans_two_turns_is_found_where_it_stands(texts, values):
    assert shown(texts) == values
    assert all(value not in "".join(masked(texts, "en")) for place in values for value in place)


@pytest.mark.parametrize("question, answer", ANSWERS_WITHOUT_ONE)
def test_an_answer_that_names_nobody_stays(question, answer):
    assert masked([question, answer], "en") == [question, answer]


def test_masks_are_in_the_language_of_the_text():
    mixed = ["Mr. Smith, DOB 03/04/1971, a@b.org", "السيد محمد علي، جوال 0501234567"]
    assert masked(mixed, "en") == ["Mr. [NAME], DOB [DATE OF BIRTH], [EMAIL]", "السيد [اسم]، جوال [هاتف]"]


@pytest.mark.parametrize("language, mask", [("en", "[RECORD NUMBER]"), ("ar", "[رقم السجل]")])
def test_the_mask_of_a_turn_that_is_nothing_else_is_in_the_language_of_the_row(language, mask):
    assert masked(["MRN", "12345678"], language) == ["MRN", mask]


def test_of_the_rows_counted_as_masked_no_identifier_is_in_the_shards(tmp_path):
    """A row whose label and value are in two turns was counted, and stayed as it was."""
    texts = [texts for texts, _ in CONVERSATIONS if len(texts) == 2]
    given = [
        {
            "id": str(number),
            "conversations": [{"from": "human", "value": texts[0]}, {"from": "gpt", "value": texts[1]}],
        }
        for number, texts in enumerate([*texts, *([text, text] for _, text, _ in IDENTITIES)])
    ]
    path = llava_mixture(tmp_path, given, duplicates={"exact": False, "near": False})
    made, rows, _ = built(path, tmp_path / "out")
    written = [[part["text"] for turn in row["messages"] for part in turn["content"]] for row in rows.values()]
    assert all(one == [[]] * len(parts) for parts in written for one in [find(parts)])
    mask = [pair[arabic] for pair in MASKS.values() for arabic in (0, 1)]
    assert made["identities_masked"] == sum(any(one in "".join(parts) for one in mask) for parts in written) > 40


@given(st.permutations(IDENTITIES), st.integers(0, 5))
def test_nothing_is_found_in_a_masked_conversation(identities, count):
    for texts in ([text for _, text, _ in identities[:count]], ["\n".join(text for _, text, _ in identities[:count])]):
        hidden = masked(texts, "ar")
        assert not any(find(hidden))
        masks = sum(text.count(mask) for text in hidden for pair in MASKS.values() for mask in pair)
        assert masks == sum(map(len, find(texts)))


@given(st.text(st.sampled_from("Dr. MsSmithab@org0123456789-+/()سيد محمد٠١٢[*]:\n"), max_size=60))
def test_places_are_in_order_and_apart(text):
    found = find([text])[0]
    assert all(0 <= one.start < one.end <= len(text) and one.kind in MASKS for one in found)
    assert all(before.end <= after.start for before, after in pairwise(found))


TURNS = [text for _, text, _ in IDENTITIES] + [text for texts, _ in CONVERSATIONS for text in texts]


@given(st.lists(st.sampled_from(TURNS), max_size=6))
def test_each_place_is_inside_its_own_turn(texts):
    found = find(texts)
    assert len(found) == len(texts)
    for text, places in zip(texts, found, strict=True):
        assert all(0 <= one.start < one.end <= len(text) for one in places)
