"""The mixture file."""

from pathlib import Path

import pytest
import yaml
from data_fixtures import llava_mixture, llava_row

from data_prep.mixture import Entry, Mixture, SplitRule
from data_prep.mixture_file import MixtureError, load
from data_prep.rows import Sample
from data_prep.sources import READERS, reader

RECIPES = sorted((Path(__file__).parents[2] / "recipes/data").glob("*.yml"))


def sample(row_id="r", *names):
    return Sample(row_id, "en", "t", "m", [], "CC0-1.0", names)


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
        " name: this key is needed",
        "seed: 'one'; wanted: int",
        "max_side: True; wanted",
        "sources[0].reader: 'lava_json'; known: bimed13m, bimed_mbench,",
        "sources[1].path: gone.json: there is no such file",
        "sources[1].images: gone: there is no such folder",
        "sources[1].language: 'fr'; known: auto, en, ar",
        "sources[2].tabel: unknown key; known: ",
        "sources[2].table: this key is needed",
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


def test_the_first_rule_that_takes_a_row_decides(tmp_path):
    source = load(llava_mixture(tmp_path, [llava_row()])).sources[0]
    rules = {"held": SplitRule(images=["b*"]), "test": SplitRule(ids=["t-*"], images=["c"])}
    mixture = Mixture(name="x", sources=[source], splits=rules)
    rows = {"train": sample("a", "a"), "held": sample("t-1", "a", "b1"), "test": sample("t-2", "a")}
    assert {name: mixture.split(row, Entry()) for name, row in rows.items()} == {name: name for name in rows}


def test_a_share_takes_about_that_share_of_images_and_all_rows_of_each():
    rule = SplitRule(share=0.2)
    taken = [rule.takes(sample("r", f"image-{n}"), seed=1) for n in range(2000)]
    assert 0.17 < sum(taken) / len(taken) < 0.23
    assert all(rule.takes(sample("other", f"image-{n}"), seed=1) == taken[n] for n in range(50))
    assert [rule.takes(sample("r", f"image-{n}"), seed=2) for n in range(2000)] != taken
    assert not any(SplitRule().takes(sample("r", f"image-{n}"), seed=1) for n in range(50))


def test_every_reader_is_registered_and_says_what_it_is():
    files = {path.stem for path in (Path(__file__).parents[2] / "data_prep/sources").glob("*.py")}
    shared = {
        "__init__",
        "base",
        "turns",
        "kinds",
        "vqa",
        "hub_parquet",
        "text_source",
        "json_object",
        "report_sections",
    }
    assert files - shared == READERS.keys()
    for name in READERS:
        about = reader(name).ABOUT
        assert about.title and about.get, name
