"""The recipes for many GPUs and what starts them: 70B, DeepSpeed's files, Ray and SLURM."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.plan.memory import recipe_mode
from tests.helpers import runs, tiny_data

ROOT = Path(__file__).parents[2]
CLUSTER = ROOT / "recipes" / "cluster"
H100 = {"bf16": True, "fp8": True, "tf32": True, "n_gpu": 8, "compute_capability": "sm_90"}

CHECKPOINTING = {
    "gradient_checkpointing",
    "gradient_checkpointing_kwargs",
}  # under FSDP2 `fsdp_config` has a key for it


def _read(name):
    return yaml.safe_load((ROOT / "recipes" / f"{name}.yml").read_text(encoding="utf-8"))


def _validated(recipe):
    from axolotl.cli.config import prepare_plugins
    from axolotl.utils.config import validate_config
    from axolotl.utils.dict import DictDefault

    cfg = DictDefault(recipe)
    prepare_plugins(cfg)
    return validate_config(cfg, capabilities=H100, env_capabilities={"torch_version": "2.14.1"})


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working directory with the recipes' data."""
    tiny_data.dataset(tmp_path / "data" / "bimed-v")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_70b_differs_from_8b_in_its_base_and_its_parallelism_alone():
    for stage in ("", "_stage1"):
        eight, seventy = _read(f"bimedix2_8b{stage}"), _read(f"bimedix2_70b{stage}")
        changed = {key for key in {*eight, *seventy} if eight.get(key) != seventy.get(key)}
        rows = {"micro_batch_size"} if stage else set()  # stage 1 of the 70B gathers its weights for 8 rows, not for 1
        assert changed - {"projector", "save_steps"} == {
            "base_model",
            "fsdp_config",
            "ddp_timeout",
            "output_dir",
            *CHECKPOINTING,
            *rows,
        }
        assert recipe_mode_name(seventy) == "fsdp2"
    small, large = _read("bimedix2_70b"), _read("bimedix2_70b_qlora")
    changed = {key for key in {*small, *large} if small.get(key) != large.get(key)}
    assert changed - {"fsdp_config", "ddp_timeout", *CHECKPOINTING} == {
        "adapter",
        "load_in_4bit",
        "gradient_accumulation_steps",
        "output_dir",
    }


def test_a_recipe_recomputes_its_layers_once_and_under_fsdp2_by_fsdps_own_key():
    """transformers refuses both keys together, but only once the model is loaded."""
    for path in sorted((ROOT / "recipes").rglob("bimedix2_*.yml")):
        recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
        fsdp = recipe.get("fsdp_config")
        assert bool(recipe.get("gradient_checkpointing")) != bool(fsdp), path.name
        assert not fsdp or fsdp["activation_checkpointing"], path.name


def recipe_mode_name(recipe):
    from axolotl.utils.dict import DictDefault

    return recipe_mode(DictDefault(recipe)).name


@pytest.mark.parametrize(
    ("path", "first"),
    [("recipes/bimedix2_70b.yml", "`axolotl train recipes/bimedix2_70b_stage1.yml`"), (None, "its recipe to the end")],
)
def test_70b_alone_says_what_to_run_first(place, path, first):
    shutil.copytree(ROOT / "recipes", place / "recipes")
    with pytest.raises(RecipeError) as caught:
        _validated(_read("bimedix2_70b") | {"axolotl_config_path": path})
    start = "projector.init_from: ./outputs/bimedix2_70b_stage1 holds no finished stage 1."
    assert caught.value.problems == [f"{start} Run {first} first."]


@pytest.mark.parametrize("stage", [2, 3])
def test_70b_with_deepspeed_in_the_place_of_fsdp2(place, stage):
    shutil.copytree(CLUSTER, place / "recipes" / "cluster")
    recipe = _read("bimedix2_70b") | {"deepspeed": f"recipes/cluster/zero{stage}.json", "gradient_checkpointing": True}
    del recipe["fsdp_config"], recipe["projector"]["init_from"]
    assert recipe_mode(_validated(recipe)).name == f"zero{stage}"
    settings = json.loads((CLUSTER / f"zero{stage}.json").read_text())
    assert settings["gradient_accumulation_steps"] == settings["train_micro_batch_size_per_gpu"] == "auto"
    assert settings["communication_data_type"] == "fp32"  # of the gradients; by default DeepSpeed sums them in bf16
    if stage == 3:  # without it the LoRA could not be saved as a whole
        assert settings["zero_optimization"]["stage3_gather_16bit_weights_on_model_save"]


def test_keys_for_ray_are_axolotls(place):
    recipe = _read("bimedix2_8b") | yaml.safe_load((CLUSTER / "ray.yml").read_text())
    del recipe["projector"]["init_from"]
    cfg = _validated(recipe)
    assert cfg.use_ray and cfg.ray_num_workers == 8 and cfg.resources_per_worker.GPU == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"deepspeed": "zero3.json"}, "deepspeed: leave it out; its checkpoints hold the frozen model"),
        ({"fsdp_config": {"state_dict_type": "SHARDED_STATE_DICT"}}, "state_dict_type: set it to FULL_STATE_DICT"),
        ({"fsdp_config": {"fsdp_version": 2}}, "state_dict_type: set it to FULL_STATE_DICT"),
    ],
)
def test_align_is_refused_where_it_would_lose_its_end_or_save_the_frozen_model(work, changes, message):
    with pytest.raises(RecipeError) as caught:
        runs.configuration(**runs.ALIGN, **changes)
    assert any(message in problem for problem in caught.value.problems)


