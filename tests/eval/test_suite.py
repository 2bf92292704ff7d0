"""Benchmarks through the core: what is missing is skipped, what is broken is told before anything is generated."""

import json

import pytest

from eval.cli import main
from eval.errors import EvalError
from eval.predictions import read_predictions
from eval.registry import BENCHMARKS, chosen, load
from eval.scores import score
from eval.suite import run_benchmarks, wanted
from eval.unanswered import AGAIN, NoAnswersError
from tests.helpers import core_builders as hand

ITEMS = [
    {"id": "b", "question": "What?", "gold": "What?", "images": ["red.png"], "facts": {"kind": "plain"}},
    {"id": "a", "question": "Why?", "gold": "So.", "images": []},
]


@pytest.fixture
def known(monkeypatch):
    hand.register(monkeypatch, hand=hand.Hand, other=hand.Hand, judged=hand.JudgedHand, likely=hand.LikelyHand)


@pytest.fixture
def root(tmp_path, known):
    hand.write_benchmark(tmp_path / "root", "hand", ITEMS)
    return tmp_path / "root"


def test_predictions_of_a_benchmark(root, tmp_path):
    run_benchmarks(hand.Echo(), ["hand"], root, tmp_path / "out")
    found = read_predictions(tmp_path / "out" / "predictions" / "hand.jsonl")
    about = found.header["benchmark"]
    assert (about["name"], about["split"], about["licence"]) == ("hand", "test (2)", "CC0-1.0")
    assert about["sha256"] == hand.Hand("hand", root).sha256() and "data" not in found.header
    assert found.header["generation"]["max_new_tokens"] == 3
    by_item = {line.item: line for line in found.lines}
    assert (by_item["b"].output, by_item["b"].tokens, by_item["b"].facts) == ("What?", 3, {"kind": "plain"})
    assert by_item["b"].images == ["red.png"] and len(by_item["b"].image_hashes[0]) == 64


def test_the_hash_is_that_of_the_whole_split_and_knows_every_word(root, tmp_path):
    whole = hand.Hand("hand", root).sha256()
    run_benchmarks(hand.Echo(), ["hand"], root, tmp_path / "out", limit=1)
    header = read_predictions(tmp_path / "out" / "predictions" / "hand.jsonl").header
    assert (header["benchmark"]["sha256"], header["benchmark"]["limit"]) == (whole, 1)
    for key, value in {"gold": "x", "question": "x", "id": "x", "facts": {"kind": "x"}, "images": ["x"]}.items():
        (root / "hand" / "items.json").write_text(json.dumps([{**ITEMS[0], key: value}, ITEMS[1]]))
        assert hand.Hand("hand", root).sha256() != whole


def test_what_is_not_there_is_skipped_in_one_line_and_told_again_at_the_end(root, tmp_path, capsys):
    model = hand.Echo()
    run_benchmarks(model, ["hand", "other"], root, tmp_path / "out")
    lines = capsys.readouterr().err.splitlines()
    skipped = [number for number, line in enumerate(lines) if line.startswith("eval: skipped: other: ")]
    assert len(skipped) == 1 and "write it" in lines[skipped[0]]
    assert lines[-1].startswith("eval: skipped: other. `python -m eval benchmarks --root")
    assert sorted(model.asked) == ["a", "b"]


def test_nothing_to_run(root, tmp_path):
    with pytest.raises(EvalError, match="Nothing can be run: none of other is ready under"):
        run_benchmarks(hand.Echo(), ["other"], root, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_package_that_is_missing_skips_its_benchmark(root, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(hand.BENCHMARKS, "other", "no_such_module:Class")
    run_benchmarks(hand.Echo(), ["hand", "other"], root, tmp_path / "out")
    assert "other: it needs the package eval.benchmarks.no_such_module" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([ITEMS[0], ITEMS[1], ITEMS[0]], r"hand: items 1 and 3 have the same id 'b'"),
        ([ITEMS[0], {**ITEMS[1], "id": " "}], r"hand: item 2 has no id"),
        ([], r"hand: there is no item to ask"),
    ],
)
def test_ids_are_checked_before_anything_is_asked(root, tmp_path, items, message):
    hand.write_benchmark(root, "other", ITEMS)
    (root / "hand" / "items.json").write_text(json.dumps(items))
    model = hand.Echo()
    with pytest.raises(EvalError, match=message):
        run_benchmarks(model, ["other", "hand"], root, tmp_path / "out")
    assert not model.asked and not (tmp_path / "out").exists()


