"""Two ranks compute what one computes with the packs of both, under torch's DDP and FSDP2, in both stages."""

from __future__ import annotations

import multiprocessing

import pytest

from bimedix2_plugin.rehearse import ranks
from tests.helpers import ranks_jobs, runs, tiny_data

STAGES = ["instruct", "align"]


@pytest.fixture(scope="module")
def results(workshop):
    """What both ranks computed, for each stage."""
    tiny_data.captions("data", "captions")
    captions = {"datasets": [runs.RECIPE["datasets"][0] | {"path": "./captions"}]}
    recipes = [{"sequence_len": 256}, {"sequence_len": 128, **runs.ALIGN, **captions}]
    both = ranks.run(ranks_jobs.compare, recipes, folder=workshop)
    return {stage: [result[number] for result in both] for number, stage in enumerate(STAGES)}


@pytest.mark.parametrize("wrap", ["ddp", "fsdp"])
@pytest.mark.parametrize("stage", STAGES)
def test_two_ranks_are_one_with_both_packs(results, stage, wrap):
    alone = results[stage][0]["alone"]
    both = [result[wrap] for result in results[stage]]
    losses = [sum(losses) for losses in zip(*(result["losses"] for result in both), strict=True)]
    assert losses == pytest.approx(alone["losses"], rel=1e-5)
    for result in both:
        for step, gradients in enumerate(alone["gradients"]):
            assert result["gradients"][step].keys() == gradients.keys()
            for name, gradient in gradients.items():
                assert float((result["gradients"][step][name] - gradient).norm()) <= 1e-5 * float(gradient.norm()), name
        for name, weight in alone["weights"].items():
            assert float((result["weights"][name] - weight).norm()) <= 1e-5 * float(weight.norm()), name


def test_in_one_step_a_rank_has_text_alone(results):
    """Without images of its own it would leave the projector without gradients, and DDP would refuse or wait."""
    last = results["instruct"][1]["rows"][-1]
    assert results["instruct"][0]["rows"][-1] == last and len(last) == 2
    assert all(gradient.norm() > 0 for gradient in results["instruct"][1]["ddp"]["gradients"][-1].values())


def test_ranks_have_rows_of_their_own(results):
    for stage in STAGES:
        for first, second in results[stage][0]["rows"]:
            assert not set(first) & set(second)
        assert results[stage][0]["rows"] == results[stage][1]["rows"]


def test_an_interruption_ends_the_ranks(tmp_path, monkeypatch):
    def interrupted(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(ranks.time, "sleep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ranks.run(ranks_jobs.wait, folder=tmp_path)
    assert not multiprocessing.active_children()
