"""A run is stopped before a step whose loss or gradient is no number, or whose loss jumps, changes a weight.

The message names the rows of that step, on every rank, so that a person can look at them.
"""

from __future__ import annotations

import math
import statistics
import time
from collections import deque
from pathlib import PurePath
from typing import Any

import torch
from accelerate.utils import gather_object

WARM_UP, WINDOW = 20, 100  # steps
_GRACE = 10.0  # seconds in which the main rank says why, before the others leave

Row = dict[str, Any]  # as PackCollator gives it


class TrainingStopped(RuntimeError):
    """A step that must not be taken, with the rows that it was made of."""


class LossWatch:
    """Looks at each step between its gradients and its optimizer.

    Args:
        spike: how far, in nats a token, a step's loss may lie above the median of the last WINDOW steps; the first
            WARM_UP steps of a start are not judged. None: spikes pass.
        accelerator: the trainer's.
    """

    def __init__(self, spike: float | None, accelerator: Any) -> None:
        self.spike, self.accelerator = spike, accelerator
        self._recent: deque[float] = deque(maxlen=WINDOW)
        self._packs: list[tuple[list[Row], torch.Tensor]] = []

    def note(self, rows: list[Row], loss: torch.Tensor) -> None:
        """Remember a pack and its share of the step's loss; nothing waits for the device."""
        self._packs.append((rows, loss))

    def check(self, step: int, gradient_norm: Any) -> None:
        """Judge the step that the packs noted since the last one make.

        Args:
            step: its number, from 1.
            gradient_norm: of all its gradients, before clipping.

        Raises:
            TrainingStopped: it must not be taken; raised on the main rank, the others leave without a word.
        """
        packs, self._packs = self._packs, []
        loss, norm = self._over_ranks(packs, gradient_norm)
        reason = self._reason(loss, norm)
        if reason is None:
            self._recent.append(loss)
            return
        everywhere = gather_object([(rows, float(share)) for rows, share in packs])
        if not self.accelerator.is_main_process:
            time.sleep(_GRACE)
            raise SystemExit(1)
        raise TrainingStopped(_message(step, reason, everywhere))

    def _over_ranks(self, packs: list[tuple[list[Row], torch.Tensor]], gradient_norm: Any) -> tuple[float, float]:
        """Return the step's loss, the mean over the ranks as it is logged, and its gradient's norm."""
        loss = torch.stack([share for _, share in packs]).sum().float() if packs else torch.zeros(())
        # Under fp16 the loss scaler meets infinite gradients, and skips those steps, by itself.
        unknown = gradient_norm is None or self.accelerator.scaler is not None
        norm = 0.0 if unknown else float(gradient_norm)
        values = self.accelerator.gather(torch.stack([loss, loss.new_tensor(norm)])).view(-1, 2)
        return float(values[:, 0].mean()), float(values[:, 1].mean())

    def _reason(self, loss: float, norm: float) -> str | None:
        if not math.isfinite(loss):
            return f"the loss is {loss}"
        if not math.isfinite(norm):
            return f"the loss is {loss:.4g}, but the norm of its gradient is {norm}"
        if self.spike is None or len(self._recent) < WARM_UP:
            return None
        usual = statistics.median(self._recent)
        if loss <= usual + self.spike:
            return None
        return (
            f"the loss is {loss:.4g}, more than {self.spike:g} (loss_spike) above {usual:.4g}, the median of the last "
            f"{len(self._recent)} steps"
        )


def _message(step: int, reason: str, packs: list[tuple[list[Row], float]]) -> str:
    without_number = [pack for pack in packs if not math.isfinite(pack[1])]
    if without_number:
        which, shown = "Rows of the packs whose loss is no number", without_number
    else:
        which, shown = "Rows of the step, highest loss first", sorted(packs, key=_loss_a_token, reverse=True)
    lines = [", ".join(_name(row) for row in rows) for rows, _ in shown]
    first = next((row for rows, _ in shown for row in rows), None)
    show = f"`python -m data_prep show {_data(first)} --id {first['id']}` shows one. " if first else ""
    return (
        f"step {step}: {reason}. Training stopped before this step changed a weight; the newest checkpoint can be "
        f"resumed. {which}, a pack a line:\n"
        + "\n".join(f"  {line}" for line in lines)
        + f"\n{show}Leave out or mend what is wrong in the data, or lower the learning rate; `loss_spike: null` lets "
        "spikes pass."
    )


def _loss_a_token(pack: tuple[list[Row], float]) -> float:
    rows, share = pack
    return share / max(1, sum(row["labelled"] for row in rows))


def _data(row: Row) -> str:
    return str(PurePath(row["store"]).parent)


def _name(row: Row) -> str:
    return f"{_data(row)}: {row['id']}"
