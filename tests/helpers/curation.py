"""Steps, datasets and drafts for the tests of curation."""

import json

import yaml

from data_prep import mixture_file
from data_prep.__main__ import main
from data_prep.build import build
from data_prep.shards import shard_rows, split_of
from tests.helpers.data_fixtures import llava_mixture, llava_row
from tests.helpers.scripted_server import PIECE, Answer, last_text

ARABIC = {
    "What is shown?": "ماذا يظهر؟",
    "A chest radiograph of 2 lungs.": "صورة شعاعية للصدر تظهر رئتين 2.",
    "Is it normal?": "هل هو طبيعي؟",
    "Yes.": "نعم.",
}
ROWS = [
    llava_row("one", question="<image>\nWhat is shown?", answer="A chest radiograph of 2 lungs."),
    llava_row("two", image="b.png", question="<image>\nIs it normal?", answer="Yes."),
    llava_row("held", image="b.png", question="<image>\nWhat is shown?", answer="Yes."),
]


def english_set(folder, rows=ROWS, **keys):
    """A dataset folder of English rows; the row `held` is in the split test."""
    keys = {"splits": {"test": {"ids": ["held"]}}, **keys}
    build(mixture_file.load(llava_mixture(folder, rows, **keys)), folder / "english", "test")
    return folder / "english"


def translate_step(folder, url, **changes):
    """A step that translates the dataset; changes to `model` are merged."""
    (folder / "prompt.yml").write_text("system: Translate from {source_language} to {language}.\nuser: '{text}'\n")
    model = {"name": "m", "base_url": url, "concurrency": 4, "retries": 1, **changes.pop("model", {})}
    given = {"name": "ar", "kind": "translate", "input": {"dataset": str(folder / "english")}, "prompt": "prompt.yml"}
    (folder / "step.yml").write_text(yaml.safe_dump({**given, "model": model, **changes}))
    return folder / "step.yml"


def translated(messages, change=lambda piece: piece):
    """The reply of a good translator."""
    asked = next(turn for turn in messages if turn["role"] == "user")
    pieces = PIECE.findall(last_text([asked]))
    return "\n".join(f"[[{number}]]\n{change(ARABIC.get(text.strip(), 'نص'))}" for number, text in pieces)


def good(messages, number):
    return Answer(translated(messages))


def rows_of(folder):
    """Split and row by id."""
    made = json.loads((folder / "manifest.json").read_text())
    return {row["id"]: (split_of(shard), row) for shard, row in shard_rows(folder, list(made["shards"]))}


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def failed(folder, step, capsys, *arguments):
    """The one message of a step that fails; nothing is left that looks like a dataset."""
    assert main(["curate", str(step), "--out", str(folder / "out"), *arguments]) == 1
    assert not (folder / "out").exists()
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return said.err
