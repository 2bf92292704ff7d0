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
