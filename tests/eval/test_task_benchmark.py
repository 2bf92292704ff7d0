"""Benchmarks that are YAML files: their data in every format, what they ask, and what is wrong with them."""

import csv
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from eval.cli import main
from eval.errors import EvalError
from eval.items import check_items
from eval.predictions import read_predictions
from eval.registry import chosen, load, of_header
from eval.scores import score, score_predictions
from eval.suite import run_benchmarks
from tests.helpers import core_builders as hand
from tests.helpers import eval_builders as make
from tests.helpers.prediction_builders import answered, texts, value

ROWS = [
    {
        "n": "1",
        "stem": "Which bone?",
        "a": "Skull",
        "b": "Liver",
        "c": "",
        "key": "A",
        "file": "red.png",
        "level": "easy",
    },
    {
        "n": "2",
        "stem": "Which organ?",
        "a": "Femur",
        "b": "Skull",
        "c": "Heart",
        "key": "heart",
        "file": "",
        "level": "hard",
    },
]
TASK = {
    "title": "My questions",
    "folder": "data",
    "files": "questions.csv",
    "images": "pictures",
    "columns": {"id": "n", "question": "stem", "options": ["a", "b", "c"], "answer": "key", "image": "file"},
    "facts": {"level": "level"},
    "by": "level",
    "licence": "CC0-1.0",
    "size": 2,
    "scorer": "choice",
}


def write_csv(path, rows, delimiter=","):
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")


@pytest.fixture
def folder(tmp_path):
    """A user's folder: mine.yml, data/questions.csv, data/pictures/red.png."""
    (tmp_path / "data/pictures").mkdir(parents=True)
    (tmp_path / "data/pictures/red.png").write_bytes(make.png("red"))
    write_csv(tmp_path / "data/questions.csv", ROWS)
    return tmp_path


def task(folder, without=(), **changes):
    """Write mine.yml, and load it over another root."""
    content = {key: value for key, value in (TASK | changes).items() if key not in without}
    (folder / "mine.yml").write_text(yaml.safe_dump(content, allow_unicode=True))
    return load(str(folder / "mine.yml"), folder / "elsewhere")


def test_a_choice(folder):
    benchmark = task(folder)
    assert benchmark.problems() == []
    first, second = benchmark.items()
    check_items([first, second], "mine")
    assert (first.id, first.gold, first.images, first.facts["level"]) == ("mine-1", "A. Skull", ("red.png",), "easy")
    assert texts(first) == [
        None,
        "Which bone?\nA. Skull\nB. Liver\nAnswer with the letter of the right option alone.",
    ]
    assert (second.images, second.gold, second.modality) == ((), "C. Heart", "text")
    assert benchmark.image("red.png") == make.png("red")
    assert benchmark.ABOUT.split == "test (2 questions)"
    scores = score_predictions(benchmark, answered([first, second], {first.id: "A", second.id: "A or B"}), [])
    assert (value(scores, "accuracy").value, value(scores, "accuracy").unscored) == (1, 1)
    assert value(scores, "accuracy_of_all").value == 0.5
    assert value(scores, "accuracy_of_all", level="hard").value == 0


def test_an_arabic_task_asks_in_arabic_and_a_prompt_is_as_written(folder):
    (item, _) = task(folder, language="ar").items()
    assert texts(item)[1].endswith("اختر الإجابة الصحيحة، واكتب حرفها فقط.") and item.language == "ar"
    (item, _) = task(folder, prompt="Q: {question} {braces}\n{options}\n---").items()
    assert texts(item)[1] == "Q: Which bone? {braces}\nA. Skull\nB. Liver\n---"
    (item, _) = task(folder, prompt="{question}").items()
    assert texts(item)[1] == item.question == "Which bone?"


def as_json(path):
    path.write_text(json.dumps(ROWS))


def as_json_lines(path):
    path.write_text("\n".join(map(json.dumps, ROWS)))


def as_tsv(path):
    write_csv(path, ROWS, "\t")


def as_parquet(path):
    pq.write_table(pa.Table.from_pylist(ROWS), path)


@pytest.mark.parametrize(
    ("name", "write"),
    [("q.json", as_json), ("q.jsonl", as_json_lines), ("q.tsv", as_tsv), ("q.parquet", as_parquet)],
)
def test_every_format_asks_the_same(folder, name, write):
    wanted = task(folder).sha256()
    write(folder / "data" / name)
    assert task(folder, files=["nowhere.csv", name]).sha256() == wanted


FORMS = [
    (["Skull", "Liver"], "A"),
    ({"A": "Skull", "B": "Liver"}, "A"),
    ([{"letter": "A", "content": "Skull"}, {"letter": "B", "content": "Liver"}], ["A"]),
    ('["Skull", "Liver"]', "Skull"),
    ('{"A": "Skull", "B": "Liver"}', "A. Skull"),
    ({"أ": "Skull", "ب": "Liver"}, "أ"),
]


