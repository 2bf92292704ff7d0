"""A merged checkpoint in a program that is not ours: vLLM's greedy tokens are those of transformers."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import torch
from PIL import Image
from transformers import AutoProcessor, LlavaForConditionalGeneration

from bimedix2_plugin.rehearse import tiny
from tests.helpers import adapters

pytestmark = pytest.mark.vllm
ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-vllm" / "bin" / "python"
TURNS = {
    "image": [{"type": "image"}, {"type": "text", "text": "Is there a fracture in this image?"}],
    "text": [{"type": "text", "text": "ما معنى كسر؟"}],
}


@pytest.fixture(scope="module", params=["clip_vision", "siglip_vision"])
def merged(request, tmp_path_factory):
    """A merged checkpoint whose attention heads are of a width that vLLM has a kernel for."""
    work = tmp_path_factory.mktemp(request.param)
    base = tiny.llama(work / "llama", tied=False, hidden=128, heads=2, kv_heads=1)
    folder = adapters.composed(base, getattr(tiny, request.param)(work / "tower", width=64))
    adapters.with_adapter(folder, work / "adapter")
    return adapters.merge(folder, work / "adapter", work / "merged")


@pytest.fixture(scope="module")
def answers(merged):
    """Token ids by kind of question, of vLLM and of transformers."""
    processor = AutoProcessor.from_pretrained(merged)
    image = merged.parent / "image.png"
    Image.effect_noise((50, 31), 90).convert("RGB").save(image)
    questions = [
        {
            "prompt": processor.apply_chat_template([{"role": "user", "content": turn}], add_generation_prompt=True),
            "image": str(image) if kind == "image" else None,
        }
        for kind, turn in TURNS.items()
    ]
    asked, out = merged.parent / "questions.json", merged.parent / "answers.json"
    asked.write_text(json.dumps(questions), encoding="utf-8")
    command = [PYTHON, Path(__file__).with_name("generate.py"), merged, asked, out]
    plain = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600, env=plain)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    ours = [_of_transformers(merged, processor, question) for question in questions]
    return dict(zip(TURNS, zip(json.loads(out.read_text()), ours, strict=True), strict=True))


def _of_transformers(folder, processor, question):
    model = LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    images = [Image.open(question["image"])] if question["image"] else None
    inputs = processor(text=question["prompt"], images=images, return_tensors="pt", add_special_tokens=False)
    with torch.no_grad():
        tokens = model.generate(**inputs, max_new_tokens=16, do_sample=False)
    return tokens[0, inputs["input_ids"].shape[1] :].tolist()


@pytest.mark.parametrize("kind", TURNS)
def test_greedy_tokens_are_those_of_transformers(answers, kind):
    theirs, ours = answers[kind]
    assert len(ours) > 1 and theirs == ours
