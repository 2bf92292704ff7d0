"""Commands and paths in Markdown and in the comments of YAML files, checked against the programs."""

from __future__ import annotations

import argparse
import importlib.util
import re
import shlex
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from unittest import mock

import click

PROGRAMS = ("make", "axolotl", "python", "sbatch", "cat", "cp")
LEFT_OUT = ("…", "...")
"""Stands for further arguments: then only the options that are shown are checked."""
FOLDERS = ("recipes", "bimedix2_plugin", "data_prep", "eval", "tests", ".ci")
_PATH = re.compile(rf"(?:{'|'.join(map(re.escape, FOLDERS))})/[\w./*-]*")
_VALUE = re.compile(r"[A-Z]+=")


def header(text: str) -> str:
    """The comments of a YAML file or a script as Markdown: indented lines stay, the others are one paragraph."""
    comments = [line[1:] for line in text.splitlines() if line.startswith("# ") or line.startswith("#   ")]
    return "\n".join(f"   {line}" if _program(line.split()) and line.startswith("  ") else line for line in comments)


def commands(text: str) -> list[list[str]]:
    """The commands in code spans and in indented or fenced blocks, as words; `a && b` is two."""
    lines = [line for line in text.splitlines() if line.startswith("    ")]
    fenced = [
        line for block in re.findall(r"```(?:bash|sh)?\n(.*?)```", text, re.DOTALL) for line in block.splitlines()
    ]
    prose = "\n".join(line for line in text.splitlines() if not line.startswith("    "))
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]
    found = [part for line in [*lines, *fenced, *spans] for part in _parts(line)]
    return [words for words in found if _program(words) and len(words) > 1]


def _parts(line: str) -> list[list[str]]:
    try:
        words = shlex.split(line, comments=True)
    except ValueError:  # an apostrophe in a text that is no command
        return []
    parts: list[list[str]] = [[]]
    for word in words:
        if word in ("&&", "|", ";", ">"):
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def _program(words: list[str]) -> str | None:
    name = Path(words[0]).name if words else ""
    return name if name in PROGRAMS else None


def problems(command: list[str], root: Path) -> list[str]:
    """What a command's program does not know; paths are looked up from the working directory, which is `root`."""
    program, words = _program(command), command[1:]
    if program == "make":
        found = _make(words, root / "Makefile")
    elif program == "axolotl":
        found = _axolotl(words)
    elif program == "python":
        found = _module(words)
    else:
        found = [f"{word}: no such file" for word in words if _PATH.fullmatch(word) and not Path(word).exists()]
    return [f"{' '.join(command)}: {problem}" for problem in found]


def _make(words: list[str], makefile: Path) -> list[str]:
    text = makefile.read_text(encoding="utf-8")
    targets = {target for line in re.findall(r"^([\w./ -]+):(?!=)", text, re.MULTILINE) for target in line.split()}
    found = [f"no target {word}" for word in words if not _VALUE.match(word) and word not in {*targets, *LEFT_OUT}]
    names = [word.partition("=")[0] for word in words if _VALUE.match(word)]
    return found + [f"{name} is no variable of the Makefile" for name in names if f"$({name}" not in text]


def _module(words: list[str]) -> list[str]:
    if words[0] != "-m":
        return []
    module, arguments = words[1], words[2:]
    if module == "data_prep":
        from data_prep.__main__ import main
    elif module == "eval":
        from eval.cli import main
    else:
        return _script(module, arguments)
    return _argparse(main, arguments)


def _script(module: str, arguments: list[str]) -> list[str]:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return [f"there is no module {module}"]
    text = Path(spec.origin).read_text(encoding="utf-8")
    return [f"no option {flag}" for flag in _flags(arguments) if f'"{flag}"' not in text]


class _Parsed(Exception):
    """The parser accepted the arguments."""


def _argparse(main, arguments: list[str]) -> list[str]:
    """Let a program's own parser read the arguments, and stop before anything is done."""
    parse, complete = argparse.ArgumentParser.parse_args, not {*arguments} & {*LEFT_OUT}
    shown = [word for word in arguments if word not in LEFT_OUT]
    if not shown:
        return []
    wrong: list[str] = []

    def read(parser, given=None, namespace=None):
        known = _options(parser, shown[0])
        wrong.extend(f"no option {flag}" for flag in _flags(shown) if flag not in known)
        if not complete:
            for action in _actions(parser, shown[0]):
                action.required = False
        parse(parser, given, namespace)
        raise _Parsed

    errors = StringIO()
    with mock.patch.object(argparse.ArgumentParser, "parse_args", read), redirect_stderr(errors):
        try:
            main(shown)
        except _Parsed:
            return wrong
        except SystemExit:
            return [*wrong, errors.getvalue().strip().splitlines()[-1]]
    return [*wrong, "it did not read its arguments"]


def _actions(parser, verb: str) -> list[argparse.Action]:
    actions = list(parser._actions)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction) and verb in action.choices:
            actions += action.choices[verb]._actions
    return actions


def _options(parser, verb: str) -> set[str]:
    return {option for action in _actions(parser, verb) for option in action.option_strings}


def _axolotl(words: list[str]) -> list[str]:
    from axolotl.cli.main import cli

    name, arguments = words[0], words[1:]
    if name in LEFT_OUT or name.endswith("*"):
        return []
    command = cli.get_command(click.Context(cli), name)
    if command is None:
        return [f"no command {name}"]
    command = command.resolve() if hasattr(command, "resolve") else command  # ours are loaded when they are used
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    found = [f"no option {flag}" for flag in _flags(own) if flag not in known]
    if found or not own or {*own} & {*LEFT_OUT}:
        return found
    try:
        command.make_context(name, list(own))
    except click.ClickException as error:
        return [error.format_message()]
    return []


def _flags(words: list[str]) -> list[str]:
    return [word.partition("=")[0] for word in words if word.startswith("--") and word != "--"]


def missing_links(text: str, folder: Path) -> list[str]:
    """Local targets of Markdown links that are not there."""
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    local = [target.partition("#")[0] for target in targets if "://" not in target]
    return [target for target in local if target and not (folder / target).exists()]


def missing_paths(text: str, root: Path, *, bare: bool = False) -> list[str]:
    """Paths into the project's folders that are not there: those in code spans, or, with `bare`, all."""
    spans = [text] if bare else re.findall(r"`([^`]+)`", text)
    found = [path for span in spans for path in re.findall(rf"(?<![\w./-]){_PATH.pattern}", span)]
    return [path for path in dict.fromkeys(found) if not any(root.glob(path.rstrip("./")))]