def test_a_missing_image_is_unscored_and_asked_again_when_it_is_there(root, tmp_path):
    image = (root / "hand" / "red.png").read_bytes()
    (root / "hand" / "red.png").unlink()
    model, out = hand.Echo(), tmp_path / "out"
    run_benchmarks(model, ["hand"], root, out)
    path = out / "predictions" / "hand.jsonl"
    (line,) = [line for line in read_predictions(path).lines if line.error]
    assert line.item == "b" and "red.png: no such picture" in line.error and model.asked == ["a"]
    (result,) = score(out)
    assert (result.n, result.unscored) == (1, 1)
    (root / "hand" / "red.png").write_bytes(image)
    run_benchmarks(model, ["hand"], root, out)
    assert model.asked == ["a", "b"] and not any(line.error for line in read_predictions(path).lines)
    assert score(out)[0].unscored == 0


def test_a_benchmark_without_any_answer_is_an_error_after_the_others(root, tmp_path, capsys):
    hand.write_benchmark(root, "other", [{**ITEMS[0], "id": f"o{number}"} for number in range(3)])
    (root / "other" / "red.png").unlink()
    with pytest.raises(NoAnswersError) as told:
        run_benchmarks(hand.Echo(), ["other", "hand"], root, tmp_path / "out")
    start = "other: 3 of 3 items have an error in place of an answer, most often (3): "
    assert str(told.value).startswith(start) and str(told.value).endswith(f"red.png: no such picture. {AGAIN}")
    assert "eval: done: hand. Predictions are in" in capsys.readouterr().err
    assert [line.error for line in read_predictions(tmp_path / "out" / "predictions" / "hand.jsonl").lines] == ["", ""]


def test_items_without_an_answer_are_told_at_the_end_and_in_the_report(root, tmp_path, capsys):
    (root / "hand" / "red.png").unlink()
    run_benchmarks(hand.Echo(), ["hand"], root, tmp_path / "out")
    lines = capsys.readouterr().err.splitlines()
    told = f"hand: 1 of 2 items has an error in place of an answer: {root / 'hand' / 'red.png'}: no such picture. The"
    assert any(line.startswith(f"eval: {told}") for line in lines)
    assert lines[-1].startswith("eval: done: hand (1 of 2 without an answer). ")
    assert main(["report", str(tmp_path / "out"), "--root", str(root)]) == 0
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<h2>Without an answer" in page and "1 of 2 items has an error in place of an answer" in page


def test_scores_need_neither_model_nor_files(root, tmp_path):
    run_benchmarks(hand.Echo(), ["hand"], root, tmp_path / "out")
    (root / "hand" / "items.json").unlink()
    (result,) = score(tmp_path / "out", tmp_path / "nowhere")
    assert (result.name, result.metric, result.value, result.n) == ("hand", "right", 0.5, 2)


def test_a_results_folder_holds_one_checkpoint(root, tmp_path):
    hand.write_benchmark(root, "other", ITEMS)
    run_benchmarks(hand.Echo(), ["hand"], root, tmp_path / "out")
    second = hand.Echo("f" * 64)
    with pytest.raises(EvalError, match=r"hand\.jsonl: these predictions are of another checkpoint, echo"):
        run_benchmarks(second, ["other"], root, tmp_path / "out")
    with pytest.raises(EvalError, match=r"belong to another run \(checkpoint_sha256"):
        run_benchmarks(second, ["hand"], root, tmp_path / "out")
    assert not second.asked


def test_a_changed_benchmark_is_another_run(root, tmp_path):
    run_benchmarks(hand.Echo(), ["hand"], root, tmp_path / "out")
    (root / "hand" / "items.json").write_text(json.dumps(ITEMS[:1]))
    with pytest.raises(EvalError, match=r"belong to another run \(benchmark\.sha256: the file has"):
        run_benchmarks(hand.Echo(), ["hand"], root, tmp_path / "out")


def test_a_file_of_another_part_of_the_split_is_told_before_anything_is_asked(root, tmp_path):
    hand.write_benchmark(root, "other", ITEMS)
    run_benchmarks(hand.Echo(), ["other"], root, tmp_path / "out", limit=1)
    model = hand.Echo()
    told = r"other\.jsonl: .*\(benchmark\.limit: the file has 1, this run has null\)\. Choose another --out, or"
    with pytest.raises(EvalError, match=told):
        run_benchmarks(model, ["hand", "other"], root, tmp_path / "out")
    assert not model.asked and not (tmp_path / "out" / "predictions" / "hand.jsonl").exists()


