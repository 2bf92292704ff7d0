"""When a step is aborted, and what the message says."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from accelerate.utils import DistributedType

from bimedix2_plugin.args import BiMediX2Args
from bimedix2_plugin.training import loss_watch
from bimedix2_plugin.training.loss_watch import ENOUGH, WARM_UP, LossWatch, TrainingStopped


def _accelerator(scaler=None, main=True, gather=lambda values: values, kind=DistributedType.NO):
    return SimpleNamespace(scaler=scaler, is_main_process=main, gather=gather, distributed_type=kind)


def _rows(*names, labelled=ENOUGH):
    return [{"id": name, "language": "en", "store": "data/x/images", "labelled": labelled} for name in names]


def _watch(spike=1.0, steps=WARM_UP, **accelerator):
    """A watch after some steps of loss 2."""
    watch = LossWatch(spike, _accelerator(**accelerator))
    for step in range(steps):
        _step(watch, 2.0, step=step + 1)
    return watch


def _step(watch, loss, norm=1.0, step=99):
    watch.note(_rows("a", "b"), torch.tensor(loss))
    watch.check(step, torch.tensor(norm))


def test_a_spike_is_a_fixed_distance_above_the_median():
    watch = _watch()
    _step(watch, 2.99)
    with pytest.raises(
        TrainingStopped, match=r"step 99: the loss is 3.01, more than 1 \(loss_spike\) above 2, the median"
    ):
        _step(watch, 3.01)


def test_the_median_follows_the_run_and_a_spike_does_not_move_it():
    watch = _watch()
    for _ in range(loss_watch.WINDOW):
        _step(watch, 0.1)
    with pytest.raises(TrainingStopped, match=r"above 0.1, the median of the last 100 steps"):
        _step(watch, 2.0)
    with pytest.raises(TrainingStopped):
        _step(watch, 2.0)


def test_the_first_steps_are_not_checked_and_null_allows_spikes():
    _step(_watch(steps=WARM_UP - 1), 50.0)
    _step(_watch(spike=None), 50.0)
    assert BiMediX2Args().loss_spike == 3.0 and BiMediX2Args(loss_spike=None).loss_spike is None


@pytest.mark.parametrize("spike", [1.0, None])
def test_nan_and_infinity_always_abort_at_once(spike):
    with pytest.raises(TrainingStopped, match="step 1: the loss is inf"):
        _step(LossWatch(spike, _accelerator()), float("inf"), step=1)
    with pytest.raises(TrainingStopped, match="step 1: the loss is 2, but the gradient norm is nan"):
        _step(LossWatch(spike, _accelerator()), 2.0, float("nan"), step=1)


def test_an_infinite_gradient_is_left_to_the_loss_scaler():
    _step(_watch(scaler=object()), 2.0, float("inf"))


def test_only_packs_with_a_nan_loss_are_listed():
    watch = _watch()
    for names, loss in ((("a", "b"), 1.0), (("c",), float("nan")), (("d",), 1.0)):
        watch.note(_rows(*names), torch.tensor(loss))
    with pytest.raises(TrainingStopped) as caught:
        watch.check(7, torch.tensor(1.0))
    assert [line for line in str(caught.value).splitlines() if line.startswith("  ")] == ["  data/x: c"]


def test_packs_of_a_spike_are_ordered_by_loss_per_token():
    watch = _watch()
    watch.note(_rows("long", labelled=900), torch.tensor(6.0))
    watch.note(_rows("short", labelled=10), torch.tensor(4.0))
    with pytest.raises(
        TrainingStopped, match=r"highest loss first, one line per pack:\n  data/x: short\n  data/x: long\n"
    ):
        watch.check(7, torch.tensor(1.0))


@pytest.mark.parametrize("main", [True, False])
def test_every_ranks_rows_are_named_by_one_rank(monkeypatch, main):
    """The other rank's loss is NaN, this one's is fine."""
    other = torch.tensor([float("nan"), 1.0, 1.0])
    monkeypatch.setattr(loss_watch, "gather_object", lambda packs: [*packs, (_rows("there"), float("nan"))])
    monkeypatch.setattr(loss_watch, "_GRACE", 0)
    watch = LossWatch(1.0, _accelerator(main=main, gather=lambda values: torch.cat([values, other])))
    with pytest.raises(TrainingStopped if main else SystemExit, match="data/x: there" if main else "1"):
        _step(watch, 2.0)


def test_nothing_of_a_step_is_left_for_the_next():
    watch = _watch(steps=1)
    assert watch._packs == [] and list(watch._recent) == [2.0]


# Losses of tokens with a standard deviation of about 3.4 nats: most are small, some are large.
_SPREAD = 3.4
TOKEN_LOSSES = {
    "exponential": lambda draw, size: draw.exponential(_SPREAD, size),
    "a fifth unknown": lambda draw, size: (draw.random(size) < 0.2) * draw.exponential(5.67, size),
    "lognormal": lambda draw, size: draw.lognormal(0.0, 1.105, size) * _SPREAD / 2.79,
    "words of one row alike": lambda draw, size: (
        draw.exponential(3.0, size)
        + np.repeat(draw.exponential(1.5, (size[0], -(-size[1] // 20))), 20, 1)[:, : size[1]]
    ),
}
TOKENS = (1, 2, 8, 100, 5000)


def _simulated(kind, tokens):
    """A watch with the default limit after 20 healthy steps, and the losses of later ones."""
    steps = 20_000 if tokens <= 100 else 1_000
    draw = np.random.default_rng(tokens)
    losses = np.concatenate([TOKEN_LOSSES[kind](draw, (500, tokens)).mean(1) for _ in range(steps // 500)])
    watch = LossWatch(BiMediX2Args().loss_spike, _accelerator())
    watch._recent.extend(losses[:WARM_UP].tolist())
    return watch, losses[WARM_UP:].tolist()


@pytest.mark.parametrize("tokens", TOKENS)
@pytest.mark.parametrize("kind", TOKEN_LOSSES)
def test_healthy_steps_pass_however_few_tokens_they_have(kind, tokens):
    watch, losses = _simulated(kind, tokens)
    stopped = 0
    for loss in losses:
        stopped += watch._reason(loss, 1.0, tokens) is not None
        watch._recent.append(loss)
    assert stopped <= len(losses) / 1000


@pytest.mark.parametrize(("tokens", "jump"), [(5000, 3.5), (ENOUGH, 3.5), (100, 12.0)])
@pytest.mark.parametrize("kind", TOKEN_LOSSES)
def test_a_jump_over_enough_tokens_is_caught(kind, tokens, jump):
    watch, losses = _simulated(kind, tokens)
    usual = float(np.median(losses))
    assert "more than" in watch._reason(usual + jump, 1.0, tokens)


def test_the_tokens_of_all_packs_and_ranks_count():
    """Half of the tokens are on another rank; both ranks' losses are above the limit of all tokens, not of theirs."""
    watch = _watch(spike=1.0, gather=lambda values: torch.cat([values, values]))
    watch.note(_rows("a", labelled=ENOUGH // 4), torch.tensor(1.6))
    watch.note(_rows("b", labelled=ENOUGH // 4), torch.tensor(1.6))
    with pytest.raises(TrainingStopped, match=r"more than 1 \(loss_spike\) above 2"):
        watch.check(99, torch.tensor(1.0))
    watch.note(_rows("a", labelled=ENOUGH // 8), torch.tensor(3.2))
    watch.check(99, torch.tensor(1.0))  # a quarter of the tokens: twice the limit
    watch.note(_rows("a", labelled=ENOUGH // 8), torch.tensor(4.2))
    with pytest.raises(TrainingStopped, match=r"more than 2 \(loss_spike, wider for a mean of 324 labelled tokens\)"):
        watch.check(99, torch.tensor(1.0))


def test_deepspeed_has_moved_the_weights_when_the_message_comes():
    with pytest.raises(TrainingStopped, match=r"DeepSpeed has already taken the optimizer step: the weights in memory"):
        _step(_watch(kind=DistributedType.DEEPSPEED), 50.0)
    with pytest.raises(TrainingStopped, match=r"stopped before the optimizer step; resume from the newest checkpoint"):
        _step(_watch(), 50.0)
