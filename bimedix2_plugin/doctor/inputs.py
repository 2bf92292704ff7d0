"""What a recipe reads: its datasets, its models, its stage 1, and an earlier run in its output folder."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bimedix2_plugin.data.prepared_set import MANIFEST, data_paths
from bimedix2_plugin.data.rendering import RowError
from bimedix2_plugin.doctor.finding import Finding
from bimedix2_plugin.model import native, projector
from bimedix2_plugin.model.base_kind import check_base
from bimedix2_plugin.model.compose import COMPOSITION
from bimedix2_plugin.model.model_folder import Source
from bimedix2_plugin.model.safetensors_index import read_shards
from bimedix2_plugin.plan import row_lengths
from bimedix2_plugin.plan.model_sizes import Models, local_folder, text_renderer
from bimedix2_plugin.plan.planner import IMAGE_SIZE
from bimedix2_plugin.recipe import settings

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault

_FIRST_ROWS = 64
_GB = 1e9


def shards(cfg: DictDefault) -> Iterator[Finding]:
    """Check that each dataset has the files of its manifest."""
    for path in dict.fromkeys(data_paths(cfg)):
        manifest = Path(path) / MANIFEST
        if not manifest.is_file():
            continue  # the recipe's own check says how to build it
        content = json.loads(manifest.read_text(encoding="utf-8"))
        files = content["shards"] | {f"images/{name}": part for name, part in content["images"].items()}
        wrong = [name for name, part in files.items() if _size(Path(path) / name) != part["bytes"]]
        if wrong:
            text = f"datasets: {path}: {', '.join(wrong)}: missing, or not of the size in the manifest. Build it again."
            yield Finding("fail", text)
        else:
            yield Finding("ok", f"datasets: {path} is complete, {content['written']:,} rows")


def _size(file: Path) -> int | None:
    return file.stat().st_size if file.is_file() else None


def rendered(cfg: DictDefault, models: Models, scratch: Path) -> Iterator[Finding]:
    """Render the first rows as training does."""
    renderer = text_renderer(cfg, models, scratch)
    if renderer is None:
        yield Finding("warn", f"chat_template: the tokenizer of {models.base.name} is not here, nothing was rendered")
        return
    yield Finding("ok", "chat_template: renders a conversation with labels on the answers")
    if not row_lengths.built(cfg):
        return
    rejected: Counter[str] = Counter()
    first = list(islice(row_lengths.read_rows(cfg), _FIRST_ROWS))
    for path, row in first:
        try:
            if len(row_lengths.tokenised(renderer, path, row).input_ids) > cfg.sequence_len:
                rejected["too_long"] += 1
        except RowError as error:
            rejected[error.reason] += 1
    counts = ", ".join(f"{reason} {count}" for reason, count in rejected.items())
    text = f"datasets: {len(first) - rejected.total()} of the first {len(first)} rows can be used"
    if not rejected:
        yield Finding("ok", text)
    else:
        level = "fail" if rejected.total() == len(first) else "warn"
        yield Finding(level, f"{text}; the others will be rejected: {counts}. Check them, or sequence_len.")


def base(models: Models) -> Iterator[Finding]:
    """Check that the base is of a kind that the recipe can use; yields nothing if it is."""
    check_base(models.base.name, models.base.config, with_tower=models.tower is not None)
    yield from ()


def whole(cfg: DictDefault, models: Models, scratch: Path) -> Iterator[Finding]:
    """Check what a base that already sees needs: its processor, its packages, an attention that fits it."""
    model = models.whole(cfg, scratch)
    if models.tower is None:
        width, height = IMAGE_SIZE
        tokens = model.image_tokens(width, height)
        yield Finding("ok", f"base_model: it sees; an image of {width} x {height} pixels takes {tokens} tokens")
    for package, command in model.PACKAGES.items():
        found = find_spec(package) is not None
        text = f"{package}: installed" if found else f"{package}: the base's processor needs it. Run `{command}`."
        yield Finding("ok" if found else "fail", text)
    model.check_attention(cfg.attn_implementation, models.base.name)


def weights(key: str, source: Source, revision: str | None) -> Iterator[Finding]:
    """Check that the files of the model that a key names are here or can be downloaded."""
    if local_folder(source.name, revision) is None:
        yield _on_the_hub(key, source.name, revision)
        return
    if source.revision != "local" and not source.has_weights:  # data was prepared, which downloads no weights
        yield _on_the_hub(key, source.name, revision)
        return
    if not (source.folder / "pytorch_model.bin").is_file():
        read_shards(key, source.folder)
    yield Finding("ok", f"{key}: {source.name}, a {source.config['model_type']} with all of its files")


def _on_the_hub(key: str, name: str, revision: str | None) -> Finding:
    """Ask the Hub for a model that is not here, and the cache's disk for its size."""
    from huggingface_hub import HfApi, auth_check, constants
    from huggingface_hub.errors import GatedRepoError

    if constants.is_offline_mode():
        text = f"{key}: the weights of {name} are not here, and HF_HUB_OFFLINE forbids asking the Hub. "
        text += f"Run `hf download {name}`."
        return Finding("fail", text)
    try:
        auth_check(name)
        files = HfApi().model_info(name, revision=revision, files_metadata=True, timeout=20).siblings or []
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        remedy = "Run `hf auth login`, or check the name."
        if isinstance(error, GatedRepoError):
            remedy = f"Ask for access at https://huggingface.co/{name}, then run `hf auth login` or set HF_TOKEN."
        return Finding("fail", f"{key}: {name} is not here, and the Hub refuses it ({reason}). {remedy}")
    size = sum(file.size or 0 for file in files if file.rfilename.endswith(".safetensors")) / _GB
    text = f"{key}: {name} is not here; {size:.0f} GB will be downloaded"
    cache = Path(constants.HF_HUB_CACHE).absolute()
    free = shutil.disk_usage(next(path for path in (cache, *cache.parents) if path.exists())).free / _GB
    if free < size:
        return Finding("fail", f"{text}, but {cache} has {free:.0f} GB free. Set HF_HOME to a folder on a larger disk.")
    return Finding("warn", f"{text}. To do so now: `hf download {name}`.")


