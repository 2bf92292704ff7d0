"""Rehearsals of the 70B recipes, sharded over two ranks, and of 4-bit training."""

from __future__ import annotations

import subprocess

import pytest

from bimedix2_plugin.rehearse.training_steps import MOVED, RANKS
from tests.helpers import rehearsed

pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rehearsal")
    rehearsed.make_place(folder)
    return folder


@pytest.mark.parametrize("name", [name for name in rehearsed.IN_EVERY_TEST_RUN if name != "bimedix2_8b"])
def test_the_recipe_is_rehearsed(place, name):
    report = rehearsed.report_of(name, place)
    assert report["passed"], report
    assert not (place / "reports" / name / "work").exists()
    proofs = {(proof["stage"], proof["name"]): proof for proof in report["proofs"]}
    if name == "bimedix2_70b":
        assert any(line.startswith("fsdp_config: in two processes") for line in report["replaced"])
        assert proofs["align", RANKS]["state"] == proofs["instruct", RANKS]["state"] == "passed"
    else:
        assert proofs["instruct", MOVED]["detail"].endswith("14 of them in 4 bits")


def test_make_rehearses_the_recipes_that_the_tests_count():
    root = rehearsed.RECIPES.parent
    known = subprocess.run(["make", "-pn", "help"], cwd=root, capture_output=True, text=True, check=True).stdout
    (pairs,) = [line.removeprefix("PAIRS := ").split() for line in known.splitlines() if line.startswith("PAIRS := ")]
    assert sorted(pairs) == sorted(f"recipes/{name}.yml" for name in rehearsed.RUNS)
