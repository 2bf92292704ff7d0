"""What the plugin adds to the start of `axolotl train` on a prepared set: `make bench`.

One step of the real command, twice: with the plugin on a tiny LLaVA, and stock Axolotl on text with the same language
model; in turn, several rounds. The difference holds the plugin's checks, its look at the composed model and the data,
and the tower's loading.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from bimedix2_plugin.rehearse import tiny
from tests.bench import command
from tests.helpers import runs, tiny_data

COMMON = (
    "chat_template",
    "sequence_len",
    "micro_batch_size",
    "optimizer",
    "lr_scheduler",
    "learning_rate",
    "bf16",
    "fp16",
    "sample_packing",
    "eval_sample_packing",
    "balance_labels",
    "dataset_num_proc",
)
STOCK = {key: runs.RECIPE[key] for key in (*COMMON, "tf32", "attn_implementation", "seed", "save_strategy")} | {
    "base_model": "./llama",
    "datasets": [{"path": "./text.jsonl", "ds_type": "json", "type": "chat_template"}],
    "adapter": "lora",
    "lora_r": 4,
    "lora_alpha": 8,
    "lora_target_linear": True,
    **dict.fromkeys(
        ("lora_mlp_kernel", "lora_qkv_kernel", "lora_o_kernel"), False
    ),  # stock turns them on; they need CUDA
    "output_dir": "./out-stock",
    "dataset_prepared_path": "./prepared-stock",
}


def main() -> None:
    """Prepare both, start both in turn, print the difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with TemporaryDirectory() as folder, runs.inside(Path(folder)):
        tiny.llama("llama", tied=True)
        tiny.clip_vision("clip")
        tiny_data.dataset("data", rows=200)
        _text_rows(Path("text.jsonl"), 200)
        starts: dict[str, list[tuple[float, float]]] = {"plugin": [], "stock": []}
        for name, recipe in (("plugin", runs.recipe()), ("stock", STOCK)):
            Path(f"{name}.yml").write_text(yaml.safe_dump(recipe | {"max_steps": 1}), encoding="utf-8")
            command.axolotl("preprocess", f"{name}.yml")
        for _ in range(options.rounds):
            for name, measured in starts.items():
                measured.append(command.axolotl("train", f"{name}.yml", "--launcher", "python"))
    print(f"\none step on a prepared set, median of {options.rounds} rounds")
    for place, what in enumerate(("seconds", "seconds of processor time")):
        plugin, stock = ([one[place] for one in starts[name]] for name in starts)
        added = statistics.median(a - b for a, b in zip(plugin, stock, strict=True))
        print(
            f"{what}: plugin {statistics.median(plugin):.1f}, stock {statistics.median(stock):.1f}; "
            f"the plugin and its tower add {added:.1f}"
        )


def _text_rows(path: Path, count: int) -> None:
    turns: list[dict[str, Any]] = [
        {"role": "user", "content": "What is a fracture?"},
        {"role": "assistant", "content": "A fracture is a break in a bone that a radiologist describes with care."},
    ]
    path.write_text((json.dumps({"messages": turns}) + "\n") * count, encoding="utf-8")


if __name__ == "__main__":
    main()
