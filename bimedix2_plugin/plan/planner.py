"""Make a recipe's plan as plain numbers, which `axolotl bimedix2-plan` prints."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.vision_language.descriptor import Encoded, VisionLanguageModel
from bimedix2_plugin.plan import communication, memory, packing, row_lengths
from bimedix2_plugin.plan.activations import saved
from bimedix2_plugin.plan.flops import Load, batch_operations
from bimedix2_plugin.plan.model_sizes import Models, read_models, text_renderer
from bimedix2_plugin.plan.parameters import Parameters, count
from bimedix2_plugin.recipe import settings

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault

_FLOAT32 = 4  # bytes of an element of pixel_values
IMAGE_SIZE = 512, 512  # assumed where there is no image store: width and height in pixels
# A vocabulary of 32,000 tokens (Phi-3.5, Mistral) splits Arabic into letters; the tables count Llama 3.1's tokens.
SMALL_VOCABULARY, SPELT = 64_000, 2.0  # assumed: twice as many


def missing_keys(cfg: DictDefault) -> list[str]:
    """Return the keys that a plan needs and the recipe lacks."""
    return [key for key in ("base_model", "sequence_len") if not cfg.get(key)]


def make_plan(
    cfg: DictDefault,
    *,
    gpus: int,
    gpu: str,
    utilisation: float = 0.4,
    lengths: str | None = None,
    interconnect: str | None = None,
) -> dict[str, Any]:
    """Plan a run.

    Args:
        cfg: the recipe, as written.
        gpus: number of GPUs; each is a data-parallel rank.
        gpu: a name in `memory.GPUS`.
        utilisation: assumed share of the GPU's peak that is reached.
        lengths: a shipped length table, instead of the recipe's data.
        interconnect: the slowest between the GPUs, a name in `communication.INTERCONNECTS`; by default the GPU's own.

    Raises:
        RecipeError: keys are missing, or the sizes of models or data are unknown.
    """
    missing = missing_keys(cfg)
    if missing:
        raise RecipeError(f"{cfg.axolotl_config_path}: add {', '.join(missing)}; a plan needs them.")
    with tempfile.TemporaryDirectory() as scratch:
        models = read_models(cfg, Path(scratch))
        model = models.whole(cfg, Path(scratch))
        parameters = count(model.config, cfg)
        rows = _rows(cfg, models, model, lengths, Path(scratch))
        batches = packing.make_batches(rows, cfg, gpus, model.encoded(1, 1))
        stated = _assumptions(models, rows, utilisation, gpus) + _image_size(rows, model)
    steps = packing.steps(cfg, batches, gpus)
    in_step = packing.accumulation(cfg) * gpus
    passes = min(steps * in_step, batches.epoch * (cfg.num_epochs or 1))
    work = {part: work.total for part, work in batch_operations(parameters, cfg, _load(batches, np.mean)).items()}
    device = memory.GPUS[gpu]
    plan = {
        "recipe": str(cfg.axolotl_config_path or ""),
        "stage": settings(cfg).stage,
        "gpus": gpus,
        "gpu": gpu,
        "parallel": memory.recipe_mode(cfg).name,
        "assumptions": stated,
        "parameters": _parameters(parameters),
        "data": _data(rows),
        **_sizes(batches, in_step),
        "steps": steps,
        "operations": {part: each * passes for part, each in work.items()},
        "memory": _memory(parameters, cfg, batches, gpus),
        "gpu memory": device.memory * memory.GIB,
        "utilisation": utilisation,
        "hours": sum(work.values()) * passes / (gpus * device.peak * 1e12 * utilisation) / 3600,
        "communication": _traffic(parameters, cfg, gpus, steps, interconnect or device.link),
        "disk": memory.disk(parameters, cfg, float(rows.tokens.sum()) * rows.scale, steps, absent=models.absent),
    }
    return plan | {"limits": _limits(plan)}


def _parameters(parameters: Parameters) -> dict[str, dict[str, Any]]:
    return {
        part: {"count": number, "trained": part in parameters.trainable} for part, number in parameters.parts.items()
    }


def _sizes(batches: packing.Batches, in_step: int) -> dict[str, Any]:
    """Return the mean sizes of a step over all GPUs and of a batch."""
    images = Encoded(*batches.images.mean(0).tolist())
    return {
        "step": {
            "rows": float(batches.rows.mean()) * in_step,
            "tokens": float(batches.tokens.mean()) * in_step,
            "fill": batches.fill,
        },
        "batch": {"images": images.images, "pixel bytes": images.values * _FLOAT32},
    }


def _rows(
    cfg: DictDefault, models: Models, model: VisionLanguageModel, lengths: str | None, scratch: Path
) -> row_lengths.Rows:
    """Use the built data if it and the base's tokenizer are here, else `lengths` or the table of the data's name."""
    if not lengths and row_lengths.built(cfg):
        renderer = text_renderer(cfg, models, scratch)
        if renderer:
            return row_lengths.rows_from_data(cfg, renderer, model)
    named = [Path(entry["path"]).name for entry in cfg.datasets or []]
    table = lengths or next((name for name in named if name in row_lengths.tables()), None)
    if not table:
        raise RecipeError(
            f"datasets: {', '.join(named) or 'none'} is not built, or the tokenizer of {cfg.base_model} is not here. "
            f"Build it, or give --lengths: {', '.join(row_lengths.tables())}."
        )
    arabic = SPELT if int(model.config.text_config.vocab_size) < SMALL_VOCABULARY else 1.0
    return row_lengths.rows_from_table(table, model.encoded(*IMAGE_SIZE), cfg.sequence_len, arabic)


def _load(batches: packing.Batches, statistic: Any) -> Load:
    tokens, labels, pairs = (
        float(statistic(column)) for column in (batches.tokens, batches.labels, batches.sum_sq_len)
    )
    return Load(tokens, labels, Encoded(*statistic(batches.images, axis=0).tolist()), pairs)


def _memory(parameters: Parameters, cfg: DictDefault, batches: packing.Batches, gpus: int) -> dict[str, Any]:
    largest = _load(batches, np.max)
    kept = saved(parameters, cfg, largest)
    return {
        mode.name: memory.per_gpu(parameters, cfg, mode, gpus=gpus, load=largest, kept=kept) for mode in _modes(cfg)
    }


def _modes(cfg: DictDefault) -> list[memory.Mode]:
    """Return the parallelisms to compare: those that the recipe's adapter allows, and the recipe's own."""
    own = memory.recipe_mode(cfg)
    modes = [*memory.MODES, *([own] if own not in memory.MODES else [])]
    return modes if cfg.adapter else [mode for mode in modes if not mode.four_bit]


def _traffic(parameters: Parameters, cfg: DictDefault, gpus: int, steps: int, interconnect: str) -> dict[str, Any]:
    """Return the bytes that a GPU sends for its weights and gradients, and the hours if nothing hides them."""
    made = {
        mode.name: communication.step_traffic(parameters, cfg, mode, gpus=gpus, batches=packing.accumulation(cfg))
        for mode in _modes(cfg)
    }
    return {
        "interconnect": interconnect,
        "step": {name: {"weights": each.weights, "gradients": each.gradients} for name, each in made.items()},
        "run": {name: each.total * steps for name, each in made.items()},
        "hours": {name: each.seconds(interconnect) * steps / 3600 for name, each in made.items()},
    }


def _data(rows: row_lengths.Rows) -> dict[str, Any]:
    kinds = {}
    for kind in sorted(set(rows.kinds.tolist())):
        chosen = rows.kinds == kind
        sums = {"rows": chosen.sum(), "tokens": rows.tokens[chosen].sum(), "labels": rows.labels[chosen].sum()}
        sums["image tokens"] = Encoded(*rows.encoded[chosen].sum(0)).placeholders
        kinds[kind] = {name: round(float(value) * rows.scale) for name, value in sums.items()}
    return {"source": rows.source, "assumed": rows.assumed, "rejected": rows.rejected, "kinds": kinds}


def _assumptions(models: Models, rows: row_lengths.Rows, utilisation: float, gpus: int) -> list[str]:
    stated = [f"{utilisation:.0%} of the GPU's dense bf16 peak is reached; time to load, save and evaluate not counted"]
    if gpus > 1:
        stated.append(
            f"{communication.REACHED:.0%} of the interconnect's bandwidth is reached, and communication is hidden "
            "behind computing where it is shorter"
        )
    if models.assumed:
        stated.append(f"published sizes of {' and '.join(models.assumed)}: the files are not here")
    if rows.assumed:
        stated.append(f"{rows.source}: assumed token lengths, not counted ones")
    elif rows.scale > 1:
        stated.append("rows that were not tokenized are like those that were")
    return stated


def _image_size(rows: row_lengths.Rows, model: VisionLanguageModel) -> list[str]:
    """Return the assumed size of the images, where it decides how many tokens they take."""
    width, height = IMAGE_SIZE
    if not rows.assumed or model.encoded(width, height) == model.encoded(width, 2 * height):
        return []
    tokens = int(model.encoded(width, height).placeholders)
    return [f"every image has {width} x {height} pixels, {tokens} tokens: the image store is not here"]


def _limits(plan: dict[str, Any]) -> list[str]:
    """Return what limits the run: the largest parts of memory and time; if it does not fit, the modes that do."""
    needs = {mode: sum(parts.values()) for mode, parts in plan["memory"].items()}
    own, room = plan["parallel"], plan["gpu memory"]
    largest = max(plan["memory"][own], key=plan["memory"][own].get)
    gib = {mode: f"{mode} {need / memory.GIB:.1f} GiB" for mode, need in needs.items()}
    if needs[own] <= room:
        limits = [f"memory: {gib[own]} of {room / memory.GIB:.0f}; most of it {largest}"]
    else:
        fitting = ", ".join(gib[mode] for mode, need in needs.items() if need <= room)
        limits = [
            f"memory: DOES NOT FIT: {gib[own]} of {room / memory.GIB:.0f}; most of it {largest}. "
            + (f"What fits: {fitting}." if fitting else "Nothing fits; take more or larger GPUs, or a shorter pack.")
        ]
    share = max(plan["operations"], key=plan["operations"].get)
    limits.append(f"time: {plan['operations'][share] / sum(plan['operations'].values()):.0%} in {share}")
    return limits if plan["gpus"] == 1 else [*limits, _bound(plan)]


def _bound(plan: dict[str, Any]) -> str:
    """Say whether computing or communication takes longer."""
    computing, hours = plan["hours"], plan["communication"]["hours"][plan["parallel"]]
    return (
        f"{'communication' if hours > computing else 'computing'}: over {plan['communication']['interconnect']}, "
        f"communication takes {hours / computing:.0%} of the time that computing takes"
    )
