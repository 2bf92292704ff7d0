"""Every shipped recipe is loaded, validated and composed, against tiny stand-ins of its base, tower and data."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml

from bimedix2_plugin.rehearse import tiny, tiny_families, tiny_native
from tests.helpers import tiny_data

FOLDER = Path(__file__).parents[1] / "recipes"
ROOMS = ("", "ablations", "bases", "native", "towers")
RECIPES = [path for room in ROOMS for path in sorted((FOLDER / room).glob("*.yml"))]
NAMES = [path.relative_to(FOLDER).with_suffix("").as_posix() for path in RECIPES]
PAIRS = [name for name in NAMES if f"{name}_stage1" in NAMES]
FIRST = {name: f"{name}_stage1" for name in PAIRS} | {
    "bimedix2_8b_qlora": "bimedix2_8b_stage1",
    "bimedix2_70b_qlora": "bimedix2_70b_stage1",
    "ablations/arabic": "bimedix2_8b_stage1",
    "ablations/english": "bimedix2_8b_stage1",
}
FULL_SIZE = [path for path in RECIPES if not path.stem.startswith("quickstart")]
EACH_RECIPE = pytest.mark.parametrize("path", RECIPES, ids=NAMES)
STAND_INS = {
    "meta-llama/Llama-3.1-8B-Instruct": "llama3",
    "meta-llama/Llama-3.1-70B-Instruct": "llama3",
    "./parts/smollm2": "chatml",
    "microsoft/Phi-3.5-mini-instruct": "phi3",
    "Qwen/Qwen3-8B": "qwen3",
    "google/gemma-3-1b-it": "gemma3_text",
    "inceptionai/Jais-2-8B-Chat": "jais2",
    "mistralai/Mistral-7B-Instruct-v0.3": "mistral",
    "silma-ai/SILMA-9B-Instruct-v1.0": "gemma2",
    "openai/clip-vit-large-patch14-336": "clip",
    "google/siglip-so400m-patch14-384": "siglip",
    "flaviagiammarino/pubmed-clip-vit-base-patch32": "pubmed_clip",
    "./parts/dinov2": "dino",
    "microsoft/rad-dino": "dino",
    "llava-hf/llava-1.5-7b-hf": "llava",
    "google/medgemma-4b-it": "gemma3",
    "Qwen/Qwen2.5-VL-7B-Instruct": "qwen2_5_vl",
    "Qwen/Qwen3-VL-8B-Instruct": "qwen3_vl",
}
H100 = {"bf16": True, "fp8": True, "tf32": True, "n_gpu": 8, "compute_capability": "sm_90"}


def _read(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_recipes_are_counted():
    assert NAMES == [
        "bimedix2_4b",
        "bimedix2_4b_stage1",
        "bimedix2_70b",
        "bimedix2_70b_qlora",
        "bimedix2_70b_stage1",
        "bimedix2_8b",
        "bimedix2_8b_qlora",
        "bimedix2_8b_stage1",
        "quickstart",
        "quickstart_stage1",
        "ablations/arabic",
        "ablations/english",
        "ablations/without_stage1",
        "bases/arabic_9b",
        "bases/arabic_9b_stage1",
        "bases/gemma3_1b",
        "bases/gemma3_1b_stage1",
        "bases/jais2_8b",
        "bases/jais2_8b_stage1",
        "bases/mistral_7b",
        "bases/mistral_7b_stage1",
        "bases/qwen3_8b",
        "bases/qwen3_8b_stage1",
        "native/llava_finished",
        "native/medgemma_4b",
        "native/qwen2_5_vl_7b",
        "native/qwen3_vl_8b",
        "towers/medical_clip_8b",
        "towers/medical_clip_8b_stage1",
        "towers/rad_dino_8b",
        "towers/rad_dino_8b_stage1",
        "towers/siglip_8b",
        "towers/siglip_8b_stage1",
    ]
    assert len(NAMES) == 33


def test_every_yaml_file_of_the_recipes_is_a_recipe_a_mixture_or_for_a_cluster():
    others = [
        path
        for folder in ("data", "cluster", "curation", "curation/prompts")
        for path in (FOLDER / folder).glob("*.yml")
    ]
    assert sorted(FOLDER.rglob("*.yml")) == sorted([*RECIPES, *others])


def test_no_two_recipes_write_to_one_folder():
    assert len({_read(path)["output_dir"] for path in RECIPES}) == len(RECIPES)


def test_workers_hold_few_batches_ready():
    """Axolotl's default, where no key is set, is 256 batches of pixels for each worker."""
    assert {_read(path)["dataloader_prefetch_factor"] for path in RECIPES} == {4}
    assert all(_read(path)["dataloader_num_workers"] for path in RECIPES)


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stand-ins")
    tiny.llama(folder / "llama3", tied=False, style="llama3")
    tiny.llama(folder / "chatml", tied=True)
    tiny.clip_vision(folder / "clip")
    tiny.dinov2(folder / "dino")
    tiny.siglip_whole(folder / "siglip")
    tiny.clip_whole(folder / "pubmed_clip", as_bin=True)
    for family in ("phi3", "qwen3", "gemma2", "gemma3_text", "jais2", "mistral"):
        tiny_families.base(folder / family, family)
    for model_type in tiny_native.MAKERS:
        tiny_native.native(folder / model_type, model_type)
    return folder


