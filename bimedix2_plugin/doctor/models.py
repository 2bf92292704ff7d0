"""The models that a recipe names, its stage 1, and what its output folder holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bimedix2_plugin.doctor.finding import Finding, failures
from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model import projector
from bimedix2_plugin.model.compose import COMPOSITION
from bimedix2_plugin.model.families import base_of
from bimedix2_plugin.model.safetensors_index import read_shards
from bimedix2_plugin.plan.model_sizes import Models, local_folder

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault

_GB = 1e9


def weights(cfg: DictDefault, models: Models) -> Iterator[Finding]:
    """Check that both models compose, and that their files are here or can be had."""
    base_of(models.base.name, models.base.config)
    parts = {
        "base_model": (models.base, cfg.revision_of_model),
        "vision_tower": (models.tower.source, cfg.vision_tower_revision),
    }
    for key, (source, revision) in parts.items():
        if local_folder(source.name, revision) is None:
            yield _on_the_hub(key, source.name, revision)
            continue
        try:
            if not (source.folder / "pytorch_model.bin").is_file():
                read_shards(key, source.folder)
            yield Finding("ok", f"{key}: {source.name}, a {source.config['model_type']} with all of its files")
        except RecipeError as error:
            yield from failures(error)


def _on_the_hub(key: str, name: str, revision: str | None) -> Finding:
    """Ask the Hub for a model that is not here."""
    from huggingface_hub import HfApi, auth_check
    from huggingface_hub.constants import is_offline_mode

    if is_offline_mode():
        return Finding(
            "fail", f"{key}: {name} is not here, and HF_HUB_OFFLINE keeps from asking. `hf download {name}`."
        )
    try:
        auth_check(name)
        files = HfApi().model_info(name, revision=revision, files_metadata=True, timeout=20).siblings or []
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        return Finding("fail", f"{key}: {name} is not here, and the Hub does not give it ({reason}). `hf auth login`?")
    size = sum(file.size or 0 for file in files if file.rfilename.endswith(".safetensors")) / _GB
    return Finding(
        "warn", f"{key}: {name} is not here; {size:.0f} GB will be downloaded. Sooner: `hf download {name}`."
    )


def stage_1(cfg: DictDefault, models: Models) -> Iterator[Finding]:
    """Check that a finished stage 1 fits this base and tower."""
    bridge = cfg.projector or {}
    start = bridge.get("init_from")
    if not start or not (Path(start) / projector.FINISHED).is_file():
        return  # the recipe's own check tells of a stage 1 that is not finished
    layer = -2 if cfg.vision_feature_layer is None else cfg.vision_feature_layer
    width = int(models.base.config["hidden_size"])
    shape = projector.ProjectorShape(bridge.get("kind") or "mlp2x_gelu", models.tower.hidden, width, layer)
    projector.check(Path(start), shape, {"base": models.base.config, "tower": models.tower.source.config})
    yield Finding("ok", f"projector.init_from: {start} is a finished stage 1 of this base and tower")


def output(cfg: DictDefault, models: Models) -> Iterator[Finding]:
    """Check that the output folder holds no run of other models or of the other stage."""
    out = Path(cfg.output_dir or "model-out")
    if not (out / COMPOSITION).is_file():
        yield Finding("ok", f"output_dir: {out} holds no other run")
        return
    made = json.loads((out / COMPOSITION).read_text(encoding="utf-8"))
    here = {"base": models.base.config, "tower": models.tower.source.config}
    other = [part for part, config in here.items() if made[part]["config"] != config]
    weights = (out / projector.WEIGHTS).is_file()
    if weights != (cfg.stage == "align"):
        other.append("stage")
    if other:
        yield Finding(
            "fail", f"output_dir: {out} holds a run of another {' and '.join(other)}. Move it, or name another."
        )
    else:
        yield Finding("ok", f"output_dir: {out} holds this run, which goes on from its last checkpoint")
