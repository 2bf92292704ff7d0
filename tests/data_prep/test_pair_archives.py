"""LLaVA-Med's list of archives."""

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.sources.pair_archives import LIST, PairArchives
from data_prep.tables.table import TableError


def write(path, pairs, end="\n"):
    rows = [
        {"pmc_tar_url": f"https://x.org/{number}.tar.gz", "image_file_path": f"{number}/f.jpg", "pair_id": pair}
        for number, pair in enumerate(pairs)
    ]
    path.write_text("".join(json.dumps(row) + end for row in rows), encoding="utf-8")
    return {
        pair: {"archive": row["pmc_tar_url"], "member": row["image_file_path"]}
        for pair, row in zip(pairs, rows, strict=True)
    }


@given(st.lists(st.text(min_size=1, max_size=5), unique=True, min_size=1), st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_every_pair_is_found_and_no_other(tmp_path_factory, pairs, end):
    path = tmp_path_factory.mktemp("list") / LIST
    expected = write(path, pairs, end)
    archives = PairArchives(path)
    assert {pair: archives.find(pair) for pair in pairs} == expected
    assert archives.find("none of these") == {}


def test_bad_lines_are_passed_over(tmp_path):
    expected = write(tmp_path / LIST, ["a", "b"])
    with (tmp_path / LIST).open("r+") as file:
        text = file.read()
        file.seek(0)
        file.write("{cut off\n[]\n" + text + "{}\n")
    archives = PairArchives(tmp_path / LIST)
    assert [archives.find(pair) for pair in ("a", "b", "c")] == [expected["a"], expected["b"], {}]


def test_it_works_in_another_process(tmp_path):
    expected = write(tmp_path / LIST, ["a"])
    assert pickle.loads(pickle.dumps(PairArchives(tmp_path / LIST))).find("a") == expected["a"]


def test_a_web_page_is_no_list(tmp_path):
    (tmp_path / LIST).write_text("<html>404")
    with pytest.raises(TableError, match="a web page"):
        PairArchives(tmp_path / LIST)
