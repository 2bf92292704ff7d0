"""Proofs from a training's evidence: packs, trained parameters, equal losses, peak memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bimedix2_plugin.model.vision_language.registry import is_projector

# Relative differences: in bf16, numbers of 8 bits are rounded and summed in another order.
TOLERANCE = {"float32": 1e-4, "bf16": 2e-2}
_LEAK = 5  # a leak's gradients have to differ from the rows alone this many times as much as the pack's


def precision(recipe: dict[str, Any]) -> str:
    """Return the precision in which a recipe computes, a key of `TOLERANCE`."""
    return "bf16" if recipe.get("bf16") or recipe.get("fp16") or recipe.get("load_in_4bit") else "float32"


def packed_is_alone(evidence: dict[str, Any], recipe: dict[str, Any]) -> tuple[bool, str]:
    """Compare two rows in one pack with each alone; a pack whose rows see each other has to be told apart."""
    pack, tolerance = evidence["pack"], TOLERANCE[precision(recipe)]
    losses = pack["losses"]
    loss = {name: abs(losses[name] - losses["alone"]) / abs(losses["alone"]) for name in ("packed", "leaking")}
    gradients = pack["gradients"]
    text = f"loss off by {loss['packed']:.1e} (leaking: {loss['leaking']:.1e})"
    if gradients["packed"] is None:
        return loss["packed"] <= tolerance < loss["leaking"], f"{text}; gradients belong to DeepSpeed"
    text += f", gradients by {gradients['packed']:.1e} (leaking: {gradients['leaking']:.1e})"
    equal = loss["packed"] <= tolerance and gradients["packed"] <= 2 * tolerance
    caught = gradients["leaking"] >= max(tolerance, _LEAK * gradients["packed"])
    return equal and caught, text


def its_parameters_moved(
    evidence: dict[str, Any], recipe: dict[str, Any], projector_shapes: Sequence[tuple[int, ...]]
) -> tuple[bool, str]:
    """Check which parameters are trained and moved, the projector's shapes, and the precision of each kind.

    Args:
        evidence: of a whole run.
        recipe: as it was run.
        projector_shapes: of the stand-in's projector, in any order.
    """
    parameters = evidence["parameters"]
    trained = {name for name, seen in parameters.items() if seen["trained"]}
    moved = {name for name, seen in parameters.items() if seen["moved"]}
    projector = {name for name in trained if is_projector(name)}
    lora = {name for name in trained if ".lora_" in name}
    problems = []
    if trained != projector | lora or any("language_model" not in name for name in lora):
        problems.append(f"{len(trained - projector - lora)} parameters outside the stage are trained")
    if bool(lora) != (recipe.get("stage", "instruct") != "align"):
        problems.append(f"{len(lora)} LoRA tensors are trained")
    if moved != trained:
        problems.append(f"{len(trained - moved)} trained ones did not move, {len(moved - trained)} frozen ones did")
    shapes = sorted(tuple(parameters[name]["shape"]) for name in projector)
    if shapes != sorted(projector_shapes):
        problems.append(f"the projector's shapes are {shapes}")
    kinds = {parameters[name]["dtype"] for name in trained}
    if kinds != {"float32"} and not recipe.get("deepspeed"):
        problems.append(f"trained in {', '.join(sorted(kinds))}, not in float32")
    packed = {name for name, seen in parameters.items() if seen["dtype"] == "4 bits"}
    if bool(packed) != bool(recipe.get("load_in_4bit")) or any("language_model.layers" not in name for name in packed):
        problems.append(f"{len(packed)} tensors are in 4 bits")
    text = f"{len(projector)} tensors of the projector and {len(lora)} of the LoRA moved in float32"
    text += f", {len(parameters) - len(trained)} frozen ones did not"
    return not problems, "; ".join(problems) or f"{text}{f', {len(packed)} of them in 4 bits' if packed else ''}"


def losses_agree(
    one: dict[str, float], other: dict[str, float], recipe: dict[str, Any], *, exact: bool = False
) -> tuple[bool, str]:
    """Compare the losses of two runs step by step, the steps of `one`; `exact`: to the last digits of float32."""
    tolerance = 1e-6 if exact else TOLERANCE[precision(recipe)]
    if not one or not set(one) <= set(other):
        return False, f"steps {sorted(one)} and {sorted(other)}"
    off = max(abs(one[step] - other[step]) / abs(other[step]) for step in one)
    return off <= tolerance, f"{len(one)} steps, losses off by at most {off:.1e}"


def memory_as_planned(evidence: dict[str, Any], planned: float) -> tuple[bool, str]:
    """Compare peak memory (bytes) with the plan's; small stand-ins leave a floor of allocator and kernels."""
    floor = 1 << 30
    peak = evidence["peak bytes"]
    text = f"peak {peak / 2**30:.2f} GiB, planned {planned / 2**30:.2f} GiB for the stand-ins"
    return peak <= 1.5 * planned + floor, text
