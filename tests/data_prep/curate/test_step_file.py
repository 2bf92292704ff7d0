"""What is wrong with a step, its prompt and its glossary is told together, before a call."""

import pytest
import yaml

from data_prep.__main__ import main
from tests.helpers.curation import failed, good, translate_step
from tests.helpers.scripted_server import ScriptedServer


@pytest.fixture
def server():
    with ScriptedServer(good) as server:
        yield server


def test_every_error_of_a_step_is_told_together(folder, server, capsys):
    step = translate_step(folder, server.url, checks=["nubmers"], colour="red", model={"temperature": 9})
    given = yaml.safe_load(step.read_text()) | {"input": {"dataset": "nowhere"}}
    step.write_text(yaml.safe_dump(given))
    (folder / "prompt.yml").write_text("user: '{text} {nonsense} {glossary!r}'\nsistem: x\n")
    said = failed(folder, step, capsys)
    for part in ("checks: 'nubmers'", "colour: unknown key", "model.temperature: 9", "manifest.json is missing"):
        assert part in said, part
    assert "sistem: unknown key" in said
    (folder / "prompt.yml").write_text("user: '{text} {nonsense} {glossary!r}'\nexamples: none.jsonl\n")
    said = failed(folder, step, capsys)
    assert "{nonsense} is no field; known: " in said and "{glossary} has a format" in said
    assert "none.jsonl: No such file" in said
    assert not server.requests


def test_a_prompt_with_half_a_brace_and_examples_that_are_none(folder, server, capsys):
    step = translate_step(folder, server.url)
    (folder / "prompt.yml").write_text("user: 'a { b'\nexamples: e.jsonl\n")
    (folder / "e.jsonl").write_text('{"user": "a", "assistant": "b"}\n{"user": 1}\n')
    said = failed(folder, step, capsys)
    assert "write a brace that is no field twice" in said
    (folder / "prompt.yml").write_text("user: 'a {{ b {text}'\nexamples: e.jsonl\n")
    assert "e.jsonl: line 2" in failed(folder, step, capsys)


def test_a_blank_line_of_the_examples_is_none(folder, server, capsys):
    step = translate_step(folder, server.url)
    (folder / "prompt.yml").write_text("user: '{text}'\nexamples: e.jsonl\n")
    (folder / "e.jsonl").write_bytes(b'\xef\xbb\xbf{"user": "a", "assistant": "b"}\r\n\r\n')
    assert main(["curate", str(step), "--estimate"]) == 0


def test_a_glossary_with_duplicate_or_empty_terms_is_told_with_its_lines(folder, server, capsys):
    step = translate_step(folder, server.url, glossary="g.tsv")
    (folder / "g.tsv").write_text("english\tarabic\tnote\nliver\tكبد\t\nLiver\tكبد\t\n\tقلب\t\n")
    said = failed(folder, step, capsys)
    assert "g.tsv, line 3: 'Liver' stands in line 2" in said and "line 4: the english term is empty" in said
    assert not server.requests


def test_a_key_that_the_kind_does_not_heed_is_an_error(folder, server, capsys):
    step = translate_step(folder, server.url, kind="rewrite", glossary="g.tsv", language="ar")
    said = failed(folder, step, capsys)
    assert "glossary: read only by the kinds translate, benchmark" in said
    assert "language: read only by the kinds translate;" in said
    step = folder / "split.yml"
    step.write_text(yaml.safe_dump({"name": "s", "kind": "split", "input": {"dataset": str(folder / "english")}}))
    said = failed(folder, step, capsys, "--base-url", server.url)
    assert "model: read only by the kinds" in said and "--base-url" in said and "required" not in said