@pytest.mark.parametrize(("options", "answer"), FORMS)
def test_options_in_one_column(folder, options, answer):
    (folder / "data/q.jsonl").write_text(json.dumps({"stem": "Which?", "options": options, "key": answer}))
    columns = {"question": "stem", "options": "options", "answer": "key"}
    (item,) = task(folder, ("facts", "by"), files="q.jsonl", columns=columns).items()
    assert item.facts == {"options": {"A": "Skull", "B": "Liver"}, "right": "A"} and item.id == "mine-1"


def test_options_in_the_question_and_answers_by_number(folder):
    row = {"stem": "ما العظم؟\nأ. الكبد\nب. الجمجمة", "key": 1}
    (folder / "data/q.jsonl").write_text(json.dumps(row, ensure_ascii=False))
    columns = {"question": "stem", "options": "stem", "answer": "key"}
    changes = {"files": "q.jsonl", "columns": columns, "language": "ar"}
    (item,) = task(folder, ("facts", "by"), **changes, count_from=0).items()
    assert item.facts["right"] == "B" and texts(item)[0].startswith(row["stem"] + "\nاختر")
    (item,) = task(folder, ("facts", "by"), **changes, count_from=1).items()
    assert item.facts["right"] == "A"


def test_images_of_the_hub_s_parquet_in_its_cache(folder):
    cached = folder / "data/datasets--me--mine/snapshots/abc/CT"
    cached.mkdir(parents=True)
    (folder / "data/datasets--me--mine/refs").mkdir()
    (folder / "data/datasets--me--mine/refs/main").write_text("abc")
    rows = [
        {"stem": "Yes?", "key": "yes", "image": {"bytes": make.png(color), "path": "x"}} for color in ("red", "blue")
    ]
    pq.write_table(pa.Table.from_pylist(rows), cached / "test-00000-of-00001.parquet")
    columns = {"question": "stem", "answer": "key", "image": "image"}
    benchmark = task(
        folder,
        ("facts", "by"),
        files="x.csv",
        hub_split="test",
        hub_configuration="CT",
        columns=columns,
        scorer="short",
    )
    assert benchmark.problems() == []
    first, second = benchmark.items()
    assert benchmark.image(second.images[0]) == make.png("blue") != benchmark.image(first.images[0])
    assert (first.task, first.gold, texts(first)) == ("vqa_short", "yes", [None, "Yes?"])


def test_several_images(folder):
    for names in (["red.png", {"path": "red.png"}], '["red.png", "red.png"]'):
        row = {"stem": "?", "key": "yes", "file": names}
        (folder / "data/q.jsonl").write_text(json.dumps(row))
        columns = {"question": "stem", "answer": "key", "image": "file"}
        (item,) = task(folder, ("facts", "by"), files="q.jsonl", columns=columns, scorer="short").items()
        assert item.images == ("red.png", "red.png") and texts(item)[:2] == [None, None]


def test_a_short_answer_and_a_report(folder):
    columns = {"question": "stem", "answer": "a"}
    benchmark = task(folder, columns=columns, scorer="short")
    first, second = benchmark.items()
    scores = score_predictions(benchmark, answered([first, second], {first.id: "skull.", second.id: "a bone"}), [])
    assert (value(scores, "exact").value, value(scores, "ours.rougeL", level="easy").value) == (0.5, 1)
    benchmark = task(folder, ("facts", "by"), columns={"answer": "a"}, scorer="report", prompt="Write the report.")
    (first, _) = benchmark.items()
    assert texts(first) == ["Write the report."] and first.question == "Write the report."
    assert value(score_predictions(benchmark, answered([first], "Skull"), []), "multimedeval.bleu1").value == 1


def test_what_is_wrong_is_told_together(folder):
    rows = [ROWS[0], {**ROWS[1], "n": "1"}, {**ROWS[1], "n": "3", "key": "Lung"}, {**ROWS[0], "n": "4", "b": ""}]
    write_csv(folder / "data/questions.csv", rows)
    with pytest.raises(EvalError) as error:
        task(folder, licens="x", prompts="y").items()
    message = str(error.value)
    for part in (
        "unknown key 'licens' (did you mean licence?)",
        "unknown key 'prompts' (did you mean prompt?)",
        "1 ids come twice (mine-1)",
        "2 of 4 rows cannot be asked (row 3: the answer is 'Lung', the options are A, B, C; row 4: it has 1 options)",
    ):
        assert part in message
    assert str(folder / "data") in message


