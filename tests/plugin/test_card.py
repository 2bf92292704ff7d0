"""The model card: the Hub's metadata, and what users of the weights have to know."""

from __future__ import annotations

import json

import pytest
import yaml

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.publish import licences
from bimedix2_plugin.publish.card import render
from bimedix2_plugin.publish.facts import composition_of, files_of, read_facts
from tests.helpers import published

REPO = "me/Llama-BiMediX"


@pytest.fixture
def card(tmp_path):
    facts = read_facts(published.recipe(tmp_path), published.scores(tmp_path / "results"), ("me/bimed-v",))
    return render(facts, REPO)


def test_metadata(card):
    front = yaml.safe_load(card.split("---\n")[1])
    assert front == {
        "base_model": [published.LLAMA["name"], published.CLIP["name"]],
        "datasets": ["me/bimed-v"],
        "language": ["en", "ar"],
        "license": "llama3.1",
        "library_name": "transformers",
        "pipeline_tag": "image-text-to-text",
        "tags": ["medical", "llava", "arabic"],
    }


def test_a_reader_is_warned_before_anything_else_and_llama_is_credited(card):
    before = card.split("## ")[0]
    assert "**Not for medical use.**" in before
    assert "Built with Llama. Llama 3.1 is licensed under the Llama 3.1 Community License" in before
    assert "| language model | meta-llama/Llama-3.1-8B-Instruct | 0e9e39f |" in before
    assert "## Intended use and limits" in card


def test_data_licences_by_source_and_what_must_not_be_redistributed(card):
    data = card.split("## Training data\n\n")[1].split("\n## ")[0]
    assert "1,200 rows in all splits (ar: 500, en: 700)" in data
    assert r"| vqa\_rad | 1 | CC0-1.0 | yes |" in data
    assert r"| mimic\_cxr | 2.0.0 | PhysioNet \| &lt;b&gt;1.5&lt;/b&gt; | no |" in data
    assert r"**Rows and images of mimic\_cxr, llava\_med must not be redistributed.**" in data
    assert "Without a manifest, so not described here: gone." in data
    assert "training data: CC0-1.0" in card.split("## Licences")[1]


def test_hyperparameters_are_the_recipes_and_nothing_secret_is(card):
    shown = card.split("## Hyperparameters\n\n")[1].split("\n## ")[0]
    assert r"| lora\_r | 8 |" in shown and r"| projector.learning\_rate | 2e-05 |" in shown
    assert "| ranks | 4 |" in shown
    assert "secret-project" not in card and "hf_in_the_recipe" not in card


def test_stage_1_is_described_too(card):
    """The projector was trained on stage 1's data, whose licences apply as well."""
    data = card.split("## Training data\n\n")[1].split("\n## ")[0]
    assert "`align`: 467 rows in all splits (en: 467)" in data and r"| llava\_med | 1 | CC BY-NC 4.0 | no |" in data
    shown = card.split("## Hyperparameters\n\n")[1].split("\n## ")[0]
    assert r"| learning\_rate | 0.001 |" in shown.split("Stage 1, in which only the projector was trained")[1]
    assert "training data: CC BY-NC 4.0" in card.split("## Licences")[1]


def test_a_stage_1_without_its_files_is_said_not_to_be_recorded(tmp_path):
    recipe = published.recipe(tmp_path)
    (tmp_path / "stage1" / "finished.json").unlink()
    assert "a stage 1 whose settings are not recorded here (stage1)" in render(read_facts(recipe), REPO)


def test_evaluation_table(card):
    shown = card.split("## Evaluation\n\n")[1].split("\n## ")[0]
    assert r"| vqa\_rad | exact | all | 62.5 \[47.1, 75.7\]; 40 of 451 | 40 | 1 |" in shown
    assert r"| vqa\_rad | exact | ar | 7.2 | 40 | 1 |" in shown
    assert "RadGraph" not in shown and "11.1" not in shown


