"""The options of the command line, each declared once; a verb adds those that it takes."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from eval.judge.client import SERVERS_OWN
from eval.registry import ROOT, SUITES


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


def _temperature(text: str) -> float | str:
    return text if text == SERVERS_OWN else float(text)


def _mapping(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is not JSON ({error})") from error
    taken = {"model", "messages", "stream", "temperature", "max_tokens", "max_completion_tokens"}
    if not isinstance(value, dict) or taken & value.keys():
        raise argparse.ArgumentTypeError(f"{text} is not a JSON object without {', '.join(sorted(taken))}")
    return value


OPTIONS: dict[str, dict[str, Any]] = {
    "results": {"type": Path, "help": "results folder"},
    "a": {"type": Path, "help": "results folder"},
    "b": {"type": Path, "help": "results folder"},
    "--model": {
        "required": True,
        "help": "checkpoint folder, or its name on the Hub (ORGANISATION/NAME@REVISION); with --engine openai the "
        "server's name for the model",
    },
    "--base": {"required": True, "help": "the language model before training: its folder, or its name on the Hub"},
    "--root": {"type": Path, "default": ROOT, "help": f"folder of all benchmarks and sources ({ROOT})"},
    "--suite": {"choices": SUITES, "help": "a named group of benchmarks"},
    "--task": {
        "nargs": "+",
        "default": [],
        "metavar": "NAME",
        "help": "benchmarks (see `benchmarks`), or YAML files",
    },
    "--data": {"type": Path, "help": "dataset folder"},
    "--split": {"help": "split of --data"},
    "--permute-images": {"action": "store_true", "help": "show each row of --data the images of another row"},
    "--row-tasks": {"nargs": "+", "default": [], "help": "only the rows of --data with these tasks"},
    "--name": {"help": "name of the predictions file of --data; by default made from the split"},
    "--limit": {"type": _positive, "help": "only the first LIMIT items"},
    "--out": {"type": Path, "help": "results folder"},
    "--batch-size": {"type": _positive, "help": "prompts per batch"},
    "--max-new-tokens": {"type": _positive, "help": "by default the benchmark's limit; 32 for --data"},
    "--dtype": {"choices": ["auto", "float32", "bfloat16", "float16"], "default": "auto"},
    "--without-images": {"action": "store_true", "help": "ask questions about images without showing them"},
    "--chat-template-file": {"type": Path, "metavar": "FILE", "help": "chat template, in place of the checkpoint's"},
    "--device-map": {"choices": ["auto"], "help": "transformers: spread the layers over all GPUs"},
    "--load-in": {"choices": ["4bit", "8bit"], "help": "transformers: quantise the weights (bitsandbytes; GPUs only)"},
    "--tensor-parallel": {"type": _positive, "default": 1, "metavar": "N", "help": "vLLM: GPUs that share each layer"},
    "--data-parallel": {"type": _positive, "default": 1, "metavar": "N", "help": "vLLM: copies of the model"},
    "--engine": {"choices": ["transformers", "vllm", "openai"], "default": "transformers"},
    "--base-url": {"help": "URL of an OpenAI-compatible server, including /v1"},
    "--api-key-variable": {"metavar": "NAME", "help": "environment variable that holds the server's key"},
    "--concurrency": {"type": _positive, "default": 16, "help": "concurrent requests"},
    "--timeout": {"type": _positive, "default": 300, "help": "seconds per request"},
    "--temperature": {
        "type": _temperature,
        "default": 0.0,
        "help": "with --engine openai, by default 0; `server` leaves it to the server",
    },
    "--server-extras": {
        "type": _mapping,
        "default": {},
        "metavar": "JSON",
        "help": """further keys of every request, such as '{"chat_template_kwargs": {"enable_thinking": false}}'""",
    },
    "--checkpoint": {
        "metavar": "MODEL",
        "help": "with --engine openai: what the server serves, a folder or a name on the Hub; its processor's tokens "
        "are compared with the server's",
    },
    "--prepare-images": {
        "type": Path,
        "metavar": "FOLDER",
        "help": "send images to a server as the image processor of this checkpoint or export sees them",
    },
    "--shots": {"type": int, "choices": range(33), "metavar": "N", "default": 0, "help": "examples; default 0"},
    "--chat-template": {"action": "store_true", "help": "prompt with the checkpoint's chat template"},
    "--judge-model": {"help": "such as gpt-4o-2024-08-06, the paper's judge"},
    "--judge-base-url": {"help": "URL of an OpenAI-compatible server; by default OpenAI's"},
    "--judge-api-key-variable": {"metavar": "NAME", "help": "environment variable that holds the judge's key"},
    "--judge-repeats": {"type": _positive, "help": "verdicts per answer"},
    "--judge-swap": {"action": "store_true", "help": "judge pairs in both orders"},
    "--judge-concurrency": {"type": _positive, "help": "concurrent requests"},
    "--judge-timeout": {"type": _positive, "help": "seconds per attempt"},
    "--judge-patience": {"type": _positive, "help": "seconds until a request is given up"},
    "--judge-temperature": {"type": _temperature, "help": "by default 0; `server` leaves it to the server"},
    "--judge-price-in": {"type": float, "help": "price per million input tokens, for the cost estimate"},
    "--judge-price-out": {"type": float, "help": "price per million output tokens, for the cost estimate"},
    "--estimate": {"action": "store_true", "help": "only estimate the cost"},
    "--against": {"help": "`published`, or another results folder"},
    "--training": {"type": Path, "nargs": "+", "default": [], "help": "training runs whose loss is drawn"},
    "--starred": {
        "nargs": "+",
        "default": [],
        "metavar": "METRIC=RULE",
        "help": "how to rescale the paper's starred rows, such as bleu4=times10 radcliq=reciprocal; the paper's own "
        "rule is unpublished",
    },
    "--host": {"default": "127.0.0.1", "help": "address to serve on; another than this machine's needs a key"},
    "--port": {"type": int, "default": 8000, "help": "default: 8000"},
    "--served-name": {"metavar": "NAME", "help": "name that clients ask for; by default that of the checkpoint's run"},
    "--tokens-only": {
        "action": "store_true",
        "help": "compare the server's prompts with transformers', not its answers",
    },
    "--log": {"type": Path, "default": Path("outputs/logs/serve.log"), "help": "file for vLLM's output"},
    "vllm_options": {"nargs": "*", "default": [], "metavar": "OPTION", "help": "after --: further options of vLLM"},
    "--web": {"action": "store_true", "help": "chat in a page of the browser instead of the terminal"},
    "--system": {"default": "", "metavar": "TEXT", "help": "system text, in place of the checkpoint's own"},
    "--drop-oldest": {"action": "store_true", "help": "drop the oldest turns of a chat that exceeds the context"},
}
CHAT_PASSWORD = "BIMEDIX2_CHAT_PASSWORD"
SETTINGS = ("--batch-size", "--max-new-tokens", "--dtype")
PROMPT = ("--without-images", "--chat-template-file")
SIZE = ("--device-map", "--load-in", "--tensor-parallel", "--data-parallel")
SERVER = ("--base-url", "--api-key-variable", "--temperature", "--server-extras", "--checkpoint", "--prepare-images")
ENGINE = ("--engine", *SERVER, "--concurrency", "--timeout")
SERVE = ("--host", "--port", "--served-name", "--api-key-variable", "--tokens-only", "--log", "vllm_options")
CHAT = ("--web", "--system", "--drop-oldest")
JUDGE = tuple(option for option in OPTIONS if option.startswith("--judge-"))


def add(parser: argparse._ActionsContainer, *options: str, **changes: Any) -> None:
    """Add options to a verb; `changes` replace parts of their declaration."""
    for option in options:
        parser.add_argument(option, **OPTIONS[option] | changes)
