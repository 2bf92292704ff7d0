"""The checks of translations that ask a model: back-translation and similarity."""

import json

import pytest
from transformers import BertConfig, BertModel, BertTokenizerFast

from data_prep.__main__ import main
from data_prep.curate.errors import CurateError
from data_prep.curate.similarity import Similarity
from tests.helpers.curation import ARABIC, lines_of, rows_of, translate_step, translated
from tests.helpers.scripted_server import PIECE, Answer, ScriptedServer, last_text

ENGLISH = {arabic: english for english, arabic in ARABIC.items()}


@pytest.fixture
def weights(tmp_path):
    """A random BERT in the layout of LaBSE's files."""
    folder = tmp_path / "labse"
    folder.mkdir()
    words = sorted({word for text in (*ARABIC, *ENGLISH) for word in text.lower().replace(".", " .").split()})
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]))
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    BertModel(BertConfig(vocab_size=len(words) + 5, **size)).save_pretrained(folder)
    return folder


def both_ways(back):
    """Translate well into Arabic, and as `back` says into English."""

    def script(messages, number):
        if "to English" not in messages[0]["content"]:
            return Answer(translated(messages))
        pieces = PIECE.findall(last_text(messages))
        return Answer("\n".join(f"[[{place}]]\n{back(ENGLISH[text.strip()])}" for place, text in pieces))

    return script


def curate(folder, script, **changes):
    with ScriptedServer(script) as server:
        step = translate_step(folder, server.url, checks=["numbers"], **changes)
        assert main(["curate", str(step), "--out", str(folder / "out")]) == 0
    return server


def test_a_draft_that_reads_back_as_the_original_passes_and_both_calls_are_kept(folder):
    script = both_ways(lambda text: text)
    server = curate(folder, script, back_translation={"least": 60, "name": "another"})
    assert [body["model"] for body in server.requests].count("another") == 3
    made = json.loads((folder / "out/manifest.json").read_text())
    assert made["curation"]["calls"] == 6 and not made["curation"]["review_waiting"]
    assert not curate(folder, script, back_translation={"least": 60, "name": "another"}).requests


def test_a_draft_that_reads_back_as_another_text_goes_to_review(folder):
    def wrong(text):
        return "Nothing of the kind." if "chest" in text else text

    curate(folder, both_ways(wrong), back_translation={"least": 60})
    assert rows_of(folder / "out")["messages-one-ar"][0] == "review"
    (line,) = [line for line in lines_of(folder / "out/curation.jsonl") if line["findings"]]
    (finding,) = line["findings"]
    assert finding["check"] == "back_translation" and "Nothing of the kind" in finding["detail"]


def test_a_draft_without_a_back_translation_goes_to_review(folder):
    def script(messages, number):
        return Answer("no numbers") if "to English" in messages[0]["content"] else Answer(translated(messages))

    curate(folder, script, back_translation={})
    assert {split for split, _ in rows_of(folder / "out").values()} == {"review"}


def test_drafts_below_the_least_similarity_go_to_review(folder, weights):
    curate(folder, both_ways(str), similarity={"weights": str(weights), "least": 1.0})
    findings = [finding for line in lines_of(folder / "out/curation.jsonl") for finding in line["findings"]]
    assert len(findings) == 3 and {finding["check"] for finding in findings} == {"similarity"}
    (folder / "out.replies.jsonl").unlink()
    curate(folder, both_ways(str), similarity={"weights": str(weights), "least": -1.0})
    assert "review" not in {split for split, _ in rows_of(folder / "out").values()}


def test_a_similarity_is_kept_until_texts_or_weights_change(tmp_path, weights, monkeypatch):
    kept = tmp_path / "out.similarity.jsonl"
    first = Similarity(weights, kept)("Is it normal?", "Yes.")
    with kept.open("a") as file:
        file.write('{"key": "of a line that was cut')
    monkeypatch.setattr(Similarity, "_computed", lambda *_: 7.0)
    again = Similarity(weights, kept)
    assert again("Is it normal?", "Yes.") == first and again("Is it normal?", "No.") == 7
    with (weights / "model.safetensors").open("ab") as file:
        file.write(b"other")
    assert Similarity(weights, kept)("Is it normal?", "Yes.") == 7


def test_a_damaged_file_of_similarities_is_told(tmp_path, weights):
    (tmp_path / "kept").write_text('{"key": "a"}\n')
    with pytest.raises(CurateError, match="kept: not a file of kept similarities; remove it"):
        Similarity(weights, tmp_path / "kept")("Is it normal?", "Yes.")


def test_similarity_is_the_cosine_of_two_embeddings(weights):
    similarity = Similarity(weights)
    assert similarity("Is it normal?", "Is it normal?") == pytest.approx(1, abs=1e-5)
    assert similarity("Is it normal?", "Yes.") == pytest.approx(similarity("Yes.", "Is it normal?"), abs=1e-5)


def test_weights_that_are_not_there_and_checks_of_another_kind_are_told_before_a_call(folder, capsys):
    with ScriptedServer(both_ways(str)) as server:
        step = translate_step(folder, server.url, similarity={"weights": "nowhere"}, back_translation={"least": 400})
        assert main(["curate", str(step), "--out", str(folder / "out")]) == 1
    told = capsys.readouterr().err
    assert "similarity.weights: " in told and "no config.json" in told and "back_translation.least: 400" in told
    assert not server.requests
