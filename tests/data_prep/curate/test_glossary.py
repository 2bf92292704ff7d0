"""A glossary is read, its errors are told together, and its terms are found in a text."""

import time

import pytest

from data_prep.curate.glossary import Glossary, GlossaryError, Term

HEADER = "english\tarabic\tnote\n"


def read(tmp_path, text):
    path = tmp_path / "terms.tsv"
    path.write_text(text, encoding="utf-8")
    return Glossary.read(path)


def test_terms_are_found_in_both_languages_in_any_form(tmp_path):
    glossary = read(tmp_path, HEADER + "pleural effusion\tانصباب جنبي\t\nliver\tكبد\t\n")
    assert [term.english for term in glossary.occurring("Two pleural effusions; the Liver.", "en")] == [
        "pleural effusion",
        "liver",
    ]
    assert [term.english for term in glossary.occurring("تضخم في الكبد", "ar")] == ["liver"]
    assert glossary.occurring("A delivery.", "en") == []


def test_all_errors_are_told_with_their_lines(tmp_path):
    with pytest.raises(GlossaryError) as error:
        read(tmp_path, HEADER + "liver\tكبد\t\nLiver\tكبد\t\n\tقلب\t\nheart\t\t\nlung\n")
    lines = str(error.value).splitlines()
    assert [line.split(", line ")[1].split(":")[0] for line in lines] == ["3", "4", "5", "6"]


def test_other_columns_are_an_error(tmp_path):
    with pytest.raises(GlossaryError, match="line 1: the columns must be english, arabic, note"):
        read(tmp_path, "en,ar\nliver,كبد\n")


def test_a_large_glossary_costs_no_more_a_row():
    text = "The liver shows term 7 and a pleural effusion. " * 20

    def seconds(size: int) -> float:
        glossary = Glossary(Term(f"word{number} term", f"كلمة{number} مصطلح") for number in range(size))
        start = time.perf_counter()
        for _ in range(50):
            glossary.occurring(text, "en")
        return time.perf_counter() - start

    assert seconds(20_000) < 3 * seconds(200) + 0.05


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffEnglish\tArabic\tNote\r\nliver\tكبد\t\r\n\t\t\r\n",
        "english\tarabic\nliver\tكبد\n",
        "english\tarabic\tnote\rliver\tكبد\t\r",
        'english\tarabic\tnote\n"liver"\t"كبد"\t""\n',
    ],
)
def test_a_glossary_is_read_as_spreadsheets_write_it(tmp_path, text):
    (tmp_path / "terms.tsv").write_bytes(text.encode())
    assert Glossary.read(tmp_path / "terms.tsv").occurring("The liver.", "en") == [Term("liver", "كبد")]


def test_a_long_note_is_no_error_and_a_term_without_a_word_is(tmp_path):
    assert read(tmp_path, HEADER + f"liver\tكبد\t{'x' * 200_000}\n").occurring("liver", "en")
    with pytest.raises(GlossaryError, match=r"line 2: '\+\+' holds no word"):
        read(tmp_path, HEADER + "++\tكبد\t\n")


def test_of_many_errors_the_first_are_told_and_the_others_counted(tmp_path):
    with pytest.raises(GlossaryError) as error:
        read(tmp_path, HEADER + "liver\tكبد\t\n" * 1_000)
    lines = str(error.value).splitlines()
    assert len(lines) == 21 and lines[-1].endswith("and 979 more errors")


def names(glossary, text, language):
    return [term.english for term in glossary.occurring(text, language)]


def test_a_term_inside_a_longer_one_does_not_occur_by_itself():
    glossary = Glossary([Term("femur", "عظم الفخذ"), Term("bone", "عظم"), Term("left femur", "عظم الفخذ الأيسر")])
    assert names(glossary, "كسر في عظم الفخذ", "ar") == ["femur"]
    assert names(glossary, "كسر في عظم الفخذ وفي عظم آخر", "ar") == ["femur", "bone"]
    assert names(glossary, "The left femur is a bone.", "en") == ["left femur", "bone"]


@pytest.mark.parametrize(
    ("term", "forms", "others"),
    [
        (Term("kidney", "كلية"), ("الكلية", "الكلى", "للكلية"), ("كل", "كلا", "لكل")),
        (Term("atrium", "أذين"), ("الأذين",), ("إذا", "فإذا")),
        (Term("sepsis", "إنتان"), ("الإنتان",), ("أن", "إن")),
        (Term("esophagus", "مريء"), ("المريء",), ("مرة", "مرتين", "مرات")),
        (Term("lung", "رئة"), ("الرئة", "الرئتين", "رئتان"), ("رأي",)),
    ],
)
def test_common_arabic_words_are_not_terms_of_the_same_short_stem(term, forms, others):
    glossary = Glossary([term])
    assert [form for form in forms if not names(glossary, f"هذه {form} هنا", "ar")] == []
    assert [word for word in others if names(glossary, f"هذه {word} هنا", "ar")] == []
