"""MedMCQA as the Hub has it (`cop` from 0), and the original JSON Lines (from 1)."""

from tests.helpers.layouts.text_files import write_lines, write_parquet


def make(root):
    """The Hub's files; in the test split `cop` is -1."""
    write_parquet(root / "data/train-00000-of-00001.parquet", _rows(first=0))
    write_parquet(root / "data/validation-00000-of-00001.parquet", [_row("v1", "Which vitamin is a steroid?", 3)])
    write_parquet(root / "data/test-00000-of-00001.parquet", [_row("t1", "Which nerve is it?", -1)])
    (root / "README.md").write_text("---\nlicense: apache-2.0\n---\n")


def make_original(root):
    """The archive's files; in the test file there is no `cop`."""
    write_lines(root / "train.json", _rows(first=1), end="\r\n", encoding="utf-8-sig")
    write_lines(root / "dev.json", [_row("v1", "Which vitamin is a steroid?", 4)])
    write_lines(root / "test.json", [{key: value for key, value in _row("t1", "Which?", 0).items() if key != "cop"}])


def _rows(first):
    return [
        _row("a1", "Which vitamin is made by sunlight? ", first + 3, exp="Ans. is 'd' i.e. vitamin D"),
        _row("b2", "Which vitamin prevents scurvy?", first + 2, exp=None, choice_type="multi"),
        _row("c3", "Which vitamin is it?", first + 4),
        _row("d4", "Which vitamin is none?", first, opb=" "),
    ]


def _row(row_id, question, cop, **more):
    options = {"opa": "Vitamin A", "opb": "Vitamin B ", "opc": "Vitamin C", "opd": "Vitamin D"}
    rest = {"choice_type": "single", "exp": "", "subject_name": "Biochemistry", "topic_name": None}
    return {"id": row_id, "question": question, "cop": cop, **options, **rest, **more}
