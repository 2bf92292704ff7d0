"""The answers of eval's vLLM engine to the items of a JSON file; run by the Python of vLLM's own environment.

    python ask_engine.py CHECKPOINT ITEMS.json OUT.json

ITEMS is a list of {"id", "messages", "images": files}; OUT a list of {"prompt", "text", "finish_reason", "tokens"}.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

os.environ.update(VLLM_CPU_KVCACHE_SPACE="1", VLLM_ENABLE_V1_MULTIPROCESSING="0", VLLM_NO_USAGE_STATS="1")

from eval.engines.engine import Request
from eval.engines.vllm_engine import VllmEngine
from eval.images import read_image
from eval.items import Item


def main(checkpoint: str, items: str, out: str) -> None:
    """Answer all items in one batch."""
    engine = VllmEngine(Path(checkpoint), "float32", "cpu")
    assert engine._llm.llm_engine.vllm_config.cache_config.enable_prefix_caching
    asked = []
    for fields in json.loads(Path(items).read_text(encoding="utf-8")):
        item = Item(fields["id"], "en", "", "", tuple(fields["messages"]), tuple(fields["images"]), "", "")
        images = tuple(read_image(Path(file).read_bytes(), file) for file in item.images)
        asked.append(Request(item, engine.prompt(item), images))
    answers = engine.answer(asked, 12)
    lines = [{"prompt": each.prompt, **asdict(answer)} for each, answer in zip(asked, answers, strict=True)]
    Path(out).write_text(json.dumps(lines), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