def same_projector(cfg: DictDefault, before: DictDefault, start: str) -> Finding:
    """Compare what decides the projector's shape and meaning with the recipe whose output the run will start from."""

    def decides(recipe: DictDefault) -> dict[str, Any]:
        ours = settings(recipe)
        keys = ("base_model", "revision_of_model", "vision_tower", "vision_tower_revision")
        return {key: recipe.get(key) for key in keys} | {
            "projector.kind": ours.projector.kind,
            "vision_feature_layer": ours.vision_feature_layer,
            "stage": "align",
        }

    here, there = decides(cfg), decides(before) | {"stage": settings(before).stage}
    other = [key for key in here if here[key] != there[key]]
    first = before.axolotl_config_path
    if other:
        text = f"projector.init_from: {start} will be of another {', '.join(other)}. Make them equal in {first}."
        return Finding("fail", text)
    return Finding("ok", f"projector.init_from: {start} will be made by {first}")


def stage_1(cfg: DictDefault, models: Models) -> Iterator[Finding]:
    """Check that a finished stage 1 is of this base and tower."""
    ours = settings(cfg)
    start = ours.projector.init_from
    if not start or not (Path(start) / projector.FINISHED).is_file():
        return  # the recipe's own check reports a stage 1 that is not finished
    if models.tower is None:
        native.check_stage_1(Path(start), models.base)
        yield Finding("ok", f"projector.init_from: {start} is a finished stage 1 of this base")
        return
    width = int(models.base.config["hidden_size"])
    shape = projector.ProjectorShape(ours.projector.kind, models.tower.hidden, width, ours.vision_feature_layer)
    projector.check(Path(start), shape, {"base": models.base.config, "tower": models.tower.source.config})
    yield Finding("ok", f"projector.init_from: {start} is a finished stage 1 of this base and tower")


def output(cfg: DictDefault, models: Models) -> Iterator[Finding]:
    """Check that the output folder holds no run of other models or of the other stage."""
    out = Path(cfg.output_dir or "model-out")
    if not (out / COMPOSITION).is_file():
        yield Finding("ok", f"output_dir: {out} holds no other run")
        return
    made = json.loads((out / COMPOSITION).read_text(encoding="utf-8"))
    here = {"base": models.base.config} | ({"tower": models.tower.source.config} if models.tower else {})
    other = [part for part, config in here.items() if made.get(part, {}).get("config") != config]
    if (out / projector.WEIGHTS).is_file() != (settings(cfg).stage == "align"):
        other.append("stage")
    if other:
        text = f"output_dir: {out} holds a run of another {' and '.join(other)}. Move it, or name another folder."
        yield Finding("fail", text)
    else:
        yield Finding("ok", f"output_dir: {out} holds this run, which resumes from its last checkpoint")
