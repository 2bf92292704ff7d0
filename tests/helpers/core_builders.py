"""A benchmark made by hand, and a model that answers without being one."""

import json
import sys
import types
from pathlib import Path

from eval.benchmark import About, Benchmark, Metric
from eval.engines.engine import Completion
from eval.errors import EvalError
from eval.items import Item
from eval.registry import BENCHMARKS
from tests.helpers import eval_builders as make


class Hand(Benchmark):
    """Items from ROOT/NAME/items.json; pictures beside it."""

    ABOUT = About("By hand", "Table 0", "write it", "CC0-1.0", "test (2)", ("hand/items.json",))
    MAX_NEW_TOKENS = 3

    @property
    def file(self):
        return self.root / self.name / "items.json"

    def problems(self):
        return [] if self.file.is_file() else [f"{self.file} is not there: write it."]

    def items(self):
        return [item(**fields) for fields in json.loads(self.file.read_text())]

    def image(self, name):
        path = self.file.with_name(name)
        if not path.is_file():
            raise EvalError(f"{path}: no such picture.")
        return path.read_bytes()

    def metrics(self, predictions, verdicts=()):
        return {
            "right": Metric({line.item: None if line.error else line.output == line.gold for line in predictions.lines})
        }


class JudgedHand(Hand):
    JUDGED = True


class LikelyHand(Hand):
    LIKELIHOOD = True


def item(id, question="What?", gold="That.", images=(), facts=None):
    parts = [*({"type": "image"} for _ in images), {"type": "text", "text": question}]
    messages = ({"role": "user", "content": parts},)
    return Item(id, "en", "vqa_short", "ct", messages, tuple(images), question, gold, facts or {})


def register(monkeypatch, **classes):
    """Make benchmarks known for one test."""
    module = types.ModuleType("eval.benchmarks.by_hand")
    for name, cls in classes.items():
        setattr(module, cls.__name__, cls)
        monkeypatch.setitem(BENCHMARKS, name, f"by_hand:{cls.__name__}")
    monkeypatch.setitem(sys.modules, "eval.benchmarks.by_hand", module)


def write_benchmark(root, name, items):
    """Write a benchmark's file and the red picture that its items may show."""
    folder = Path(root) / name
    folder.mkdir(parents=True)
    (folder / "items.json").write_text(json.dumps(items))
    (folder / "red.png").write_bytes(make.png("red"))


class Echo:
    """Model and engine in one: it answers with the question, and counts what it was asked."""

    WHOLE_BATCHES = False
    shows_images = True
    without_images = False
    batch_size = 2
    max_new_tokens = None

    def __init__(self, sha256="e" * 64):
        self.sha256, self.asked = sha256, []

    @property
    def engine(self):
        return self

    def header(self):
        names = {"model": "echo", "checkpoint_sha256": self.sha256, "engine": {"name": "echo"}}
        return names | {"generation": {}, "versions": {}}

    def prompt_tokens(self, first):
        return "unverified: it has none"

    def prompt(self, item):
        return item.question

    def length(self, prompt):
        return len(prompt)

    def answer(self, asked, max_new_tokens):
        self.asked += [each.item.id for each in asked]
        return [Completion(each.prompt, "stop", max_new_tokens) for each in asked]

    def check(self):
        pass
