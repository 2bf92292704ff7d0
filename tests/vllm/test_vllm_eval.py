"""The same items through eval's two local engines: vLLM answers what transformers answers."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest
from PIL import Image

from eval.engines.engine import Request
from eval.engines.transformers_engine import TransformersEngine
from eval.images import read_image
from eval.items import Item

pytestmark = pytest.mark.vllm
ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-vllm" / "bin" / "python"
SIZES = [(50, 31), (28, 28), (90, 200)]


def user(text, images=0):
    return {"role": "user", "content": [*[{"type": "image"}] * images, {"type": "text", "text": text}]}


@pytest.fixture(scope="module")
def items(checkpoint):
    files = []
    for number, size in enumerate(SIZES):
        files.append(str(checkpoint.parent / f"{number}.png"))
        Image.effect_noise(size, 60 + 20 * number).convert("RGB").save(files[-1])
    answered = [user("What is shown?", 1), {"role": "assistant", "content": [{"type": "text", "text": "A cyst."}]}]
    return [
        {"id": "one", "messages": [user("Is there a fracture?", 1)], "images": files[:1]},
        {"id": "same", "messages": [user("Where is it, left or right?", 1)], "images": files[:1]},
        {"id": "two", "messages": [user("Compare them.", 2)], "images": files[1:]},
        {"id": "none", "messages": [user("ما معنى كسر؟")], "images": []},
        {"id": "turns", "messages": [*answered, user("Sure?")], "images": files[:1]},
    ]


def test_both_engines_give_the_same_prompts_and_answers(checkpoint, items):
    asked_file, out = checkpoint.parent / "items.json", checkpoint.parent / "answers.json"
    asked_file.write_text(json.dumps(items), encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    command = [PYTHON, Path(__file__).with_name("ask_engine.py"), checkpoint, asked_file, out]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=900, env=environment | {"PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    engine = TransformersEngine(checkpoint, "float32", "cpu")
    asked = []
    for fields in items:
        item = Item(fields["id"], "en", "", "", tuple(fields["messages"]), tuple(fields["images"]), "", "")
        images = tuple(read_image(Path(file).read_bytes(), file) for file in item.images)
        asked.append(Request(item, engine.prompt(item), images))
    ours = [{"prompt": each.prompt, **asdict(engine.answer([each], 12)[0])} for each in asked]
    assert json.loads(out.read_text()) == ours and {answer["tokens"] for answer in ours} == {12}
