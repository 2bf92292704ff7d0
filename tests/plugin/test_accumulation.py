"""Gradient accumulation weighs tokens, not batches: two unequal batches give the gradient of both in one."""

from __future__ import annotations

import pytest

from bimedix2_plugin.training.trainer import PackTrainer
from tests.helpers import quick

SHORT, LONG = ("train-0", "train-1"), "train-8"  # a yes, a no, and a caption of many tokens
TOGETHER = {"micro_batch_size": 2, "gradient_accumulation_steps": 1}
APART = {"micro_batch_size": 1, "gradient_accumulation_steps": 2}
UNPACKED = {"sample_packing": False, "balance_labels": None}


@pytest.fixture(scope="module", autouse=True)
def quick_collections():
    with quick.collections():
        yield


@pytest.fixture
def gradients(work, monkeypatch):
    """Run one step of `axolotl train`; return its gradients before the optimizer, and each batch's labelled tokens."""

    def run(ids, **changes):
        found, labelled = {}, []
        step, norm = PackTrainer.training_step, PackTrainer._get_grad_norm

        def training_step(self, model, inputs, *args):
            labelled.append(int((inputs["labels"] != -100).sum()))
            return step(self, model, inputs, *args)

        def get_grad_norm(self, model, **kwargs):
            found.update({n: p.grad.clone() for n, p in model.named_parameters() if p.requires_grad})
            return norm(self, model, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(PackTrainer, "training_step", training_step)
            patch.setattr(PackTrainer, "_get_grad_norm", get_grad_norm)
            quick.train(ids, max_steps=1, max_grad_norm=1e9, **changes)
        return found, labelled

    return run


def _difference(first, second):
    """Largest relative difference; a gradient that vanishes in both is none."""
    return max(float((first[n] - g).norm() / g.norm()) for n, g in second.items() if float(g.norm()) > 0)


@pytest.mark.parametrize(
    ("ids", "changes"), [((SHORT[0], LONG), UNPACKED), ((*SHORT, LONG), {"sequence_len": 130})], ids=["rows", "packs"]
)
def test_two_unequal_batches_give_the_gradient_of_both_in_one(gradients, ids, changes):
    whole, together = gradients(ids, **changes, **TOGETHER)
    apart, each = gradients(ids, **changes, **APART)
    assert together == [sum(each)] and len(each) == 2 and max(each) > 3 * min(each)
    assert _difference(apart, whole) < 1e-5


def test_an_average_of_means_would_be_seen(gradients, monkeypatch):
    whole, _ = gradients((SHORT[0], LONG), **UNPACKED, **TOGETHER)
    monkeypatch.setattr(PackTrainer, "_get_num_items_in_batch", lambda *_: None)
    apart, _ = gradients((SHORT[0], LONG), **UNPACKED, **APART)
    assert _difference(apart, whole) > 1e-2