def test_a_card_from_a_folder_only_says_what_is_not_recorded(tmp_path):
    here = {"name": "/home/someone/models/my-base", "revision": "local"}
    card = render(read_facts(published.checkpoint(tmp_path / "merged", base=here), licence="mit"), REPO)
    front = yaml.safe_load(card.split("---\n")[1])
    assert front["base_model"] == [published.CLIP["name"]] and front["license"] == "mit" and "datasets" not in front
    assert card.count("Not recorded: the card was made from the checkpoint only.") == 2
    assert "Not evaluated" in card and "Llama 3.1" not in card
    assert "| language model | my-base | not from the Hub |" in card and "someone" not in card


@pytest.mark.parametrize(
    ("base", "identifier"),
    [
        ("meta-llama/Llama-3.1-70B-Instruct", "llama3.1"),
        ("Llama-3.3-70B", "llama3.3"),
        ("google/gemma-2-9b-it", "gemma"),
        ("google/medgemma-4b-it", "other"),
        ("Qwen/Qwen3-8B", None),
        ("smollm2", None),
    ],
)
def test_licences_of_bases(base, identifier):
    found = licences.of_base(base)
    assert (found.identifier if found else None) == identifier


def test_what_licences_require_beyond_the_card(tmp_path):
    facts = read_facts(published.recipe(tmp_path))
    found = licences.remarks(facts.base, facts.manifests, "me/bimedix")
    assert [any(word in line for line in found) for word in ("begins with 'Llama'", "copy of itself", "mimic_cxr")] == [
        True
    ] * 3
    assert not any("begins with" in line for line in licences.remarks(facts.base, facts.manifests, REPO))
    assert licences.remarks("Qwen/Qwen3-8B", (), "me/x") == []


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "composition.json").unlink(), r"holds no composition\.json.*merge-lora"),
        (lambda f: (f / "model.safetensors").unlink(), r"no complete set of weights"),
        (lambda f: (f / "adapter_config.json").write_text("{}"), "is an adapter or a training run's output"),
        (lambda f: (f / "tokenizer_config.json").unlink(), r"holds no tokenizer_config\.json"),
        (
            lambda f: (f / "model.safetensors.index.json").write_text(
                json.dumps({"weight_map": {"model.language_model.norm.weight": "model.safetensors"}})
            ),
            r"tensor names that a LLaVA checkpoint does not have \(first model\.language_model",
        ),
    ],
)
def test_what_is_not_a_finished_checkpoint_is_refused(tmp_path, spoil, message):
    folder = published.checkpoint(tmp_path / "merged")
    spoil(folder)
    with pytest.raises(RecipeError, match=f"not a complete merged checkpoint.*{message}"):
        read_facts(folder)


def test_what_goes(tmp_path):
    folder = published.checkpoint(tmp_path / "merged")
    names = {file.name for file in files_of(folder, composition_of(folder))}
    assert {"model.safetensors", "chat_template.jinja", "composition.json"} <= names and "debug.log" not in names
    here = published.checkpoint(tmp_path / "local", tower={"name": "/home/someone/clip", "revision": "local"})
    assert "composition.json" not in {file.name for file in files_of(here, composition_of(here))}


@pytest.mark.parametrize(
    ("content", "message"), [("- a\n", "holds no keys"), ("a: [", "not a readable recipe"), ("\0", "not a readable")]
)
def test_a_recipe_that_is_none_is_named(tmp_path, content, message):
    (tmp_path / "recipe.yml").write_text(content)
    with pytest.raises(RecipeError, match=rf"recipe\.yml: {message}"):
        read_facts(tmp_path / "recipe.yml")


def test_a_base_that_already_saw_is_named_with_its_own_class(tmp_path):
    base = {"name": "Qwen/Qwen3-VL-8B-Instruct", "revision": "0c351dd"}
    facts = read_facts(published.native(tmp_path / "merged", base))
    card = render(facts, "me/qwen-medical")
    front = yaml.safe_load(card.split("---\n")[1])
    assert front["base_model"] == [base["name"]] and front["tags"] == ["medical", "qwen3_vl", "arabic"]
    assert card.count("Qwen3VLForConditionalGeneration") == 3 and "Llava" not in card and "None" not in card
    assert "| model, with its own vision tower | Qwen/Qwen3-VL-8B-Instruct | 0c351dd |" in card
    assert "| projector | the model's own | trained in full |" in card
    assert (tmp_path / "merged" / "composition.json") in files_of(tmp_path / "merged", facts.composition)
