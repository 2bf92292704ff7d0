"""What the plugin adds to the start of `axolotl train` on a prepared set: `make bench`.

One step of the real command, twice: with the plugin on a tiny LLaVA, and stock Axolotl on text with the same language
model; in turn, several rounds. The difference holds the plugin's checks, its look at the composed model and the data,
and the tower's loading.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import runs
import tiny
import yaml

COMMON = (
    "chat_template",
    "sequence_len",
    "micro_batch_size",
    "optimizer",
    "lr_scheduler",
    "learning_rate",
    "bf16",
    "fp16",
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
    "sample_packing": True,
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
        tiny.dataset("data", rows=200)
        _text_rows(Path("text.jsonl"), 200)
        times: dict[str, list[float]] = {"plugin": [], "stock": []}
        for name, recipe in (("plugin", runs.recipe()), ("stock", STOCK)):
            Path(f"{name}.yml").write_text(yaml.safe_dump(recipe | {"max_steps": 1}), encoding="utf-8")
            _run("preprocess", f"{name}.yml")
        for _ in range(options.rounds):
            for name, seconds in times.items():
                start = time.perf_counter()
                _run("train", f"{name}.yml", "--launcher", "python")
                seconds.append(time.perf_counter() - start)
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    added = statistics.median(a - b for a, b in zip(times["plugin"], times["stock"], strict=True))
    print(f"\none step on a prepared set: plugin {medians['plugin']:.1f} s, stock {medians['stock']:.1f} s; ", end="")
    print(f"the plugin and its tower add {added:.1f} s (median of {options.rounds} rounds)")


def _text_rows(path: Path, count: int) -> None:
    turns: list[dict[str, Any]] = [
        {"role": "user", "content": "What is a fracture?"},
        {"role": "assistant", "content": "A fracture is a break in a bone that a radiologist describes with care."},
    ]
    path.write_text((json.dumps({"messages": turns}) + "\n") * count, encoding="utf-8")


def _run(*arguments: str) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("axolotl")), *arguments],
        env=os.environ | {"AXOLOTL_DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"axolotl {' '.join(arguments)} failed:\n{done.stderr[-2000:]}")


if __name__ == "__main__":
    main()