@pytest.fixture
def stage(stand_ins, tmp_path, monkeypatch):
    """A working directory with the recipe's data, and its stage 1 where it starts from one."""

    def prepare(recipe):
        for entry in [*recipe["datasets"], *recipe.get("test_datasets", [])]:
            data = tmp_path / entry["path"]
            if not data.exists():
                tiny_data.dataset(data)
            for split in ({entry["split"]} - {"train"}) if entry else ():
                shutil.copy(data / "test-00000-of-00001.parquet", data / f"{split}-00000-of-00001.parquet")
        return recipe | {
            key: str(stand_ins / STAND_INS[recipe[key]]) for key in ("base_model", "vision_tower") if key in recipe
        }

    monkeypatch.chdir(tmp_path)
    return prepare


def _validated(recipe):
    """Run the plugin's checks and Axolotl's validation, with the GPUs that the recipe is for."""
    from axolotl.cli.config import prepare_plugins
    from axolotl.utils.config import validate_config
    from axolotl.utils.dict import DictDefault

    cfg = DictDefault(recipe)
    prepare_plugins(cfg)
    return validate_config(cfg, capabilities=H100, env_capabilities={"torch_version": "2.14.1"})


@EACH_RECIPE
def test_loaded_validated_and_composed(stage, path):
    from bimedix2_plugin.model.compose import compose, load
    from bimedix2_plugin.model.request import request_of

    recipe = stage(_read(path))
    starts_from = recipe["projector"].pop("init_from", None)
    cfg = _validated(recipe)
    folder = compose(request_of(cfg, weights=True))
    _, report = load(folder, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"]
    alone = path == FOLDER / "ablations/without_stage1.yml" or not cfg.vision_tower
    assert bool(starts_from) == (cfg.stage == "instruct" and not alone)


def _header(path):
    lines = path.read_text(encoding="utf-8").partition("\nbase_model:")[0].splitlines()
    return " ".join(line.lstrip("# ") for line in lines)


@EACH_RECIPE
def test_header_says_what_a_user_must_know(path):
    text = _header(path)
    assert "Hardware:" in text and "Run:" in text and "Expected:" in text
    assert ("Run first:" in text) == (_read(path)["stage"] == "instruct")
    if "quickstart" not in path.stem:
        assert "never run at this size" in text


def _pair(name):
    return _read(FOLDER / f"{name}_stage1.yml"), _read(FOLDER / f"{name}.yml")


@pytest.mark.parametrize("name", PAIRS)
def test_stages_agree_on_what_they_share(name):
    first, second = _pair(name)
    assert second["projector"]["init_from"] == first["output_dir"]
    for key in ("base_model", "vision_tower", "chat_template", "plugins", "attn_implementation"):
        assert first[key] == second[key]


@pytest.mark.parametrize("name", FIRST)
def test_a_stage_2_without_its_stage_1_names_the_recipe_to_run(tmp_path, monkeypatch, name):
    from axolotl.cli.config import prepare_plugins
    from axolotl.utils.dict import DictDefault

    from bimedix2_plugin.errors import RecipeError

    shutil.copytree(FOLDER, tmp_path / "recipes")
    monkeypatch.chdir(tmp_path)
    path = Path("recipes", f"{name}.yml")
    with pytest.raises(RecipeError) as caught:
        prepare_plugins(DictDefault(_read(path) | {"axolotl_config_path": str(path)}))
    assert f"recipes/{FIRST[name]}.yml" in _header(path)
    (start,) = [problem for problem in caught.value.problems if problem.startswith("projector.init_from")]
    assert start.endswith(f"Run `axolotl train recipes/{FIRST[name]}.yml` first.")


@pytest.fixture
def planned(tmp_path, monkeypatch):
    """A recipe's plan on the GPUs of its header, where neither its models nor its data are."""
    monkeypatch.chdir(tmp_path)

    def plan(path):
        from bimedix2_plugin.plan.planner import make_plan
        from bimedix2_plugin.recipe import read

        gpus, gpu = re.search(
            rf"bimedix2-plan {path.relative_to(FOLDER.parent)} --gpus (\d+) --gpu ([\w-]+)`", _header(path)
        ).groups()
        return make_plan(read(path), gpus=int(gpus), gpu=gpu)

    return plan


@pytest.mark.parametrize("path", FULL_SIZE, ids=lambda path: path.stem)
def test_expected_time_memory_and_rows_a_step_are_the_plans(planned, path):
    """Rows a step: rows a pack x packs x accumulation x GPUs; the paper's batch: 128 rows in stage 2, 8 in stage 1.

    Stage 1 of the 70B has the released script's 64, because its weights are gathered for each batch.
    """
    plan, recipe, text = planned(path), _read(path), path.read_text(encoding="utf-8")
    hours, gpus, gib, room = re.search(
        r"Expected: (?:about|at least) ([\d.]+) h on (\d) .*?, (\d+) of (\d+) GiB per GPU", _header(path)
    ).groups()
    assert (int(gpus), int(room)) == (plan["gpus"], plan["gpu memory"] / 2**30)
    assert float(hours) == pytest.approx(plan["hours"], rel=0.05)
    assert int(gib) == pytest.approx(sum(plan["memory"][plan["parallel"]].values()) / 2**30, abs=0.6)
    shown = re.search(r"takes (\d+)% of the computing time", " ".join(_header(path).split()))
    assert bool(shown) == (plan["parallel"] == "fsdp2")
    if shown:
        share = plan["communication"]["hours"]["fsdp2"] / plan["hours"]
        assert int(shown[1]) == pytest.approx(100 * share, abs=0.6)
    if recipe["stage"] == "align":
        assert plan["step"]["rows"] == (64 if plan["parallel"] == "fsdp2" else 8)
        return
    assert plan["step"]["rows"] == pytest.approx(128, rel=0.15)
    rows, packs, steps, ranks, total = map(
        int, re.search(r"# (\d+) rows x (\d+) x (\d+) x (\d+) GPUs? = (\d+) rows per step", text).groups()
    )
    assert (packs, steps, ranks) == (recipe["micro_batch_size"], recipe["gradient_accumulation_steps"], int(gpus))
    assert rows * packs * steps * ranks == total and 0.85 * 128 <= total <= 1.15 * 128
    assert rows == round(plan["step"]["rows"] / (packs * steps * ranks))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bimedix2_8b_qlora", {"adapter", "load_in_4bit", "gradient_accumulation_steps", "output_dir"}),
        ("ablations/arabic", {"datasets", "gradient_accumulation_steps", "output_dir"}),
        ("ablations/english", {"datasets", "output_dir"}),
        ("ablations/without_stage1", {"projector", "output_dir"}),
    ],
)
def test_a_variant_differs_from_the_8b_in_what_it_says_alone(name, expected):
    eight, other = _read(FOLDER / "bimedix2_8b.yml"), _read(FOLDER / f"{name}.yml")
    assert {key for key in {*eight, *other} if eight.get(key) != other.get(key)} == expected
    if "projector" in expected:
        assert other["projector"] == {key: eight["projector"][key] for key in ("kind", "learning_rate")}
    if "datasets" in expected:
        assert [eight["datasets"][0] | {"path": other["datasets"][0]["path"]}] == other["datasets"]


