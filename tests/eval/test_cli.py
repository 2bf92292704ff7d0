"""The command line: every verb takes the options that it always took, in the same shape."""

import argparse
import subprocess
import sys

import pytest

from eval.cli import INTERRUPTED, _parser, main
from eval.options import OPTIONS
from tests.helpers import eval_builders as make

JUDGE = (
    "--judge-model --judge-base-url --judge-api-key-variable --judge-repeats --judge-swap --judge-concurrency "
    "--judge-timeout --judge-patience --judge-temperature --judge-price-in --judge-price-out"
)
VERBS = {
    "run": "--model --root --suite --task --data --split --permute-images --row-tasks --name --limit --out "
    "--batch-size --max-new-tokens --dtype --engine --base-url --api-key-variable --concurrency --timeout --shots "
    "--chat-template --without-images --chat-template-file --device-map --load-in --tensor-parallel --data-parallel "
    "--temperature --server-extras --checkpoint --prepare-images " + JUDGE,
    "chat": "--model --max-new-tokens --dtype --web --system --temperature --drop-oldest --chat-template-file "
    "--device-map --load-in --base-url --api-key-variable --timeout --prepare-images --host --port --password-file",
    "serve": "--model --dtype --chat-template-file --tensor-parallel --host --port --served-name --api-key-variable "
    "--tokens-only --log vllm_options",
    "benchmarks": "--root",
    "judge": "results --task --root --estimate " + JUDGE,
    "score": "results --root",
    "report": "results --against --training --data --starred --out --root",
    "compare": "a b --out",
    "summary": "results",
    "quickstart": "--model --base --data --out --training --batch-size --max-new-tokens --dtype",
}
SEVERAL = {"--task", "--row-tasks", "--training", "--starred"}
SWITCHES = {
    "--permute-images",
    "--chat-template",
    "--judge-swap",
    "--estimate",
    "--without-images",
    "--web",
    "--drop-oldest",
    "--tokens-only",
}
REQUIRED = {
    "run": {"--model", "--out"},
    "serve": {"--model"},
    "quickstart": {"--model", "--base", "--data", "--out"},
}
DEFAULTS = {
    "--root": "data/benchmarks",
    "--dtype": "auto",
    "--engine": "transformers",
    "--concurrency": "16",
    "--timeout": "300",
    "--shots": "0",
    "--temperature": "0.0",
    "--server-extras": "{}",
    "--tensor-parallel": "1",
    "--data-parallel": "1",
    "--system": "",
    "--host": "127.0.0.1",
    "--port": "7860",
}
OF_SERVE = {"--port": "8000", "--log": "outputs/logs/serve.log", "vllm_options": "[]"}
OF_PAGES = {"--host", "--port", "--password-file"}
"""Declared in data_prep.local_page, for chat."""


def actions(verb):
    """Every option and position of a verb by its flag or name, without --help."""
    (verbs,) = (action for action in _parser()._actions if isinstance(action, argparse._SubParsersAction))
    found = (action for action in verbs.choices[verb]._actions if action.dest != "help")
    return {name: action for action in found for name in action.option_strings or [action.dest]}


def test_the_verbs():
    (verbs,) = (action for action in _parser()._actions if isinstance(action, argparse._SubParsersAction))
    assert list(verbs.choices) == list(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_the_options_of_each_verb(verb):
    found, severals = actions(verb), SEVERAL | ({"--model"} if verb == "chat" else set())
    assert set(found) == set(VERBS[verb].split())
    for name, action in found.items():
        required = (not name.startswith("--") and action.nargs != "*") or name in REQUIRED.get(verb, set())
        assert action.required == required, name
        assert (action.nargs == "+") == (name in severals) and (action.nargs == 0) == (name in SWITCHES), name
        defaults = DEFAULTS | (OF_SERVE if verb == "serve" else {})
        default = {**{several: [] for several in severals}, **dict.fromkeys(SWITCHES, False), **defaults}.get(name)
        shown = str(action.default) if name in defaults else action.default
        assert shown == default, name


def test_every_declared_option_belongs_to_a_verb():
    assert set(OPTIONS) | OF_PAGES == {name for options in VERBS.values() for name in options.split()}


def test_one_flag_takes_several_values():
    options = _parser().parse_args(["run", "--model", "m", "--task", "slake", "vqa_rad", "--out", "o"])
    assert options.task == ["slake", "vqa_rad"]


def test_an_abbreviated_flag_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["run", "--model", "m", "--out", "o", "--tas", "slake"])
    assert "unrecognized arguments: --tas" in capsys.readouterr().err


def test_a_results_folder_that_cannot_be_written_is_told_in_one_line(tmp_path, capsys):
    results = tmp_path / "results"
    make.write_predictions(results, "train", [make.prediction("a#0", "yes", "yes")])
    (results / "scores.json").mkdir()
    assert main(["score", str(results)]) == 1
    told = capsys.readouterr().err
    assert told.startswith("eval: error: ") and "scores.json" in told and told.count("\n") == 1


def test_ctrl_c_ends_a_verb_without_a_traceback(capsys, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("eval.suite.listing", interrupted)
    assert main(["benchmarks"]) == INTERRUPTED
    assert capsys.readouterr().err == "eval: interrupted\n"


@pytest.mark.parametrize("module", ["eval.suite", "eval.likelihood.run", "eval.engines.vllm_engine", "eval.judge.run"])
def test_what_vllms_environment_runs_imports_nothing_that_it_lacks(module):
    """It has what eval/engines/vllm/ lists, and none of these."""
    lacks = ["axolotl", "pydicom", "peft", "bitsandbytes", "datatrove", "gradio", "lingua", "sacrebleu"]
    code = f"import sys; sys.modules |= dict.fromkeys({lacks}); import {module}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
