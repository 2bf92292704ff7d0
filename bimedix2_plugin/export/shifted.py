"""A CLIP tower for a llama.cpp that puts the class token last: its weights, with one more block that moves each row.

Such a llama.cpp (issue 25814) computes the rows patch 0, ..., patch N-1, class, and gives the projector rows 1 to N: it
loses patch 0 and keeps the class. With the position embeddings in that order all rows are right but one place too low.
Attention moves them: in a block in front, row r attends to row r-1 alone and takes its values.

d is the tower's width, w its heads' width, R its number of rows. The residual gets w further columns, one more head, to
hold codes of the rows. So that they change no layer norm, they are mean(h) + t, where h is the residual of old, sum(t)
is 0 and sum(t^2) is d * epsilon: the norm over d + w columns with an epsilon of (almost) 0 then is
sqrt((d + w) / d) times the norm over d columns with the epsilon of old.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from bimedix2_plugin.export.vision import WHOLE, VisionPart

if TYPE_CHECKING:
    import torch

NOTE = (
    "CLIP's class token is expected after the patches, as llama.cpp puts it before pull request 25844: this file is "
    "wrong in builds with it; export again with such a build."
)
# The moved rows are multiplied by this, so that what they are added to does not count.
_GAIN = 2.0**14
_EPSILON = 1e-30
# A query and its key have about this length each for rows with a standard deviation of 1.
_SHARPNESS = 1000.0
_SEEDS, _SMALLEST_GAP = 20, 0.2
_READS = ("attn_q", "attn_k", "attn_v", "ffn_up")
_WRITES = ("attn_out", "ffn_down")


def shifted(part: VisionPart) -> VisionPart | None:
    """Return the tower with the block that moves the rows; None where its heads are too narrow to tell rows apart."""
    codes = _codes(len(part.tensors["v.position_embd.weight"]), part.width // part.heads // 2 - 1)
    if codes is None:
        return None
    wide = _Wide(part.width, part.width // part.heads)
    tensors = _embeddings(part, wide, codes) | _moving_block(part, wide, _gap(codes))
    for name, values in part.tensors.items():
        if name.startswith("v.blk."):
            _, _, block, module, kind = name.split(".")
            tensors[f"v.blk.{int(block) + 1}.{module}.{kind}"] = _widened(wide, module, kind, values)
        elif name.startswith("mm."):
            tensors[name] = wide.read(values) / _GAIN if name == "mm.0.weight" else values
    return replace(
        part,
        tensors=tensors,
        whole=WHOLE | {f"v.blk.0.{module}.weight" for module in ("attn_q", "attn_k", "attn_v", "attn_out")},
        width=wide.width,
        heads=part.heads + 1,
        blocks=part.blocks + 1,
        epsilon=_EPSILON,
        note=NOTE,
    )


class _Wide:
    """Widens what writes to the residual, or reads from it, by `extra` columns."""

    def __init__(self, old: int, extra: int) -> None:
        self.old, self.extra, self.width = old, extra, old + extra
        self.norm = math.sqrt(old / self.width)

    def write(self, values: torch.Tensor) -> torch.Tensor:
        """Widen the first dimension by the mean of its elements: what the codes are added to."""
        import torch

        return torch.cat([values, values.mean(0, keepdim=True).expand(self.extra, *values.shape[1:])])

    def read(self, values: torch.Tensor) -> torch.Tensor:
        """Widen the last dimension by zeros."""
        import torch

        return torch.nn.functional.pad(values, (0, self.extra))

    def spread(self, epsilon: float) -> float:
        """Return the norm of t."""
        return math.sqrt(self.old * epsilon)


def _widened(wide: _Wide, module: str, kind: str, values: torch.Tensor) -> torch.Tensor:
    """Widen a tensor of one of the tower's own blocks; what it adds to the residual is multiplied like the rows."""
    if module in ("ln1", "ln2"):
        return wide.read(values * wide.norm if kind == "weight" else values)
    if module in _WRITES:
        grown = wide.write(values) * _GAIN
        return wide.read(grown) if kind == "weight" and module == "attn_out" else grown
    if module == "ffn_up":
        return wide.read(values) if kind == "weight" else values
    # Queries, keys and values of the head that is added are 0.
    return wide.read(wide.read(values).T.contiguous()).T.contiguous() if kind == "weight" else wide.read(values)


