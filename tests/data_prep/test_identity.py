"""What may tell who a person is, and what may not."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.text.identity import MASKS, find, masked

IDENTITIES = [
    ("name", "Mr. Smith has pain.", "Smith"),
    ("name", "Mrs Anna-Maria O'Neil was seen.", "Anna-Maria O'Neil"),
    ("name", "Reviewed with Dr. J. Al-Hassan today", "J. Al-Hassan"),
    ("name", "Dr. Ahmed Hassan described it? No: Dr. Ahmed Hassan reviewed it.", "Ahmed Hassan"),
    ("name", "Patient Name: SMITH, JOHN", "SMITH, JOHN"),
    ("name", "patient's name is Mary Ann Jones, aged 4", "Mary Ann Jones"),
    ("name", "A 30-year-old woman named Sarah came.", "Sarah"),
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
]


@pytest.mark.parametrize("kind, text, value", IDENTITIES)
def test_identities_are_found(kind, text, value):
    assert [(one.kind, text[one.start : one.end]) for one in find(text)] == [(kind, value)]


@pytest.mark.parametrize("text", NOT_IDENTITIES)
def test_what_looks_like_one_is_not(text):
    assert [text[one.start : one.end] for one in find(text)] == []
    assert masked(text) == text


def test_masks_are_in_the_language_of_the_text():
    assert masked("Mr. Smith, DOB 03/04/1971, a@b.org") == "Mr. [NAME], DOB [DATE OF BIRTH], [EMAIL]"
    assert masked("السيد محمد علي، جوال 0501234567") == "السيد [اسم]، جوال [هاتف]"


@given(st.permutations(IDENTITIES), st.integers(0, 5))
def test_nothing_is_found_in_a_masked_text(identities, count):
    text = "\n".join(text for _, text, _ in identities[:count])
    hidden = masked(text)
    assert find(hidden) == []
    assert sum(hidden.count(mask) for pair in MASKS.values() for mask in pair) == len(find(text))


@given(st.text(st.sampled_from("Dr. MsSmithab@org0123456789-+/()سيد محمد٠١٢[*]:\n"), max_size=60))
def test_places_are_in_order_and_apart(text):
    found = find(text)
    assert all(0 <= one.start < one.end <= len(text) and one.kind in MASKS for one in found)
    assert all(before.end <= after.start for before, after in pairwise(found))
