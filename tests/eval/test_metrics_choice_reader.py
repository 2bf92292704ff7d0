"""Which option an answer chooses, in the forms in which models say it; see test_choice_sets for two labelled sets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics.choice import is_right
from eval.metrics.choice_reader import chosen
from eval.metrics.option_letters import ARABIC, letter_of

ENGLISH = {"A": "Diffuse uptake", "B": "Focal uptake", "C": "No uptake", "D": "A+C", "E": ""}
IN_ENGLISH = [
    ("B", "B"),
    ("b", "B"),
    (" (B) ", "B"),
    ("B.", "B"),
    ("B) Focal uptake", "B"),
    ("B: it is focal", "B"),
    ("B - focal", "B"),
    ("B\nbecause it is focal", "B"),
    ("**B**", "B"),
    ("The answer is B", "B"),
    ("The correct answer is (B) because", "B"),
    ("The best answer is: C", "C"),
    ("**Answer:** B", "B"),
    ("answer: b.", "B"),
    # The last answer counts, and an answer more than an option.
    ("The answer is A. No, the answer is C.", "C"),
    ("Option A is wrong. The answer is B", "B"),
    ("I choose option C.", "C"),
    ("Option A is wrong, option C too", None),
    ("The answer is B or maybe C", None),
    ("The answer is B, possibly because of the uptake", "B"),
    # An option's text, alone or inside.
    ("focal uptake", "B"),
    ("It shows focal uptake in the breast.", "B"),
    ("Focal uptake or diffuse uptake", None),
    ("A+C", "D"),
    # The article and the start of a word are no letters.
    ("A tumour is seen", None),
    ("The answer is a tumour", None),
    ("Because it glows", None),
    ("uptake", None),
    # A letter of no option; an option without text is none by its text.
    ("G", None),
    ("", None),
]
ARABIC_OPTIONS = {
    "A": "العصب البصري",
    "B": "العصب الثالث",
    "C": "السادس",
    "D": "كل ما سبق صحيح",
    "E": "لا شيء مما سبق",
}
IN_ARABIC = [
    ("أ", "A"),
    ("ا", "A"),
    ("إ", "A"),
    ("آ.", "A"),
    ("ب", "B"),
    ("(ب)", "B"),
    ("ب) العصب الثالث", "B"),
    ("ب- العصب الثالث", "B"),
    ("ج. السادس", "C"),
    ("هـ", "E"),
    ("ه", "E"),
    ("هـ. لا شيء مما سبق", "E"),
    ("الإجابة: ب", "B"),
    ("الاجابة هي (ب).", "B"),
    ("الإجابة الصحيحة هي ب", "B"),
    ("**الإجابة:** د", "D"),
    ("الجواب هو ب لأن العصب", "B"),
    ("الخيار ج", "C"),
    ("\u200fب", "B"),
    # The other script.
    ("B", "B"),
    ("Answer: ج", "C"),
    ("الإجابة C", "C"),
    # An option's text, in another spelling.
    ("العَصَب البصرى", "A"),
    ("الإجابة هي العصب الثالث", "B"),
    ("العصب الثالث أو السادس", None),
    # Words that begin with a letter are not the letter.
    ("الإجابة الصحيحة هي بسبب", None),
    ("بسبب الورم", None),
    ("جوابه غير واضح", None),
    ("أعتقد ذلك", None),
    ("و", None),
]


THERAPY = {
    "A": "Oral rehydration",
    "B": "Intravenous ceftriaxone",
    "C": "Observation only",
    "D": "Exploratory laparotomy",
}
HARD = [
    ("B is often given but C is better.", "C"),
    ("Between options B and C, option B is correct", "B"),
    ("(A) Incorrect\n(B) Correct\n(C) Incorrect\n(D) Incorrect", "B"),
    ("A: No\nB: No\nC: Yes\nD: No", "C"),
    ("Answer: A, C", None),
    ("\\boxed{A} or \\boxed{B}", None),
    ("\\boxed{}", None),
    ("<answer>I don't know</answer>", None),
    ('{"answer": ["B"], "why": "A is wrong"}', "B"),
    ("The answer is A patient-centred approach", None),
    ("A CT scan is the best choice", None),
    ("Hepatitis B is the answer", None),
    ("Options A and B are both wrong; C is too. D.", "D"),
    ("A was wrong, C was right", "C"),
    ("The answer is C. This is not A because it is severe.", "C"),
    ("Intravenous ceftriaxone is not indicated. Exploratory laparotomy is.", "D"),
    ("Give oral rehydration instead of intravenous ceftriaxone.", "A"),
    ("The answer is exploratory laparotomy (D).", "D"),
    ("The answer is exploratory laparotomy (B).", None),
    ("Answer: B\n\nQuestion: What next?\nAnswer: C", None),
    ("the second option", "B"),
]
NUMBERS = {"A": "0.5", "B": "5", "C": "2.5", "D": "25"}
IN_NUMBERS = [("0.5", "A"), ("5.", "B"), ("The value is 2.5", "C"), ("25 mg", "D"), ("2.5 mg", "C"), ("١٥", None)]
YES_NO = {"A": "Yes", "B": "No"}
IN_YES_NO = [
    ("No fracture", None),
    ("The lesion is not present, so no.", "B"),
    ("no abnormality is seen, so yes, it is normal", "A"),
    ("It can be either yes or no", None),
]


@pytest.mark.parametrize(("answer", "letter"), HARD)
def test_hard_ones(answer, letter):
    assert chosen(answer, THERAPY) == letter


@pytest.mark.parametrize(
    ("options", "answer", "letter"),
    [(NUMBERS, *case) for case in IN_NUMBERS] + [(YES_NO, *case) for case in IN_YES_NO],
)
def test_numbers_and_yes_or_no(options, answer, letter):
    assert chosen(answer, options) == letter


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("C", "C"),
        ("C. D", "C"),
        ("The answer is (A) C.", "A"),
        ("The answer is B.", "B"),
        ("**D) A**", "D"),
        ("A, C", None),
    ],
)
def test_options_that_are_letters_of_a_figure_are_meant_by_their_own_letters(answer, letter):
    assert chosen(answer, {"A": "C", "B": "B", "C": "D", "D": "A"}) == letter


def test_the_letter_i_is_a_pronoun_where_it_is_no_option():
    nine = {letter: f"text {letter * 3}" for letter in "ABCDEFGHI"}
    assert chosen("Answer: I", nine) == "I" and chosen("I would choose H", nine) == "H"
    assert chosen("Answer: I", THERAPY) is None and chosen("I see; B", THERAPY) == "B"


@pytest.mark.parametrize(
    "piece", ["A ", " ", "option ", "و ", "is the answer ", "\\boxed{", "<think>", "A: ", "(", "\n"]
)
def test_long_repetitions_end(piece):
    """Models repeat themselves to the limit; patterns that backtrack would take minutes on this."""
    assert chosen(piece * 5000, THERAPY) in {None, "A"}


@pytest.mark.parametrize(("answer", "letter"), IN_ENGLISH)
def test_english(answer, letter):
    assert chosen(answer, ENGLISH) == letter


@pytest.mark.parametrize(("answer", "letter"), IN_ARABIC)
def test_arabic(answer, letter):
    assert chosen(answer, ARABIC_OPTIONS) == letter


def test_a_longer_option_hides_the_one_inside_it():
    options = {"A": "uptake", "B": "no uptake"}
    assert chosen("There is no uptake here", options) == "B"
    assert chosen("There is uptake here", options) == "A"


def test_two_options_of_the_same_text_are_both_right():
    options = {"A": "المشيمة", "B": "الأرومة", "C": "المشيمة"}
    assert is_right("المشيمة", options, "C") and is_right("أ", options, "C") and is_right("ج", options, "C")
    assert is_right("ب", options, "C") is False and is_right("لا أعرف", options, "C") is None


def test_letters():
    assert [letter_of(text) for text in "ABhأابجدهو"] == ["A", "B", "H", "A", "A", "B", "C", "D", "E", "F"]
    assert letter_of("هـ") == "E" and letter_of(" c ") == "C"
    assert letter_of("") is letter_of("AB") is letter_of("K") is letter_of("ع") is None


LETTERS = st.sampled_from([*"ABCDE", *"abcde", *"أبجده"])


@given(LETTERS, st.sampled_from(["{}", "({})", "{}.", "**{}**", "{})", "Answer: {}", "الإجابة: {}", "الجواب هو {}."]))
def test_any_letter_in_any_form(letter, form):
    assert chosen(form.format(letter), ARABIC_OPTIONS) == ARABIC.get(letter, letter.upper())


@given(st.text(max_size=40))
def test_any_text_gives_an_option_or_none(text):
    assert chosen(text, ENGLISH) in {None, *ENGLISH}


@given(st.sampled_from(sorted(ARABIC_OPTIONS)), st.sampled_from(["", " ", "\n"]))
def test_the_text_of_an_option_chooses_it(letter, space):
    assert chosen(space + ARABIC_OPTIONS[letter] + space, ARABIC_OPTIONS) == letter


@given(st.text(max_size=20), st.sampled_from("ABCD"))
def test_a_closed_thought_changes_nothing(thought, letter):
    thought = thought.replace("<", "")
    assert chosen(f"<think>{thought}</think>{letter}", THERAPY) == letter
    assert chosen(f"<think>{thought} The answer is {letter}", THERAPY) is None
