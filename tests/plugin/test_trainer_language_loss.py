"""Evaluation losses by language in Axolotl's real trainer, beside the same computed by hand, row by row."""

from __future__ import annotations

from collections import defaultdict

import pytest
import torch

from bimedix2_plugin.training import trainer
from bimedix2_plugin.training.trainer import LanguageLosses
from tests.helpers import quick

TEST = [{"path": "./data", "type": "bimedix2_plugin.conversation", "split": "test"}]


@pytest.fixture(scope="module")
def trained(workshop):
    """A short run that evaluates in packs after each of its two steps."""
    with quick.collections():
        yield quick.train(
            test_datasets=TEST,
            sequence_len=256,
            eval_sample_packing=True,
            eval_strategy="steps",
            eval_steps=1,
            max_steps=2,
        )


@pytest.fixture(scope="module")
def by_hand(trained):
    """Each test row's summed loss and labelled tokens, from the model's logits over all places."""
    model, found = trained.model.eval(), {}
    for row in trained.eval_dataset:
        pack = trained.data_collator([row])
        with torch.no_grad():
            logits = model(**{key: pack[key] for key in ("input_ids", "position_ids", "pixel_values")}).logits[0]
        logs = logits.double().log_softmax(-1)
        places = [place for place, label in enumerate(row["labels"]) if label != -100]
        found[row["id"]] = (sum(-float(logs[place - 1, row["labels"][place]]) for place in places), len(places))
    return found


def _expected(trained, by_hand):
    sums = defaultdict(lambda: [0.0, 0])
    for row in trained.eval_dataset:
        for part in (0, 1):
            sums[row["language"]][part] += by_hand[row["id"]][part]
    return {f"eval_loss_{language}": loss / tokens for language, (loss, tokens) in sums.items()}


def test_train_logs_both_languages_by_labelled_token(trained, by_hand):
    evaluations = [entry for entry in trained.state.log_history if "eval_loss" in entry]
    expected = _expected(trained, by_hand)
    assert len(evaluations) > 1 and set(expected) == {"eval_loss_ar", "eval_loss_en"}
    assert {key: evaluations[-1][key] for key in expected} == pytest.approx(expected, rel=1e-5)
    assert expected["eval_loss_ar"] != pytest.approx(expected["eval_loss_en"], rel=1e-3)


def test_a_pack_holds_both_languages(trained):
    packs = [{row["language"] for row in pack["rows"]} for pack in trained.get_eval_dataloader()]
    assert {"ar", "en"} in packs


@pytest.mark.parametrize("packing", [True, False])
def test_eval_loss_is_what_it_was(trained, by_hand, packing):
    """The mean over batches of a batch's mean."""
    trained.args.eval_sample_packing = packing
    metrics = trained.evaluate()
    batches = [[by_hand[row["id"]] for row in pack["rows"]] for pack in trained.get_eval_dataloader()]
    means = [sum(loss for loss, _ in batch) / sum(tokens for _, tokens in batch) for batch in batches]
    assert metrics["eval_loss"] == pytest.approx(sum(means) / len(means), rel=1e-5)
    assert (len(batches) < len(by_hand)) == packing
    assert {key: metrics[key] for key in _expected(trained, by_hand)} == pytest.approx(
        _expected(trained, by_hand), rel=1e-5
    )


def test_a_row_that_two_ranks_saw_counts_once(monkeypatch):
    """Ranks fill their last batch up with rows of the first."""
    rows = [{"id": name, "language": "en", "store": "data/images", "labelled": 2} for name in ("a", "b")]
    logits, targets = torch.randn(1, 4, 9), torch.tensor([[1, 2, 3, 4]])
    expected = torch.nn.functional.cross_entropy(logits[0], targets[0])
    losses = LanguageLosses()
    losses.note(rows, logits, targets)
    monkeypatch.setattr(trainer, "gather_object", lambda items: [*items, items[0]])
    assert losses.metrics("eval") == {"eval_loss_en": pytest.approx(float(expected), rel=1e-5)}
    monkeypatch.undo()
    assert losses.metrics("eval") == {}