def test_likelihoods_need_a_checkpoint(root, tmp_path, capsys):
    hand.write_benchmark(root, "likely", ITEMS)
    run_benchmarks(hand.Echo(), ["hand", "likely"], root, tmp_path / "out")
    assert "skipped: likely: options are scored by likelihood" in capsys.readouterr().err


def test_an_unjudged_benchmark_says_how_to_judge_it(root, tmp_path, capsys):
    hand.write_benchmark(root, "judged", ITEMS)
    run_benchmarks(hand.Echo(), ["judged"], root, tmp_path / "out")
    assert "not judged: judged. Judge with `python -m eval judge" in capsys.readouterr().err


def test_a_judge_without_key_is_told_before_anything_is_generated(root, tmp_path, monkeypatch, capsys):
    from eval.judge.client import JudgeSettings

    monkeypatch.delenv("JUDGE_KEY", raising=False)
    hand.write_benchmark(root, "judged", ITEMS)
    model = hand.Echo()
    with pytest.raises(EvalError, match="JUDGE_KEY"):
        judge = JudgeSettings("judge", api_key_variable="JUDGE_KEY")
        run_benchmarks(model, ["judged"], root, tmp_path / "out", judge=judge)
    assert not model.asked and not (tmp_path / "out").exists()


def test_a_misspelt_name_gives_the_known_ones(known):
    with pytest.raises(EvalError, match=r"--task vqa_rat: no such benchmark\. Did you mean vqa_rad\?.*slake"):
        chosen(["vqa_rat"])
    assert chosen(["other", "hand", "hand"]) == ["hand", "other"]


@pytest.mark.parametrize("arguments", [[], ["--data", "d"], ["--task", "hand", "--data", "d", "--split", "train"]])
def test_run_wants_benchmarks_or_a_split(known, arguments, capsys):
    assert main(["run", "--model", "m", "--out", "o", *arguments]) == 1
    assert "Say what to ask" in capsys.readouterr().err


def test_listing(root, capsys, monkeypatch):
    for name in [name for name in hand.BENCHMARKS if name not in {"hand", "other"}]:
        monkeypatch.delitem(hand.BENCHMARKS, name)
    assert main(["benchmarks", "--root", str(root)]) == 0
    out = capsys.readouterr().out
    rows = {line.split()[0]: line for line in out.splitlines() if line.split()[:1] in (["hand"], ["other"])}
    assert rows["hand"].endswith("there") and "Table 0" in rows["hand"] and "CC0-1.0" in rows["hand"]
    assert "other (By hand)" in out and "get it write it" in out and "hand (By hand)" not in out


def test_wanted_files_are_named_with_their_folder(tmp_path, capsys):
    assert main(["benchmarks", "--root", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "  wants  SLAKE/train.json, SLAKE/validation.json, SLAKE/test.json, SLAKE/imgs/ or SLAKE/imgs.zip" in out
    assert "  wants  VQA-RAD/VQA_RAD Dataset Public.json and VQA-RAD/VQA_RAD Image Folder/, also in VQA-RAD/osf" in out
    assert ", or all of them in SLAKE/Slake1.0/" in out and "also in MIMIC-CXR/mimic-cxr-reports/" in out
    for name in BENCHMARKS:
        benchmark = load(name, tmp_path)
        for folder in {getattr(benchmark, "FOLDER", "")} - {""}:
            paths = wanted(benchmark).count(f"{folder}/")
            assert paths >= len(benchmark.ABOUT.layout) - sum("column" in entry for entry in benchmark.ABOUT.layout)


def test_a_real_checkpoint_through_the_command_line(root, tmp_path, llava, capsys):
    command = ["run", "--model", llava, "--task", "hand", "--root", root, "--out", tmp_path / "out", "--limit", 1]
    assert main([*map(str, command), "--dtype", "float32"]) == 0
    found = read_predictions(tmp_path / "out" / "predictions" / "hand.jsonl")
    assert found.header["engine"]["prompt_tokens"] == "verified" and found.header["images"] == "shown"
    assert found.lines[0].prompt.count("<image>") == 1
    assert main(["score", str(tmp_path / "out")]) == 0
