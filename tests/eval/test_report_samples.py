"""Sample predictions: spread over languages and verdicts, with their images, without texts that are not free."""

from eval.predictions import read_all
from eval.report.report import write_report
from eval.report.samples import pick_of_benchmark
from tests.helpers import eval_builders
from tests.helpers import report_builders as make


def test_images_from_the_store_are_shown(data, tmp_path):
    lines = [eval_builders.prediction("x#0", "a", "a", image_hashes=[eval_builders.key("red"), "no such key"])]
    path = eval_builders.write_predictions(tmp_path, "train", lines)
    path.write_text(path.read_text(encoding="utf-8").replace("data/hand", data.as_posix()), encoding="utf-8")
    make.write_scores(tmp_path, [])
    page = write_report(tmp_path, [], tmp_path / "report.md")[1].read_text(encoding="utf-8")
    assert page.count('src="data:image/jpeg;base64,') == 1 and "images: 2, shown: 1" in page


def test_texts_that_are_not_redistributable_are_left_out(tmp_path):
    make.write_run(tmp_path, "bimed_mbench_ar", [make.answer("secret", "somebody's words")])
    make.write_scores(tmp_path, [])
    for page in write_report(tmp_path, [], tmp_path / "report.md"):
        assert "somebody" not in page.read_text(encoding="utf-8")
    assert "not redistributable: bimed\\_mbench\\_ar" in (tmp_path / "report.md").read_text()


def test_samples_of_a_benchmark_are_of_each_language(tmp_path):
    lines = [make.answer(f"{language}{n}", "no", language=language) for language in ("en", "ar") for n in range(9)]
    make.write_run(tmp_path, "slake", lines)
    (run,) = read_all(tmp_path)
    assert [line.item for _, line in pick_of_benchmark(run)] == ["ar0", "ar4", "en0", "en4"]