def test_a_wrong_column_is_told_with_those_that_are_there(folder):
    columns = TASK["columns"] | {"answer": "kye", "options": ["a", "b", "d"]}
    with pytest.raises(
        EvalError, match=r"unknown key 'x'; .*questions\.csv: no column kye, d; it has n, stem, a, b, c"
    ):
        task(folder, columns=columns, x=1).items()


def test_faulty_rows_that_are_to_be_left_out_are_told(folder, capsys):
    write_csv(folder / "data/questions.csv", [ROWS[0], {**ROWS[1], "key": "Lung"}])
    assert len(task(folder, faulty_rows="leave out").items()) == 1
    assert "1 of 2 rows are left out" in capsys.readouterr().err
    write_csv(folder / "data/questions.csv", [{**ROWS[1], "key": "Lung"}])
    with pytest.raises(EvalError, match="no question can be asked; the first is row 1: the answer is 'Lung'"):
        task(folder, faulty_rows="leave out").items()


WRONG = [
    ({"scorer": "exactly", "language": "fr"}, "scorer: 'exactly'; known: choice, short, report; language: 'fr'"),
    ({"columns": {"question": "stem", "anser": "key"}}, "unknown 'anser'; .*; columns: no answer; columns: no options"),
    ({"by": ["specialty"]}, "by: 'specialty' is none of the facts"),
    ({"size": "many", "scorer": "choise"}, "size: 'many' is not a number; scorer: 'choise'; known: choice, short"),
    (
        {"size": "many", "files": 3, "titel": "x"},
        r"unknown key 'titel' \(did you mean title\?\); files: 3 is not a text",
    ),
    (
        {"redistribute": "no", "columns": []},
        "columns: .* is not a mapping to columns; redistribute: 'no' is not true or",
    ),
    ({"columns": TASK["columns"] | {"answer": ["a", "b"]}}, "columns: answer is one column, not several"),
]


@pytest.mark.parametrize(("changes", "message"), WRONG)
def test_a_file_that_cannot_be_used(folder, changes, message):
    with pytest.raises(EvalError, match=message):
        task(folder, **changes)


def test_missing_keys_no_yaml_and_no_file(folder):
    with pytest.raises(EvalError, match="no files; no licence"):
        task(folder, ("files", "licence"))
    (folder / "mine.yml").write_text("title: [")
    with pytest.raises(EvalError, match=r"mine\.yml: not YAML"):
        load(str(folder / "mine.yml"), folder)
    (folder / "mine.yml").write_text("- a")
    with pytest.raises(EvalError, match=r"no keys and values\. It needs title, files, columns, licence, scorer"):
        load(str(folder / "mine.yml"), folder)
    with pytest.raises(EvalError, match=r"other\.yml: the file cannot be read"):
        load(str(folder / "other.yml"), folder)


def test_missing_files_are_a_problem_with_the_way_to_them(folder):
    (problem,) = task(folder, files="other.csv", get="write it").problems()
    assert "has none of other.csv. Get it: write it." in problem
    (problem,) = task(folder, images="nowhere").problems()
    assert "nowhere: there is no such folder or archive" in problem
    assert "has none of questions.csv" in task(folder, ("folder",)).problems()[0]


def test_a_run_and_its_scores_without_the_file(folder):
    benchmark = task(folder)
    path = str(folder / "mine.yml")
    assert chosen([path, "slake"]) == ["slake", path]
    run_benchmarks(hand.Echo(), [path], folder / "elsewhere", folder / "out")
    run_benchmarks(hand.Echo(), [path], folder / "elsewhere", folder / "out")  # resumes
    predictions = read_predictions(folder / "out/predictions/mine.jsonl")
    assert predictions.header["benchmark"]["name"] == "mine" and len(predictions.lines) == 2
    (folder / "mine.yml").unlink()
    (folder / "data/questions.csv").unlink()
    again = of_header(predictions.header, folder)
    assert again.task == benchmark.task and again.ABOUT == benchmark.ABOUT
    assert {found.metric for found in score(folder / "out")} == {"accuracy", "accuracy_of_all"}


def test_a_name_that_another_benchmark_has(folder, capsys):
    (folder / "slake.yml").write_text(yaml.safe_dump(TASK))
    with pytest.raises(EvalError, match=r"slake\.yml: another benchmark is named slake\. Rename the file"):
        chosen([str(folder / "slake.yml")])
    (folder / "a").mkdir()
    with pytest.raises(EvalError, match="another benchmark is named mine"):
        chosen([str(folder / "mine.yml"), str(folder / "a/mine.yml")])
    assert main(["run", "--model", "x", "--out", str(folder / "out"), "--task", str(folder / "no.yml")]) == 1
    assert "no.yml: the file cannot be read" in capsys.readouterr().err