def test_the_ablations_mixtures_are_the_papers_cut_by_language():
    """Table 12's rows, English and Arabic (arXiv 2412.07769 v2)."""
    whole, english, arabic = (_read(FOLDER / "data" / f"bimed_v{part}.yml") for part in ("", "_en", "_ar"))
    assert (english.pop("name"), arabic.pop("name")) == ("bimed-v-en", "bimed-v-ar")
    kept = [source for source in whole["sources"] if source.get("languages") != ["ar"]]
    assert english.pop("sources") == kept and sum(source["rows"] for source in kept) == 1_032_949
    other = [source for source in whole["sources"] if source not in kept]
    assert arabic.pop("sources") == other and sum(source["rows"] for source in other) == 658_458
    rest = {key: value for key, value in whole.items() if key not in ("name", "sources")}
    assert english == arabic == rest


def test_8b_carries_the_papers_values():
    """arXiv 2412.07769 v2, Table 11, and its code's defaults."""
    first, second = _pair("bimedix2_8b")
    assert (first["learning_rate"], first["sequence_len"], first["num_epochs"]) == (1e-3, 2048, 1)
    assert (second["learning_rate"], second["projector"]["learning_rate"]) == (2e-4, 2e-5)
    assert (second["lora_r"], second["lora_alpha"], second["lora_dropout"]) == (8, 16, 0.05)
    assert (second["sequence_len"], second["num_epochs"], second["image_aspect"]) == (4096, 1, "pad")
    for recipe in (first, second):
        assert (recipe["weight_decay"], recipe["warmup_ratio"], recipe["lr_scheduler"]) == (0, 0.03, "cosine")
    assert not first["sample_packing"]
