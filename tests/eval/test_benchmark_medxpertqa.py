"""MedXpertQA, both subsets, in both of its layouts."""

import pytest

from eval.registry import load
from eval.scores import score_predictions
from eval.suite import wanted
from tests.helpers.layouts import medxpertqa as layout
from tests.helpers.prediction_builders import answered, texts, value


@pytest.fixture
def root(tmp_path):
    layout.make_hub(tmp_path / "MedXpertQA")
    return tmp_path


def test_mm_shows_its_images_and_asks_as_medevalkit(root):
    benchmark = load("medxpertqa_mm", root)
    assert benchmark.problems() == [] and benchmark.ABOUT.split == "test (2,000 questions)"
    first, second = benchmark.items()
    assert (first.id, first.images) == ("medxpertqa_mm-MM-0", ("MM-0-a.jpeg", "MM-0-b.jpeg"))
    assert (first.gold, second.gold, second.facts["medical_task"]) == ("A. Fracture", "E. Osteoma", "Treatment")
    assert texts(second) == [
        None,
        "\nQuestion: What next?\nAnswer Choices: (A) Fracture (B) Sprain (C) Gout (D) Sepsis (E) Osteoma\nOptions: \n"
        "A. Fracture\nB. Sprain\nC. Gout\nD. Sepsis\nE. Osteoma\n"
        "Answer with the option's letter from the given choices directly.",
    ]
    assert benchmark.image("MM-1-a.png")[:4] == b"\x89PNG"


def test_text_has_ten_options(root):
    benchmark = load("medxpertqa_text", root)
    (item,) = benchmark.items()
    assert (item.images, item.modality, item.facts["right"]) == ((), "text", "J")
    scores = score_predictions(benchmark, answered([item], "I would choose plan 10."), [])
    assert value(scores, "accuracy").value == 1


def test_the_repository_s_layout_asks_the_same(root, tmp_path):
    layout.make_repository(tmp_path / "other/MedXpertQA")
    for name in ("medxpertqa_mm", "medxpertqa_text"):
        assert load(name, tmp_path / "other").sha256() == load(name, root).sha256()


def test_accuracy_by_task(root):
    benchmark = load("medxpertqa_mm", root)
    first, second = benchmark.items()
    scores = score_predictions(benchmark, answered([first, second], {first.id: "A", second.id: "B"}), [])
    assert value(scores, "accuracy").value == 0.5
    assert value(scores, "accuracy", medical_task="Treatment").value == 0


def test_the_listing_names_the_files_from_the_root(tmp_path):
    assert wanted(load("medxpertqa_text", tmp_path)).startswith("MedXpertQA/Text/test.jsonl or MedXpertQA/Text/test-*")


def test_missing_images_are_told(root):
    for image in (root / "MedXpertQA/images").iterdir():
        image.unlink()
    (root / "MedXpertQA/images").rmdir()
    (problem,) = load("medxpertqa_mm", root).problems()
    assert "images: there is no such folder or archive. Get it: https://huggingface.co" in problem
