"""`python -m eval serve` with vLLM: compared at its start, then asked by the clients that people use."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import openai
import pytest
from PIL import Image

from eval.cli import main
from eval.engines.engine import Request
from eval.engines.openai_engine import messages_of
from eval.engines.transformers_engine import TransformersEngine
from eval.images import read_image
from eval.items import Item
from eval.predictions import read_predictions
from tests.vllm.conftest import ROOT

pytestmark = pytest.mark.vllm
PYTHON = ROOT / ".venv-vllm" / "bin" / "python"
TOKENS = 12


def item(name, text, images=()):
    content = [*({"type": "image"} for _ in images), {"type": "text", "text": text}]
    return Item(name, "en", "", "", ({"role": "user", "content": content},), images, "", "")


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    file = tmp_path_factory.mktemp("image") / "image.png"
    Image.effect_noise((50, 31), 90).convert("RGB").save(file)
    return file


@pytest.fixture(scope="module")
def asked(image):
    """An item and its images, by kind."""
    return {
        "image": (item("image", "What is shown?", ("image.png",)), (read_image(image.read_bytes(), "image.png"),)),
        "text": (item("text", "ما معنى كسر؟"), ()),
    }


@pytest.fixture(scope="module")
def wanted(checkpoint, asked):
    """The answers of transformers."""
    engine = TransformersEngine(checkpoint, "float32", "cpu")
    return {
        kind: engine.answer([Request(item, engine.prompt(item), images)], TOKENS)[0].text
        for kind, (item, images) in asked.items()
    }


def test_the_openai_client_gets_the_answers_of_transformers(served, asked, wanted):
    client = openai.OpenAI(base_url=served, api_key="sk-hand")
    for kind, (each, images) in asked.items():
        reply = client.chat.completions.create(
            model="tiny", messages=messages_of(each, images), temperature=0, max_tokens=TOKENS
        )
        assert reply.choices[0].message.content.strip() == wanted[kind]
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=served, api_key="sk-other", max_retries=0).chat.completions.create(
            model="tiny", messages=[{"role": "user", "content": "?"}]
        )


def test_langchain_gets_the_answers_of_transformers(served, image, wanted):
    command = [PYTHON, Path(__file__).with_name("ask_langchain.py"), served, image]
    plain = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    plain["SERVED_KEY"] = "sk-hand"
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=plain)
    assert done.returncode == 0, done.stderr[-3000:]
    assert {kind: text.strip() for kind, text in json.loads(done.stdout).items()} == wanted


def test_evaluation_in_front_of_it_has_the_prompts_of_training(served, checkpoint, tmp_path, monkeypatch):
    monkeypatch.setenv("SERVED_KEY", "sk-hand")
    given = ["run", "--engine", "openai", "--base-url", served, "--api-key-variable", "SERVED_KEY", "--model", "tiny"]
    given += ["--checkpoint", str(checkpoint), "--prepare-images", str(checkpoint), "--task", "safety", "--limit", "8"]
    assert main([*given, "--max-new-tokens", "8", "--out", str(tmp_path)]) == 0
    found = read_predictions(tmp_path / "predictions/safety.jsonl")
    assert found.header["engine"]["prompt_tokens"] == "verified"
    assert len(found.lines) == 8 and not any(line.error for line in found.lines)


def test_another_template_is_found_at_the_start(serve, checkpoint, tmp_path):
    template = (checkpoint / "chat_template.jinja").read_text(encoding="utf-8")
    assert "<|im_start|>assistant" in template
    wrong = tmp_path / "wrong.jinja"
    wrong.write_text(template.replace("<|im_start|>assistant", "<|im_start|>Assistant"), encoding="utf-8")
    # After --, so that it is vLLM's alone: the prompts of training stay the checkpoint's.
    log = tmp_path / "serve.log"
    process = serve("--model", checkpoint, "--tokens-only", "--log", log, "--", "--chat-template", wrong)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 1 and not out
    assert "does not serve the prompts of training" in err and "question is other tokens" in err
