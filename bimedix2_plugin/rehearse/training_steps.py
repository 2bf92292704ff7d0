"""The steps of a rehearsal that prepare data and train: once whole, on several ranks, and killed and resumed."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

from bimedix2_plugin.rehearse import checkpoint_proofs as files
from bimedix2_plugin.rehearse import training_proofs as runs
from bimedix2_plugin.rehearse.adapt import SAVE_STEPS
from bimedix2_plugin.rehearse.commands import Run
from bimedix2_plugin.rehearse.proof import Proof
from bimedix2_plugin.rehearse.stage import Do, Stage, Step

RANK_STEPS = 2
LABELS = "labels only where they belong"
PACKED = "packed = alone"
MOVED = "only the stage's parameters moved"
RANKS = "n ranks = 1 rank"
RESUMED = "resumed = uninterrupted"
MEMORY = "peak memory = plan"
_KILLED = "killed"
_NO_GPU = "there is no GPU here"


def prepare(stage: Stage) -> Step:
    """Return the step that prepares the data."""

    def proofs() -> list[Proof]:
        find = files.labels_are_answers
        return [stage.shown(LABELS, lambda: find(stage.rows, stage.data, stage.tokenizer, stage.stage))]

    return Step(f"{stage.label}: prepare the data", stage.command("preprocess"), proofs)


def train(stage: Stage) -> Step:
    """Return the step that trains the stage."""

    def proofs() -> list[Proof]:
        seen, shapes = stage.evidence(), stage.place.stand_ins.projector_shapes
        return [
            stage.shown(PACKED, lambda: runs.packed_is_alone(seen, stage.recipe)),
            stage.shown(MOVED, lambda: runs.its_parameters_moved(seen, stage.recipe, shapes)),
            *_other_attention(stage),
            _memory(stage, seen),
        ]

    return Step(f"{stage.label}: train", stage.command("train"), proofs)


def _other_attention(stage: Stage) -> list[Proof]:
    own = stage.adapted.attention
    return [stage.not_here(f"{PACKED} in {own}", _NO_GPU)] if own else []


def _memory(stage: Stage, seen: dict[str, Any]) -> Proof:
    if not stage.place.gpus:
        return stage.not_here(MEMORY, _NO_GPU)

    def find() -> tuple[bool, str]:
        from bimedix2_plugin.plan.planner import make_plan
        from bimedix2_plugin.recipe import read

        plan = make_plan(read(stage.root / f"{stage.stage}.yml"), gpus=stage.place.gpus, gpu="h100-80g")
        return runs.memory_as_planned(seen, sum(plan["memory"][plan["parallel"]].values()))

    return stage.shown(MEMORY, find)


def several_ranks(stage: Stage) -> list[Step]:
    """Return the steps that train on several ranks, and on one with as much more accumulation, without dropout.

    On a CPU two processes communicate through gloo; only they shard.
    """
    ranks = stage.place.gpus or 2
    why = "DeepSpeed needs a GPU" if stage.recipe.get("deepspeed") and not stage.place.gpus else ""
    if why or ranks < 2:
        name = f"{stage.label}: several ranks"
        return [Step(name, lambda run, log: 0, lambda: [stage.not_here(RANKS, why or "there is one GPU here")])]
    accumulation = int(stage.recipe.get("gradient_accumulation_steps") or 1)
    many, one = f"{stage.stage}-{ranks}-ranks", f"{stage.stage}-1-rank"
    short = dict.fromkeys(("save_steps", "test_datasets", "auto_resume_from_checkpoints", "deepspeed", "fsdp_config"))
    short |= {"max_steps": RANK_STEPS, "save_strategy": "no"}
    if stage.recipe.get("adapter"):
        short["lora_dropout"] = 0.0
    sharded = {key: stage.recipe.get(key) for key in ("deepspeed", "fsdp_config")} | stage.adapted.sharding

    def proofs() -> list[Proof]:
        losses = [stage.evidence(name)["losses"] for name in (many, one)]
        return [stage.shown(RANKS, lambda: runs.losses_agree(losses[0], losses[1], stage.recipe))]

    more = {"gradient_accumulation_steps": accumulation * ranks}
    several = (
        _train(stage, many, **short | sharded) if stage.place.gpus else _two_processes(stage, many, short | sharded)
    )
    alone = _train(stage, one, ranks=1, **short | more)
    return [
        Step(f"{stage.label}: train on {ranks} ranks", several),
        Step(f"{stage.label}: train on 1 rank, as many rows a step", alone, proofs),
    ]


def _train(stage: Stage, name: str, ranks: int | None = None, **changes: Any) -> Do:
    watch = {"evidence": str(stage.evidence_path(name)), "compare": False}
    own = {"output_dir": str(stage.root / name), "rehearsal": watch}
    return stage.command("train", name=name, ranks=ranks, **changes | own)


def _two_processes(stage: Stage, name: str, changes: dict[str, Any]) -> Do:
    watch = {"evidence": str(stage.evidence_path(name)), "compare": False}
    recipe = stage.write(name, **changes | {"output_dir": str(stage.root / name), "rehearsal": watch})

    def do(run: Run, log: Path) -> int:
        from bimedix2_plugin.rehearse import rank_jobs, ranks

        try:
            losses = ranks.run(rank_jobs.train, str(recipe), folder=stage.root, log=log)
        except ranks.RankError as error:
            with log.open("a", encoding="utf-8") as file:
                file.write(f"{error}\n")
            return 1
        stage.evidence_path(name).with_suffix(".json").write_text(json.dumps({"losses": losses[0]}), encoding="utf-8")
        return 0

    return do


def killed_and_resumed(stage: Stage) -> list[Step]:
    """Return the steps that kill a training with SIGKILL after its first checkpoint, and that train on."""
    out: dict[str, Any] = {"output_dir": str(stage.root / _KILLED)}
    watch = {"evidence": str(stage.evidence_path(_KILLED)), "compare": False}
    kill = stage.command("train", name="to-be-killed", **out, rehearsal=watch | {"kill_at": SAVE_STEPS})
    again = stage.command("train", name="resumed", **out, rehearsal=watch)

    def proofs() -> list[Proof]:
        return [stage.shown(RESUMED, lambda: _resumed(stage))]

    # torchrun itself ends with 1 when its ranks are killed.
    status = 1 if stage.place.gpus else -signal.SIGKILL
    return [
        Step(f"{stage.label}: train, and be killed after step {SAVE_STEPS}", kill, expected=status),
        Step(f"{stage.label}: resume", again, proofs),
    ]


def _resumed(stage: Stage) -> tuple[bool, str]:
    import torch
    from safetensors.torch import load_file

    whole = stage.evidence()["losses"]
    late = {step: loss for step, loss in stage.evidence(_KILLED)["losses"].items() if int(step) > SAVE_STEPS}
    if len(late) != len(whole) - SAVE_STEPS:
        return False, f"steps {sorted(late)} after the checkpoint of step {SAVE_STEPS}"
    equal, text = runs.losses_agree(late, whole, stage.recipe, exact=True)
    one, other = (load_file(stage.root / name / "adapter_model.safetensors") for name in (_KILLED, stage.stage))
    same = sum(torch.equal(value, other[name]) for name, value in one.items())
    return equal and same == len(other), f"{text}; {same} of {len(other)} trained tensors are equal"