def _embeddings(part: VisionPart, wide: _Wide, codes: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return the tensors before the first block. The codes of row r: its own, that of row r-1, 1, -1."""
    import torch

    given = part.tensors
    tensors = {
        name: wide.write(given[name])
        for name in ("v.patch_embd.weight", "v.patch_embd.bias", "v.class_embd")
        if name in given
    }
    ones = codes.new_ones(len(codes), 1)
    marks = torch.cat([codes, codes.roll(1, 0), ones, -ones], dim=1) * (wide.spread(part.epsilon) / 2)
    positions = wide.write(given["v.position_embd.weight"].roll(-1, 0).T).T.contiguous()
    positions[:, wide.old :] += marks
    return tensors | {"v.position_embd.weight": positions}


def _moving_block(part: VisionPart, wide: _Wide, gap: float) -> dict[str, torch.Tensor]:
    """Return the block in front, which also is the tower's layer norm before its blocks.

    A query is [code of row r-1, -(1 - gap / 2)], a key [its row's code, 1]: their product is positive for one row only,
    whatever the rows' scales.
    """
    import torch

    head, heads = wide.extra, part.heads + 1
    size, old, width = head // 2 - 1, wide.old, wide.width
    query, key = torch.zeros(head, width), torch.zeros(head, width)
    scale = _SHARPNESS * 2 * wide.norm / wide.spread(part.epsilon)
    places = torch.arange(size)
    query[places, old + size + places] = key[places, old + places] = scale
    query[size, old + 2 * size] = -(1 - gap / 2) * scale
    key[size, old + 2 * size] = scale
    values = torch.zeros(width, width)
    values[:old, :old] = torch.eye(old)
    signs = torch.ones(wide.extra)
    signs[1::2] = -1
    bias = wide.write(part.tensors["v.pre_ln.bias"])
    bias[old:] += signs * wide.spread(part.epsilon) / math.sqrt(wide.extra)
    weight = torch.cat([torch.full((old,), wide.norm), torch.ones(wide.extra)])
    zeros, up = torch.zeros(width), torch.zeros(part.feed_forward, width)
    made = {
        "ln1.weight": weight,
        "ln1.bias": zeros,
        "attn_q.weight": query.repeat(heads, 1),
        "attn_q.bias": zeros,
        "attn_k.weight": key.repeat(heads, 1),
        "attn_k.bias": zeros,
        "attn_v.weight": values,
        "attn_v.bias": zeros,
        "attn_out.weight": wide.read(wide.write(torch.diag(part.tensors["v.pre_ln.weight"]))) * _GAIN,
        "attn_out.bias": bias * _GAIN,
        "ln2.weight": torch.ones(width),
        "ln2.bias": zeros,
        "ffn_up.weight": up,
        "ffn_up.bias": torch.zeros(part.feed_forward),
        "ffn_down.weight": up.T.contiguous(),
        "ffn_down.bias": zeros,
    }
    return {f"v.blk.0.{name}": tensor for name, tensor in made.items()}


def _codes(rows: int, size: int) -> torch.Tensor | None:
    """Return [rows, size] unit vectors that sum to 0 each, no two of them alike; None if there is no room for them."""
    import torch

    if size < 2:
        return None
    made = []
    for seed in range(_SEEDS):
        random = torch.randn(rows, size, generator=torch.Generator().manual_seed(seed))
        random -= random.mean(1, keepdim=True)
        made.append(random / random.norm(dim=1, keepdim=True))
    best = max(made, key=_gap)
    return best if _gap(best) >= _SMALLEST_GAP else None


def _gap(codes: torch.Tensor) -> float:
    """Return 1 minus the largest inner product of two rows."""
    products = codes @ codes.T
    return float(1 - products.fill_diagonal_(-1).max())
