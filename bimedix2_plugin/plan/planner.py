"""A recipe's plan, as plain numbers: what `axolotl bimedix2-plan` prints."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.plan import memory, packing, row_lengths
from bimedix2_plugin.plan.activations import saved
from bimedix2_plugin.plan.disk import disk
from bimedix2_plugin.plan.flops import Load, batch_operations
from bimedix2_plugin.plan.gpus import GPUS
from bimedix2_plugin.plan.model_sizes import Models, read_models
from bimedix2_plugin.plan.parameters import Parameters, count

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault

    from bimedix2_plugin.data.rendering import Renderer


# A vocabulary of 32,000 tokens (Phi-3.5, Mistral) spells Arabic letter by letter; the tables count Llama 3.1's tokens.
SMALL_VOCABULARY, SPELT = 64_000, 2.0  # assumed: twice as many


def read_recipe(path: str | Path) -> DictDefault:
    """Read a recipe as it is written.

    Raises:
        RecipeError: no such file, or not a mapping in YAML.
    """
    from axolotl.utils.dict import DictDefault

    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeError(f"{path}: not a readable recipe ({error}). Name a YAML file of recipes/.") from error
    if not isinstance(content, dict):
        raise RecipeError(f"{path}: holds no keys. Name a YAML file of recipes/.")
    return DictDefault(content) | {"axolotl_config_path": str(path)}


def missing_keys(cfg: DictDefault) -> list[str]:
    """Return the keys without which a recipe has no size."""
    return [key for key in ("base_model", "vision_tower", "sequence_len") if not cfg.get(key)]


def make_plan(
    cfg: DictDefault, *, gpus: int, gpu: str, utilisation: float = 0.4, lengths: str | None = None
) -> dict[str, Any]:
    """Plan a run.

    Args:
        cfg: the recipe, as written.
        gpus: how many, each a data-parallel rank.
        gpu: a name in `GPUS`.
        utilisation: share of the GPU's peak that is reached; a statement, not a measurement.
        lengths: a shipped length table in the place of the recipe's data.

    Raises:
        RecipeError: the recipe's models or data cannot be planned with.
    """
    lacking = missing_keys(cfg)
    if lacking:
        raise RecipeError(f"{cfg.axolotl_config_path}: has no {', no '.join(lacking)}; nothing can be planned without.")
    with tempfile.TemporaryDirectory() as scratch:
        models = read_models(cfg, Path(scratch))
        feature_layer = -2 if cfg.vision_feature_layer is None else int(cfg.vision_feature_layer)
        parameters = count(models.config(feature_layer), cfg)
        rows = _rows(cfg, models, lengths, Path(scratch))
    batches = packing.make_batches(rows, cfg, gpus, models.tower.image_tokens)
    steps = packing.steps(cfg, batches, gpus)
    in_step = packing.accumulation(cfg) * gpus
    passes = min(steps * in_step, batches.epoch * (cfg.num_epochs or 1))
    work = {part: work.total for part, work in batch_operations(parameters, cfg, _load(batches, np.mean)).items()}
    total = sum(work.values()) * passes
    device = GPUS[gpu]
    plan = {
        "recipe": str(cfg.axolotl_config_path or ""),
        "stage": cfg.stage or "instruct",
        "gpus": gpus,
        "gpu": gpu,
        "parallel": memory.recipe_mode(cfg).name,
        "assumptions": _assumptions(models, rows, utilisation),
        "parameters": {
            part: {"count": number, "trained": part in parameters.trainable}
            for part, number in parameters.parts.items()
        },
        "data": _data(rows, models.tower.image_tokens),
        "step": {
            "rows": float(batches.rows.mean()) * in_step,
            "tokens": float(batches.tokens.mean()) * in_step,
            "fill": batches.fill,
        },
        "steps": steps,
        "operations": {part: each * passes for part, each in work.items()},
        "memory": _memory(parameters, cfg, batches, gpus),
        "gpu memory": device.memory * memory.GIB,
        "utilisation": utilisation,
        "hours": total / (gpus * device.peak * 1e12 * utilisation) / 3600,
        "disk": disk(parameters, cfg, float(rows.tokens.sum()) * rows.scale, steps, absent=models.assumed),
    }
    return plan | {"limits": _limits(plan)}


def _rows(cfg: DictDefault, models: Models, lengths: str | None, scratch: Path) -> row_lengths.Rows:
    """Take the built data where it and the base's tokenizer are here, else a table: the one named like the data."""
    if not lengths and row_lengths.built(cfg):
        renderer = text_renderer(cfg, models, scratch)
        if renderer:
            return row_lengths.rows_from_data(cfg, renderer)
    named = [Path(entry["path"]).name for entry in cfg.datasets or []]
    table = lengths or next((name for name in named if name in row_lengths.tables()), None)
    if not table:
        raise RecipeError(
            f"datasets: {', '.join(named) or 'none'} is not built, or the tokenizer of {cfg.base_model} is not here. "
            f"Build it, or give --lengths: {', '.join(row_lengths.tables())}."
        )
    arabic = SPELT if int(models.base.config["vocab_size"]) < SMALL_VOCABULARY else 1.0
    return row_lengths.rows_from_table(table, models.tower.image_tokens, cfg.sequence_len, arabic)


