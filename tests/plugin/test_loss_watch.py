"""When a step is aborted, and what the message says."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from bimedix2_plugin.args import BiMediX2Args
from bimedix2_plugin.training import loss_watch
from bimedix2_plugin.training.loss_watch import WARM_UP, LossWatch, TrainingStopped


def _accelerator(scaler=None, main=True, gather=lambda values: values):
    return SimpleNamespace(scaler=scaler, is_main_process=main, gather=gather)


def _rows(*names, labelled=2):
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
    watch.note(_rows("long", labelled=90), torch.tensor(6.0))
    watch.note(_rows("short", labelled=1), torch.tensor(4.0))
    with pytest.raises(
        TrainingStopped, match=r"highest loss first, one line per pack:\n  data/x: short\n  data/x: long\n"
    ):
        watch.check(7, torch.tensor(1.0))


@pytest.mark.parametrize("main", [True, False])
def test_every_ranks_rows_are_named_by_one_rank(monkeypatch, main):
    """The other rank's loss is NaN, this one's is fine."""
    other = torch.tensor([float("nan"), 1.0])
    monkeypatch.setattr(loss_watch, "gather_object", lambda packs: [*packs, (_rows("there"), float("nan"))])
    monkeypatch.setattr(loss_watch, "_GRACE", 0)
    watch = LossWatch(1.0, _accelerator(main=main, gather=lambda values: torch.cat([values, other])))
    with pytest.raises(TrainingStopped if main else SystemExit, match="data/x: there" if main else "1"):
        _step(watch, 2.0)


def test_nothing_of_a_step_is_left_for_the_next():
    watch = _watch(steps=1)
    assert watch._packs == [] and list(watch._recent) == [2.0]
