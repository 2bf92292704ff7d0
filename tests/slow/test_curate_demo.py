"""The demonstration of curation: a small real model translates, and the checks reject what it writes."""

import re

import pytest

from data_prep import mixture_file
from data_prep.build import build
from data_prep.curate import demo
from tests.helpers.data_fixtures import llava_mixture, llava_row

pytestmark = pytest.mark.slow


def test_a_small_models_arabic_is_rejected_and_counted(tmp_path, capsys):
    pytest.importorskip("xllamacpp")
    rows = [llava_row("a"), llava_row("b", "b.png", "<image>\nIs the dose 5 mg?", "Yes, 5 mg.")]
    build(mixture_file.load(llava_mixture(tmp_path, rows)), tmp_path / "english", "test")
    assert demo.main(["--input", str(tmp_path / "english"), "--out", str(tmp_path / "out"), "--limit", "2"]) == 0
    said = capsys.readouterr().out
    rejected, of = map(int, re.search(r"the checks rejected (\d+) of (\d+) rows", said).groups())
    assert of == 2 and rejected >= 1
    assert (tmp_path / "out.replies.jsonl").read_text().count("\n") >= 2