def test_a_lora_is_refused_where_each_checkpoint_would_gather_the_frozen_model(work):
    with pytest.raises(RecipeError) as caught:
        runs.configuration(fsdp_config={"state_dict_type": "FULL_STATE_DICT", "offload_params": True})
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "fsdp_config.state_dict_type",
        "fsdp_config.offload_params",
    ]


@pytest.fixture
def cluster(place):
    """A folder with the SLURM script, and stand-ins of srun and scontrol that keep what they were asked."""
    shutil.copytree(ROOT / "recipes", place / "recipes")
    commands = place / "bin"
    commands.mkdir()
    (commands / "srun").write_text('#!/bin/bash\necho "srun $*" >> calls\n[[ -e slow ]] && exec sleep 60\nexit 0\n')
    (commands / "scontrol").write_text('#!/bin/bash\n[[ $1 == show ]] && echo node1 || echo "scontrol $*" >> calls\n')
    for command in commands.iterdir():
        command.chmod(0o755)
    environment = os.environ | {"PATH": f"{commands}:{os.environ['PATH']}", "SLURM_JOB_ID": "7", "SLURM_NNODES": "2"}
    return ["bash", "recipes/cluster/train.slurm", "recipes/bimedix2_70b.yml"], environment | {
        "SLURM_JOB_NODELIST": "node[1-2]"
    }


def test_slurm_starts_the_recipe_on_every_node(cluster, place):
    command, environment = cluster
    assert subprocess.run(command, check=False, env=environment, timeout=60).returncode == 0
    call = (place / "calls").read_text()
    assert "axolotl train recipes/bimedix2_70b.yml --launcher torchrun -- --nnodes=2 --nproc-per-node=8" in call
    assert "--rdzv-endpoint=node1:29500" in call


def test_lumi_starts_the_same_through_its_container(cluster, place):
    (_, _, recipe), environment = cluster
    command = ["bash", "recipes/cluster/lumi.slurm", recipe]
    without = subprocess.run(command, check=False, env=environment, timeout=60, capture_output=True, text=True)
    assert without.returncode != 0 and "name the container" in without.stderr and not (place / "calls").exists()
    environment |= {"SIF": "/images/rocm.sif", "HF_HOME": "/scratch/hf", "SLURM_GPUS_ON_NODE": "8"}
    assert subprocess.run(command, check=False, env=environment, timeout=60).returncode == 0
    call = (place / "calls").read_text()
    container = f"singularity exec --bind {place},/scratch/hf /images/rocm.sif .venv/bin/axolotl"
    assert f"{container} train recipes/bimedix2_70b.yml --launcher torchrun -- --nnodes=2 --nproc-per-node=8" in call


def test_slurm_serves_a_model_over_the_nodes(cluster, place):
    _, environment = cluster
    environment |= {"RAY_WAIT": "0", "SLURM_GPUS_ON_NODE": "4"}
    command = ["bash", "recipes/cluster/serve.slurm", "outputs/m", "--max-model-len", "4096"]
    assert subprocess.run(command, check=False, env=environment, timeout=60).returncode == 0
    calls = (place / "calls").read_text().splitlines()
    assert any("-w node1 .venv-vllm/bin/ray start --head --node-ip-address=node1" in call for call in calls)
    assert any("--exclude=node1 .venv-vllm/bin/ray start --address=node1:6379 --num-gpus=4" in call for call in calls)
    (serve,) = [call for call in calls if "vllm serve" in call]
    assert "--tensor-parallel-size 4 --pipeline-parallel-size 2 --max-model-len 4096" in serve
    without = subprocess.run(command[:2], check=False, env=environment, timeout=60, capture_output=True, text=True)
    assert without.returncode != 0 and "say which model" in without.stderr


def test_slurm_puts_a_job_out_of_time_back_into_the_queue(cluster, place):
    command, environment = cluster
    (place / "slow").touch()
    job = subprocess.Popen(command, env=environment)
    try:
        while not (place / "calls").exists():
            assert job.poll() is None
        job.send_signal(subprocess.signal.SIGUSR1)
        assert job.wait(timeout=60) == 0
    finally:
        job.kill()
    assert (place / "calls").read_text().splitlines()[-1] == "scontrol requeue 7"


def test_slurm_does_not_train_a_finished_stage_again(cluster, place):
    command, environment = cluster
    finished = place / "outputs" / "bimedix2_70b" / "finished.json"
    finished.parent.mkdir(parents=True)
    finished.touch()
    result = subprocess.run(command, check=False, env=environment, timeout=60, capture_output=True, text=True)
    assert result.returncode == 0 and "is finished" in result.stdout and not (place / "calls").exists()


def test_a_worker_of_ray_goes_on_with_what_its_driver_composed(work, monkeypatch):
    """Ray itself does not run here; Axolotl's worker function does, with what the driver would send it."""
    from axolotl.cli import train

    driver = runs.configuration(use_ray=True, ray_num_workers=2)
    given = []
    monkeypatch.setattr(train, "do_train", lambda cfg, cli_args: given.append(cfg), raising=False)
    monkeypatch.setattr(train, "Accelerator", lambda **_: None, raising=False)
    train.ray_train_func({"cfg": driver.to_dict(), "cli_args": None})
    for key in ("base_model", "tokenizer_config", "dataset_prepared_path", "lora_modules_to_save"):
        assert given[0][key] == driver[key]
    assert given[0].overrides_of_model_kwargs["key_mapping"] == driver.overrides_of_model_kwargs["key_mapping"]
