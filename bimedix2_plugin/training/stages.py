"""What each stage trains: `align` the projector alone, `instruct` the LoRA and the projector."""

from __future__ import annotations

import json
import os
import shutil
import types
from pathlib import Path
from typing import Any

from axolotl.utils.dict import DictDefault
from axolotl.utils.logging import get_logger

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model import projector
from bimedix2_plugin.model.compose import COMPOSITION
from bimedix2_plugin.training import hyperparameters
from bimedix2_plugin.training.sharding import give_whole, part_of

LOG = get_logger(f"axolotl.{__name__}")  # Axolotl shows information from its own names only
PROJECTOR = "multi_modal_projector"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
_CHECKPOINTED_LAST = "trainer_state.json"

# The linear layers of the language model, its head left out: the paper's targets. Anchored to the language
# model, since the tower has layers of the same names.
LORA_TARGETS = r"model\.language_model\.layers\.\d+\.(self_attn|mlp)\.(q|k|v|o|gate|up|down|qkv|gate_up)_proj"


def is_projector(name: str) -> bool:
    """Whether a parameter is the projector's, wrapped by PEFT or not, its frozen original left out."""
    return f"{PROJECTOR}." in name and ".original_module." not in name


def projector_shape(model: Any, kind: str = "mlp2x_gelu") -> projector.ProjectorShape:
    """Read from a LLaVA model's configuration what its projector fits."""
    config = model.config
    return projector.ProjectorShape(
        kind, config.vision_config.hidden_size, config.text_config.hidden_size, config.vision_feature_layer
    )


def freeze_for_align(model: Any) -> None:
    """Leave the projector alone trainable, and make saving the model save just it."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(is_projector(name))
    # A checkpoint of the frozen model would be 141 GB at 70B, each time.
    model.save_pretrained = types.MethodType(_save_projector, model)


def _save_projector(
    model: Any, save_directory: str | Path, *_: Any, state_dict: dict[str, Any] | None = None, **__: Any
) -> None:
    state = state_dict if state_dict is not None else model.state_dict()
    weights = {
        f"{PROJECTOR}.{name.split(f'{PROJECTOR}.')[1]}": value for name, value in state.items() if is_projector(name)
    }
    projector.save(Path(save_directory), projector_shape(model), weights)
    model.config.save_pretrained(save_directory)


def keep_tower_out_of_the_graph(model: Any) -> None:
    """Run the frozen tower without gradients.

    Before an adapter, and with gradient checkpointing, the input embeddings of every part are asked for gradients; a
    tower's are its patches, so all its layers would be saved, computed again and gone back through for nothing.
    """
    import torch

    tower = model.model.vision_tower
    tower.forward = torch.no_grad()(tower.forward)


def load_on_one_rank() -> None:
    """Leave the weights to rank 0, which sends the others their part; transformers would fill every rank with zeros.

    Axolotl asks for this itself where there is an adapter. It must not where the base is trained: the optimizer's state
    could not be gathered. Stage align, too, has a frozen base.
    """
    from axolotl.monkeypatch.accelerate.fsdp2 import patch_move_missing_keys_meta_for_fsdp

    patch_move_missing_keys_meta_for_fsdp()


def give_projector_whole(model: Any) -> None:
    """Let PEFT save the trained projector whole, also where FSDP2 shares it out over the ranks."""
    for name, module in model.named_modules():
        if name.endswith(PROJECTOR) and hasattr(module, "modules_to_save"):
            give_whole(module)


def keep_projector_in_float32(model: Any) -> None:
    """Keep the trained projector and, with it, the optimizer's state in float32; autocast computes in bf16.

    PEFT does so for a LoRA alone. At the recipes' learning rates half of the projector's steps are smaller than
    what a bf16 weight can take up. DeepSpeed keeps float32 copies itself, and under ZeRO-3 the weights are not here.
    """
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and is_projector(name) and not hasattr(parameter, "ds_id"):
            parameter.data = parameter.data.float()


def forget_finish(cfg: DictDefault) -> None:
    """Remove an earlier run's mark from the output folder, and remember when its weights were written."""
    if _main_process(cfg):
        (Path(cfg.output_dir) / projector.FINISHED).unlink(missing_ok=True)
        cfg.weights_before = _weights_time(cfg)


