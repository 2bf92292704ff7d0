"""Rows that are written as they are, and rows that are read together, are those of one by one."""

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data_prep.ledger import Ledger
from data_prep.mixture import Duplicates, Mixture
from data_prep.pipeline import read_rows, slices
from data_prep.pipeline.stage import BuildFolder
from data_prep.sources.bimed_v import BimedV
from data_prep.sources.llava_med import LlavaMed
from data_prep.sources.messages import Messages
from data_prep.tables.json_file import JsonTable
from data_prep.tables.table import all_rows
from data_prep.text.parts import Parts

PLAIN = st.sampled_from(["A clear lung.", "القلب سليم في هذه الصورة", "<image>\nWhat is it?", "Which?\n<image>", "12"])
ODD = st.sampled_from(["", " ", "\ud800", "é", "Dr. Smith", "MRN 1234567", "<b>x</b>", "<image>", "I can not", "?? ??"])
TURN = st.fixed_dictionaries(
    {"from": st.sampled_from(["human", "gpt", "system", "x", None]), "value": PLAIN | ODD | st.sampled_from([None, 3])}
)
TURNS = st.lists(PLAIN, min_size=2, max_size=4).map(
    lambda texts: [{"from": ("human", "gpt")[n % 2], "value": text} for n, text in enumerate(texts)]
)
NAMES = st.sampled_from(["PMC1_Fig2.jpg", "123456_F1.jpg", "", None, 3, ["a.jpg", "b.jpg"], "\ud800.jpg"])
ROW = st.fixed_dictionaries(
    {"id": st.sampled_from(["a", "b", 7, None, "", "\udfff"]), "conversations": TURNS | st.lists(TURN, max_size=3)},
    optional={
        "image": NAMES,
        "images": NAMES,
        "conversatons": TURNS,
        "parent": st.sampled_from(["messages-a", "\ud801", 3]),
        "answer_type": st.sampled_from(["OPEN", "closed"]),
        "domain": st.just({"mri": True}),
        "generator": st.sampled_from([{"model": "m", "prompt": "0" * 64, "date": "2024-01-01"}, 3]),
    },
)
PLAIN_ROW = st.fixed_dictionaries({"id": st.sampled_from(["p", "q"]), "conversations": TURNS})
HOSTILE = ["", "  ", "{", "null", '{"id": "a", "id": "b"}', '{"conversations": NaN}', '{"id": "\\ud800"}']
LINE = st.builds(json.dumps, PLAIN_ROW | ROW, ensure_ascii=st.booleans()) | st.sampled_from(HOSTILE)
SOURCES = [
    lambda path: Messages(path=path, name="m", licence="CC0-1.0"),
    lambda path: BimedV(path=path, name="b", turns="single", languages=["ar"]),
    lambda path: LlavaMed(path=path, images="", name="l"),
]


def read(folder, source, mixture):
    """The rows and the ledger of a source's one table."""
    with Ledger(folder / "ledger.jsonl") as ledger:
        reader = read_rows._RowReader(source, mixture, ledger, is_benchmark=False)
        batches = [*reader.batches(tuple(all_rows(source.tables()[0])))]
    found = [row for batch in batches for row in batch.to_pylist()]
    return found, (folder / "ledger.jsonl").read_text(), reader.rejected, reader.others, reader.masked


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("read")


@settings(max_examples=60)
@given(lines=st.lists(LINE, min_size=1, max_size=8), source=st.sampled_from(SOURCES), checks=st.booleans())
@example(lines=['{"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}'] * 3,
         source=SOURCES[0], checks=True)  # fmt: skip
def test_rows_that_are_written_as_they_are_are_those_that_are_checked_one_by_one(folder, lines, source, checks):
    path = folder / "table.json"
    path.write_bytes("\ufeff{}\n".encode() + "\r\n".join(lines).encode("utf-8", "surrogatepass"))
    made = source(str(path))
    mixture = Mixture(name="x", sources=[made], checks=checks, duplicates=Duplicates(exact=checks, near=False))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Parts, "well_formed", lambda parts: np.zeros(len(parts.samples), bool))
        one_by_one = read(folder, made, mixture)
    assert read(folder, made, mixture) == one_by_one


def test_a_file_that_several_entries_name_is_read_once_and_gives_each_its_rows(tmp_path, monkeypatch):
    turns = [{"from": "human", "value": "What is it?"}, {"from": "gpt", "value": "A clear lung."}]
    table = tmp_path / "table.jsonl"
    rows = [{"id": str(n), "conversations": turns * (1 + n % 2)} for n in range(9)]
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    entries = [BimedV(path=str(table), name=turns, turns=turns) for turns in ("single", "multi")]
    sources = [*entries, Messages(path=str(table), name="m", licence="CC0-1.0")]
    monkeypatch.setattr(slices, "ROWS", 4)
    opened = []
    rows_of = JsonTable.rows
    monkeypatch.setattr(JsonTable, "rows", lambda *given: opened.append(given) or rows_of(*given))
    workdir = BuildFolder(tmp_path / "work", 1)
    parts = slices.cut(workdir, sources)
    read_rows.read_slices(workdir, parts, sources, Mixture(name="x", sources=sources))
    found = {number: [] for number in range(len(sources))}
    for rank, part in enumerate(parts):
        with pa.ipc.open_file(workdir.path(read_rows.STAGE, rank, "arrow")) as file:
            found[part.source] += [row["id"].rpartition("-")[2] for row in file.read_all().to_pylist()]
    assert len(opened) == 3 and len(parts) == 9
    assert found == {0: [*"02468"], 1: [*"1357"], 2: [*"012345678"]}
