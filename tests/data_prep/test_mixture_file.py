"""The mixture file."""

from pathlib import Path

import pytest
import yaml

from data_prep.__main__ import main
from data_prep.mixture_file import MixtureError, load
from data_prep.sources import READERS, reader
from data_prep.sources.labels import TASKS
from tests.helpers.data_fixtures import llava_mixture, llava_row

RECIPES = sorted((Path(__file__).parents[2] / "recipes/data").glob("*.yml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_every_shipped_mixture_loads(path):
    assert len(RECIPES) == 7
    given = yaml.safe_load(path.read_text())
    assert f"--out data/{given['name']}" in path.read_text()
    if path.stem.startswith("quickstart"):
        assert load(path).name == path.stem


def test_all_errors_come_together_and_name_what_is_known(tmp_path):
    path = tmp_path / "bad.yml"
    path.write_text(
        yaml.safe_dump(
            {
                "nmae": "x",
                "seed": "one",
                "max_side": True,
                "sources": [
                    {"reader": "lava_json"},
                    {"reader": "messages", "path": "gone.json", "images": "gone", "licence": "MIT", "language": "fr"},
                    {"reader": "dicom", "folder": 3, "tabel": "x", "licence": "MIT"},
                    {"reader": "quickstart", "questions": ["vqa.json"], "into": "held-out", "weight": 0},
                    "text",
                ],
                "splits": {"held out": {"images": "a"}, "test": {"share": 0.5, "shrae": 1}, "rest": None},
            }
        )
    )
    with pytest.raises(MixtureError) as caught:
        load(path)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(str(path)) for line in lines)
    for wanted in (
        "nmae: unknown key; known: name, sources,",
        " name: this key is required",
        "seed: 'one'; wanted: int",
        "max_side: True; wanted",
        "sources[0].reader: 'lava_json'; known: bimed13m, bimed_mbench,",
        "sources[1].path: gone.json: there is no such file",
        "sources[1].images: gone: there is no such folder",
        "sources[1].language: 'fr'; known: auto, en, ar",
        "sources[2].tabel: unknown key; known: ",
        "sources[2].table: this key is required",
        "sources[2].folder: 3; wanted: str",
        "sources[3].into: 'held-out'",
        "sources[3].weight: 0; wanted: more than 0",
        "sources[4].reader: None; known",
        "splits.held out: 'held out'; a split's name is",
        "splits.held out.images: 'a'; wanted: list",
        "splits.test.shrae: unknown key; known: images, ids, share",
        "splits.rest: None; wanted: a mapping",
    ):
        assert any(wanted in line for line in lines), f"{wanted} is not in\n{caught.value}"


def refused(path):
    """What is wrong with a mixture, one error an element."""
    with pytest.raises(MixtureError) as caught:
        load(path)
    return [line.removeprefix(f"{path}: ") for line in str(caught.value).splitlines()]


def test_numbers_and_names_that_no_build_can_use_are_told_together(tmp_path):
    path = llava_mixture(
        tmp_path,
        [llava_row()],
        max_side=0,
        max_pixels=-1,
        rows_per_shard=0,
        quotas=[
            {"rows": 0, "source": "mesages", "modality": "whatever"},
            {"rows": -2, "language": "fr", "task": "vqa"},
            {"rows": "many", "source": 3},
        ],
    )
    given = yaml.safe_load(path.read_text())
    given["splits"] = {"low": {"share": -0.1}, "high": {"share": 1.5}, "none": {"share": 0}, "all": {"share": 1}}
    given["sources"] = [given["sources"][0] | {"weight": weight, "rows": -1} for weight in (0, -1.0, float("inf"))]
    path.write_text(yaml.safe_dump(given))
    assert sorted(refused(path)) == sorted(
        [
            "max_side: 0; wanted: at least 1",
            "max_pixels: -1; wanted: at least 1",
            "rows_per_shard: 0; wanted: at least 1",
            "splits.low.share: -0.1; wanted: 0 to 1",
            "splits.high.share: 1.5; wanted: 0 to 1",
            "quotas[0].rows: 0; wanted: at least 1",
            "quotas[0].source: 'mesages'; known: messages",
            "quotas[1].rows: -2; wanted: at least 1",
            "quotas[1].language: 'fr'; known: en, ar",
            f"quotas[1].task: 'vqa'; known: {', '.join(TASKS)}",
            "quotas[2].rows: 'many'; wanted: int",
            "quotas[2].source: 3; wanted: str | None",
            *(f"sources[{number}].rows: -1; wanted: at least 1" for number in range(3)),
            "sources[0].weight: 0; wanted: more than 0, and finite",
            "sources[1].weight: -1.0; wanted: more than 0, and finite",
            "sources[2].weight: inf; wanted: more than 0, and finite",
        ]
    )


def test_the_last_good_values_are_taken(tmp_path):
    quota = {"rows": 1, "source": "messages", "language": "ar", "modality": "own", "task": "caption"}
    path = llava_mixture(tmp_path, [llava_row()], max_side=1, max_pixels=None, rows_per_shard=1, quotas=[quota])
    mixture = load(path)
    assert (mixture.max_side, mixture.max_pixels, mixture.quotas[0].task) == (1, None, "caption")


def test_a_rule_may_name_a_source_that_is_not_there_or_that_has_errors(tmp_path):
    path = llava_mixture(tmp_path, [llava_row()])
    given = yaml.safe_load(path.read_text())
    given["sources"] += [{"reader": "slake", "name": "away: far", "path": str(tmp_path / "gone")}]
    given["benchmarks"] = [{"reader": "mmlu", "path": str(tmp_path / "gone")}]
    given["quotas"] = [{"rows": 1, "source": "away: far"}]
    given["overlaps"] = [{"benchmark": "mmlu", "source": "away: far", "action": "drop", "why": "test"}]
    path.write_text(yaml.safe_dump(given))
    assert len(load(path, allow_missing=True).missing) == 2
    given["sources"][1]["languages"] = 3
    given["overlaps"] = [3, given["overlaps"][0] | {"source": "mmlu"}]
    path.write_text(yaml.safe_dump(given))
    assert [line.partition(";")[0] for line in refused(path)] == [
        "sources[1].languages: 3",
        f"benchmarks[0].path: {tmp_path}/gone: there is no such folder",
        "overlaps[0]: 3",
        "overlaps[1].source: 'mmlu'",
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"sources: [{reader: lava_json}]", "sources[0].reader: 'lava_json'; known: bimed13m, "),
        (b"sources: [{reader: [slake]}]", "sources[0].reader: ['slake']; known: bimed13m, "),
        (b"sources: [{path: SLAKE}]", "sources[0].reader: None; known: bimed13m, "),
        (b"sources: [{reader: slake}]", "sources[0].path: this key is required"),
        (b"sources: [{reader: mmlu, path: m}]\nbenchmarks: [5]", "benchmarks[0].reader: None; known: "),
        (b"sources: {reader: slake}", "sources: wanted: a list with at least one source"),
        (b"- reader: slake", "the file: [{'reader': 'slake'}]; wanted: a mapping with the keys name, "),
        (b"", "the file: None; wanted: a mapping"),
        (b"name: caf\xe9", "not UTF-8, at byte 9; save it as UTF-8"),
        (b"name: 2024-13-45", "not YAML: month must be in 1..12"),
        (None, "a folder; wanted: a YAML file"),
    ],
)
def test_what_is_no_mixture_is_one_plain_message_of_both_verbs(tmp_path, capsys, data, message):
    path = tmp_path / "m.yml"
    path.mkdir() if data is None else path.write_bytes(data)
    for command in (["sources", str(path)], ["build", str(path), "--out", str(tmp_path / "out")]):
        assert main(command) == 1
        shown = capsys.readouterr()
        assert shown.out == "" and f"{path}: {message}" in shown.err, command
        assert command[0] == "build" or len(shown.err.splitlines()) == 1


@pytest.mark.parametrize(
    "text, message",
    [("a: [", "not YAML"), ("- a", "a mapping with the keys name"), ("name: x\nsources: []", "at least one source")],
)
def test_a_file_that_is_no_mixture(tmp_path, text, message):
    path = tmp_path / "m.yml"
    path.write_text(text)
    with pytest.raises(MixtureError, match=message):
        load(path)


def test_a_mixture_that_is_not_there(tmp_path):
    with pytest.raises(MixtureError, match=r"m.yml: there is no such file"):
        load(tmp_path / "m.yml")


def test_yaml_cannot_make_objects(tmp_path):
    path = tmp_path / "m.yml"
    path.write_text("name: !!python/object/apply:os.getcwd []")
    with pytest.raises(MixtureError, match="not YAML"):
        load(path)


def test_every_reader_is_registered_and_says_what_it_is():
    files = (Path(__file__).parents[2] / "data_prep/sources").glob("*.py")
    assert {path.stem for path in files if "    ABOUT: ClassVar[About] = " in path.read_text()} == READERS.keys()
    for name in READERS:
        about = reader(name).ABOUT
        assert about.title and about.get, name