def remove_unfinished_checkpoints(cfg: DictDefault) -> None:
    """Remove checkpoints that a killed run left half-written; a resume would take the newest and fail."""
    if not _main_process(cfg):
        return
    for folder in Path(cfg.output_dir).glob("checkpoint-*"):
        try:
            json.loads((folder / _CHECKPOINTED_LAST).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            LOG.warning("%s was not written to its end; it is removed", folder)
            shutil.rmtree(folder, ignore_errors=True)


def note_finish(cfg: DictDefault) -> None:
    """Leave with the output what it was made of and, once its final weights are there, that it is finished."""
    if not _main_process(cfg):
        return
    out = Path(cfg.output_dir)
    shutil.copyfile(Path(cfg.base_model) / COMPOSITION, out / COMPOSITION)
    if _weights_time(cfg) != cfg.weights_before:
        parts = json.loads((out / COMPOSITION).read_text(encoding="utf-8"))
        finished = {
            "stage": cfg.stage or "instruct",
            "base": parts["base"]["config"],
            "tower": parts["tower"]["config"],
            "datasets": [entry["path"] for entry in cfg.datasets or []],
            # Without the ranks a reader could not tell how large a step was.
            "hyperparameters": hyperparameters.shown(cfg) | {"ranks": int(os.environ.get("WORLD_SIZE", "1"))},
        }
        (out / projector.FINISHED).write_text(json.dumps(finished, indent=1), encoding="utf-8")


def _main_process(cfg: DictDefault) -> bool:
    return int(os.environ.get("RANK", cfg.local_rank or 0)) == 0


def _weights_time(cfg: DictDefault) -> int | None:
    file = Path(cfg.output_dir) / (projector.WEIGHTS if cfg.stage == "align" else ADAPTER_WEIGHTS)
    return file.stat().st_mtime_ns if file.is_file() else None


def load_projector(model: Any, folder: str | Path) -> None:
    """Put a saved projector's weights into a LLaVA model."""
    weights = projector.load(Path(folder))
    for name, parameter in model.model.multi_modal_projector.named_parameters():
        parameter.data.copy_(part_of(weights[f"{projector.PREFIX}{name}"], parameter))


def check_roles(model: Any, cfg: DictDefault) -> None:
    """Check that exactly the parameters of the recipe's stage are trainable, and say which.

    Raises:
        RecipeError: something else would be trained, or something would not.
    """
    trainable = {name: p.numel() for name, p in model.named_parameters() if p.requires_grad}
    lora = {name: size for name, size in trainable.items() if ".lora_" in name}
    bridge = {name: size for name, size in trainable.items() if is_projector(name)}
    other = sorted(set(trainable) - set(lora) - set(bridge))
    problems = []
    if len(bridge) != 4:
        problems.append(f"{len(bridge)} of the projector's 4 tensors are trainable")
    if cfg.stage == "align" and lora:
        problems.append("a LoRA is trainable in stage align; leave `adapter:` out")
    if cfg.stage != "align" and not lora:
        problems.append("no LoRA is trainable in stage instruct; set `adapter: lora` or `qlora`")
    if other or any("language_model" not in name for name in lora):
        outside = other or [name for name in lora if "language_model" not in name]
        problems.append(f"{len(outside)} tensors outside the stage are trainable, first {outside[0]}")
    if problems:
        raise RecipeError([f"stage {cfg.stage or 'instruct'}: {problem}" for problem in problems])
    LOG.info(
        "stage %s trains: projector %s parameters in 4 tensors, LoRA %s in %d; everything else is frozen",
        cfg.stage or "instruct",
        f"{sum(bridge.values()):,}",
        f"{sum(lora.values()):,}",
        len(lora),
    )
    start = (cfg.projector or {}).get("init_from")
    LOG.info("the projector starts %s", f"from stage 1's, in {start}" if start else "fresh: there is no init_from")
