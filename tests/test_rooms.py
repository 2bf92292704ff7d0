"""Which room may import which: data flows forward, and no two modules or folders import each other."""

from __future__ import annotations

import ast
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("bimedix2_plugin", "data_prep", "eval")

# Of the other rooms and folders of the project, a folder imports these and no others. A name stands for all below it.
MAY_IMPORT: dict[str, set[str]] = {
    "data_prep": set(),
    "eval": {
        "data_prep.sources",
        "data_prep.tables",
        "data_prep.images",
        "data_prep.llm",
        "data_prep.rows",
        "data_prep.atomic",
        "data_prep.counted",
        "data_prep.local_page",
    },
    "bimedix2_plugin": {"data_prep.images", "data_prep.atomic"},
}
# Inside a room: a folder must not import these.
MUST_NOT_IMPORT: dict[str, set[str]] = {
    "bimedix2_plugin.settings": {
        f"bimedix2_plugin.{room}" for room in ("model", "data", "training", "merge", "plan", "publish", "rehearse")
    },
    "bimedix2_plugin.model": {
        f"bimedix2_plugin.{room}" for room in ("data", "training", "merge", "plan", "publish", "rehearse")
    },
    "bimedix2_plugin.data": {
        f"bimedix2_plugin.{room}" for room in ("training", "merge", "plan", "publish", "rehearse")
    },
    "bimedix2_plugin.training": {f"bimedix2_plugin.{room}" for room in ("merge", "plan", "publish", "rehearse")},
    "bimedix2_plugin.merge": {f"bimedix2_plugin.{room}" for room in ("plan", "publish", "rehearse")},
    "bimedix2_plugin.convert": {
        f"bimedix2_plugin.{room}" for room in ("data", "training", "plan", "publish", "rehearse")
    },
    "bimedix2_plugin.export": {
        f"bimedix2_plugin.{room}" for room in ("data", "training", "plan", "publish", "rehearse")
    },
    "bimedix2_plugin.plan": {f"bimedix2_plugin.{room}" for room in ("merge", "publish", "rehearse")},
    "bimedix2_plugin.rehearse": {"bimedix2_plugin.publish"},
    "data_prep.text": {"data_prep.sources", "data_prep.tables", "data_prep.images", "data_prep.pipeline"},
    "data_prep.tables": {"data_prep.sources", "data_prep.images", "data_prep.pipeline"},
    "data_prep.images": {"data_prep.sources", "data_prep.pipeline", "data_prep.llm"},
    "data_prep.llm": {f"data_prep.{room}" for room in ("sources", "tables", "images", "pipeline", "text")},
    "data_prep.sources": {"data_prep.pipeline", "data_prep.llm"},
    "eval.metrics": {f"eval.{room}" for room in ("benchmarks", "engines", "judge", "likelihood", "report")},
    "eval.engines": {f"eval.{room}" for room in ("benchmarks", "judge", "likelihood", "metrics", "report")},
    "eval.chat": {f"eval.{room}" for room in ("benchmarks", "judge", "likelihood", "metrics", "report")},
    "eval.judge": {f"eval.{room}" for room in ("benchmarks", "engines", "likelihood", "report")},
    "eval.benchmarks": {f"eval.{room}" for room in ("engines", "report")},
}


def _modules() -> dict[str, Path]:
    files = [file for room in ROOMS for file in (ROOT / room).rglob("*.py")]
    return {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


def _imports(module: str, file: Path, known: dict[str, Path]) -> set[str]:
    """The project's modules that a file imports anywhere in it: in functions and under TYPE_CHECKING, too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found.add(full if full in known else str(node.module))
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name for name in found if name in known or name.partition(".")[0] == "tests"} - {module}


MODULES = _modules()
GRAPH = {module: _imports(module, file, MODULES) for module, file in MODULES.items()}


def _inside(module: str, place: str) -> bool:
    return module == place or module.startswith(f"{place}.")


def _folder(module: str) -> str:
    return ".".join(MODULES[module].relative_to(ROOT).parent.parts)


def test_the_rooms_are_read():
    assert len(GRAPH) > 150
    assert "data_prep.images.store" in GRAPH["bimedix2_plugin.data.collator"]
    for place in {*MAY_IMPORT, *MUST_NOT_IMPORT, *set().union(*MAY_IMPORT.values(), *MUST_NOT_IMPORT.values())}:
        assert any(_inside(module, place) for module in MODULES), f"{place} is not there"


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_of_others_what_the_table_allows(room):
    wrong = [
        f"{module} imports {name}"
        for module, names in GRAPH.items()
        if _inside(module, room)
        for name in sorted(names)
        if not _inside(name, room) and not any(_inside(name, allowed) for allowed in MAY_IMPORT[room])
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("place", MUST_NOT_IMPORT)
def test_a_folder_imports_no_later_one(place):
    wrong = [
        f"{module} imports {name}"
        for module, names in GRAPH.items()
        if _inside(module, place)
        for name in sorted(names)
        if any(_inside(name, forbidden) for forbidden in MUST_NOT_IMPORT[place])
    ]
    assert not wrong, "\n".join(wrong)


def test_only_the_command_line_imports_curation():
    """It stands at the end of the way of the data."""
    outside = {name for name in GRAPH if not _inside(name, "data_prep.curate")}
    importing = {name for name in outside if any(_inside(one, "data_prep.curate") for one in GRAPH[name])}
    assert importing == {"data_prep.__main__"}


def test_no_module_is_in_a_circle():
    try:
        TopologicalSorter(GRAPH).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_no_two_folders_import_each_other():
    edges: defaultdict[str, set[str]] = defaultdict(set)
    for module, names in GRAPH.items():
        for name in names:
            here, there = _folder(module), _folder(name)
            if not (_inside(here, there) or _inside(there, here)):
                edges[here].add(there)
    assert not [(here, there) for here in edges for there in edges[here] if here in edges.get(there, ())]


def test_the_plugins_root_holds_what_axolotl_calls():
    assert len(list((ROOT / "bimedix2_plugin").glob("*.py"))) <= 14
