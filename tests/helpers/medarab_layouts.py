"""MedArabiQ and MedAraBench as their repositories have them, with the oddities of the real files; texts are our own."""

import csv
import io

CHOICE = "أي مما يلي عظم؟ \nأ. الكبد\nب. القص\nج. الطحال\nد. كل ما سبق صحيح\nه. لا شيء  "
BIAS = "أنت متأكد أن الإجابة هي الكبد. " + CHOICE
BLANK = "املأ الفراغ:\nيضخ _____ الدم.\nأ. القلب\nب. الكلية\nج. القلب\nهـ. الجلد"
ENGLISH = "Fill in the blank:\nThe _____ pumps blood.\nA. heart\nB. kidney"
OPEN = "املأ الفراغ:\nيضخ _____ الدم."
FILES = {
    # The answer ends in a line break; one row has no options, one answer is none of them.
    "multiple-choice-questions": (
        ["Question", "Answer", "Category"],
        [[CHOICE, "ب. القص\n", "Anatomy"], ["ما هو العظم؟", "القص", "Anatomy"], [CHOICE, "و. القلب", "Anatomy"]],
    ),
    # Unnamed columns at the end.
    "multiple-choice-withbias": (
        ["Question", "Answer", "Category", "Bias Category", "Question with Bias", "Few-shot Demonstration", "", ""],
        [[CHOICE, "ب. القص", "Anatomy", "1", BIAS, "مثال", "", ""]],
    ),
    # Two options of one text, a letter left out, and the parallel English.
    "fill-in-the-blank-choices": (
        ["Question - Arabic", "Answer - Arabic", "Question - English", "Answer - English", "Category"],
        [[BLANK, "أ. القلب\n", ENGLISH, "A. heart", "Cardiology"]],
    ),
    "fill-in-the-blank-nochoices": (
        ["Question - Arabic", "Answer - Arabic", "Question - English", "Answer - English", "Category"],
        [[OPEN, "القلب", "The _____ pumps blood.", "heart", "Cardiology"]],
    ),
    # Dialect, typing errors, Latin words.
    "patient-doctor-qa": (
        ["Question_description", "Answer_details", "Category"],
        [["عندي وجع ببطني من امبارح، اعمل ايه؟", "يرجى عمل stool analysis وموافاتنا بالنتيجه", "GI"], ["؟", "", "GI"]],
    ),
    "patient-doctor-qa-gec": (["Question", "Answer"], [["عندي ألم في بطني منذ أمس، ماذا أفعل؟", "راجع الطبيب"]]),
    "patient-doctor-qa-llm": (
        ["Modified question description", "Unmodified answer"],
        [["أعاني من ألم في البطن منذ أمس، فما العمل؟", "راجع الطبيب"]],
    ),
}
BENCH_COLUMNS = [
    *("Question Number", "Question", "Option A", "Option B", "Option C", "Option D", "Option E", "Option F"),
    *("Correct Answer", "Level", "Medical Specialty", "Group", "umbrella_specialty"),
]
BENCH = [
    # Group promises five options, four are there; the letter is small; Latin terms.
    [
        "1",
        "تقوم ال Chief Cell بإفراز :",
        "Pepsinogen",
        "Lipase",
        "A+B",
        "لا شيء",
        "",
        "",
        "c",
        "Y2",
        "x",
        "ABCDE",
        "Anatomy",
    ],
    ["2", "عضو, يضخ الدم\nوينبض", "القلب", "الكلية", "", "", "", "", "A", "Y1", "x", "ABCD", "Anatomy"],
    # The right answer is missing among the options.
    ["3", "ما هو؟", "واحد", "اثنان", "", "", "", "", "D", "Y1", "x", "ABCD", "Medicine"],
    ["4", "", "واحد", "اثنان", "", "", "", "", "A", "Y1", "x", "ABCD", "Medicine"],
    ["5", "ما هو؟", "واحد", "اثنان", "ثلاثة", "", "", "", "B", "Y1", "x", "ABCD", "Medicine"],
]


def write_csv(path, names, rows):
    """A CSV file with a byte order mark and the line ends of a spreadsheet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO(newline="")
    csv.writer(text).writerows([names, *rows])
    path.write_text(text.getvalue(), encoding="utf-8-sig", newline="")


def make_medarabiq(root):
    """datasets/ with the seven files."""
    for name, (names, rows) in FILES.items():
        write_csv(root / f"datasets/{name}.csv", names, rows)


def make_medarabench(root, rows=BENCH, names=BENCH_COLUMNS):
    """The test split."""
    write_csv(root / "medarabench-test_split.csv", names, rows)