def text_renderer(cfg: DictDefault, models: Models, scratch: Path) -> Renderer | None:
    """Return the run's renderer, by the text files of its composition; None where the tokenizer is not here.

    Raises:
        RecipeError: the base's tokenizer or chat template cannot be used.
        ValueError: the chat template's prompt is not what it writes before an answer.
    """
    from transformers import AutoTokenizer

    from bimedix2_plugin.data.rendering import Renderer
    from bimedix2_plugin.model.text_files import write_configuration
    from bimedix2_plugin.model_support import request_of

    if not any((models.base.folder / name).is_file() for name in ("tokenizer.json", "tokenizer.model")):
        return None
    folder = scratch / "text"
    folder.mkdir(parents=True)
    write_configuration(folder, request_of(cfg, projector=False), models.base, models.tower)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return Renderer(tokenizer, models.tower.image_tokens, cfg.stage or "instruct")


def _load(batches: packing.Batches, statistic: Any) -> Load:
    columns = (batches.tokens, batches.labels, batches.images, batches.squares)
    return Load(*(float(statistic(column)) for column in columns))


def _memory(parameters: Parameters, cfg: DictDefault, batches: packing.Batches, gpus: int) -> dict[str, Any]:
    largest = _load(batches, np.max)
    kept = saved(parameters, cfg, largest)
    own = memory.recipe_mode(cfg)
    modes = [*memory.MODES, *([own] if own not in memory.MODES else [])]
    if not cfg.adapter:
        modes = [mode for mode in modes if not mode.four_bit]
    return {mode.name: memory.per_gpu(parameters, cfg, mode, gpus=gpus, load=largest, kept=kept) for mode in modes}


def _data(rows: row_lengths.Rows, image_tokens: int) -> dict[str, Any]:
    kinds = {}
    for kind in sorted(set(rows.kinds.tolist())):
        chosen = rows.kinds == kind
        sums = {"rows": chosen.sum(), "tokens": rows.tokens[chosen].sum(), "labels": rows.labels[chosen].sum()}
        sums["image tokens"] = rows.images[chosen].sum() * image_tokens
        kinds[kind] = {name: round(float(value) * rows.scale) for name, value in sums.items()}
    return {"source": rows.source, "assumed": rows.assumed, "rejected": rows.rejected, "kinds": kinds}


def _assumptions(models: Models, rows: row_lengths.Rows, utilisation: float) -> list[str]:
    stated = [f"{utilisation:.0%} of the GPU's dense bf16 peak is reached; time to load, save and evaluate not counted"]
    if models.assumed:
        stated.append(f"published sizes of {' and '.join(models.assumed)}: the files are not here")
    if rows.assumed:
        stated.append(f"{rows.source}: assumed token lengths, not counted ones")
    elif rows.scale > 1:
        stated.append("the rows that were not tokenised are like those that were")
    return stated


def _limits(plan: dict[str, Any]) -> list[str]:
    """Say what limits the run: the largest part of memory, and where it does not fit, the ways that do."""
    needs = {mode: sum(parts.values()) for mode, parts in plan["memory"].items()}
    own, room = plan["parallel"], plan["gpu memory"]
    largest = max(plan["memory"][own], key=plan["memory"][own].get)
    gib = {mode: f"{mode} {need / memory.GIB:.1f} GiB" for mode, need in needs.items()}
    if needs[own] <= room:
        told = [f"memory: {gib[own]} of {room / memory.GIB:.0f}; most of it {largest}"]
    else:
        fitting = ", ".join(gib[mode] for mode, need in needs.items() if need <= room)
        told = [
            f"memory: DOES NOT FIT: {gib[own]} of {room / memory.GIB:.0f}; most of it {largest}. "
            + (f"What fits: {fitting}." if fitting else "Nothing fits; take more or larger GPUs, or a shorter pack.")
        ]
    share = max(plan["operations"], key=plan["operations"].get)
    return [*told, f"time: {plan['operations'][share] / sum(plan['operations'].values()):.0%} in {share}"]
